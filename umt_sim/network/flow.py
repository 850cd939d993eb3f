"""
A flow: the bytes of one connection that go one way between two hosts.

Bytes live here from the moment they are sent until the receiver takes them
out of its buffer. Scheduled wake-ups carry nothing, so whatever happens to the
route meets the bytes under way.

Simplifications: a flow has one window for the sender's and the receiver's
buffer together; there is no slow start, no segmentation and no
acknowledgement; lost packets appear only as delay.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

from umt_sim.kernel.environment import quantise
from umt_sim.network.ground import Alarm, Clock
from umt_sim.network.route import Route

if TYPE_CHECKING:
    from umt_sim.network.stream import StreamSocket

__all__ = ["Flow", "next_retry"]

FIRST_RETRY = 0.2  # seconds: Linux's smallest retransmission timeout
LONGEST_RETRY = 120.0  # seconds: Linux's largest
GIVE_UP = 924.6  # seconds until Linux's 15 retransmissions have failed


class Mark(Enum):
    """What travels besides bytes."""

    OPEN = "open"  # the handshake's last packet: the sender knows the connection is there
    END = "end"  # FIN: the sender sends no more
    RESET = "reset"  # RST: the connection is gone


def next_retry(lost_at: float, now: float) -> float:
    """When the first retransmission after *now* is due for what was lost at *lost_at*."""
    due, step = lost_at + FIRST_RETRY, FIRST_RETRY
    while due < now:
        step = min(2 * step, LONGEST_RETRY)
        due += step
    return due


class Flow:
    """
    One direction of a connection.

    Args:
        sender: Told when it may write again and when TCP gives up.
        receiver: Given what arrives.
        route: The way between their hosts.
        clock: Rings when something arrives.
        window: Bytes that may be under way or unread.
        connection: Number of the connection.
    """

    __slots__ = (
        "_busy_until",
        "_clock",
        "_flight",
        "_give_up",
        "_last",
        "_lost_at",
        "_met",
        "_wake_up",
        "connection",
        "receiver",
        "room",
        "route",
        "sender",
    )

    def __init__(
        self,
        sender: StreamSocket,
        receiver: StreamSocket,
        route: Route,
        clock: Clock,
        window: int,
        connection: int,
    ) -> None:
        self.connection = connection
        self.sender = sender
        self.receiver = receiver
        self.route = route
        self.room = window
        self._clock = clock
        self._flight: deque[tuple[float, bytes | Mark]] = deque()
        self._last = 0.0
        self._busy_until = 0.0
        self._wake_up: Alarm | None = None
        self._give_up: Alarm | None = None
        self._lost_at: float | None = None
        self._met = False

    def write(self, data: bytes) -> int:
        """Send as much of *data* as the window has room for, and say how much that was."""
        if len(data) > self.room:
            if self.room <= 0:
                return 0
            data = data[: self.room]
        size = len(data)
        self.room -= size
        if self.route.plain and not self._flight:
            self.receiver.arrive(data)
        else:
            self._depart(data, size)
        return size

    def open(self) -> None:
        """Tell the receiver that the connection is there, before anything else."""
        self._send_mark(Mark.OPEN)

    def end(self) -> None:
        """Send no more after what is under way."""
        self._send_mark(Mark.END)

    def reset(self) -> None:
        """Break the connection: what is under way is lost."""
        self.abandon()
        self._send_mark(Mark.RESET)

    def freed(self, size: int) -> None:
        """The receiver has taken *size* bytes out of its buffer."""
        was_full = self.room <= 0
        self.room += size
        if was_full:
            self.sender.writable()

    def abandon(self) -> None:
        """Lose everything under way; nothing more comes of it."""
        for alarm in (self._wake_up, self._give_up):
            if alarm is not None:
                alarm.cancel()
        self._wake_up = self._give_up = self._lost_at = None
        self._flight.clear()

    @property
    def under_way(self) -> int:
        """Bytes that were sent and have not arrived."""
        return sum(len(item) for _, item in self._flight if isinstance(item, bytes))

    def opened(self) -> None:
        """The route has changed: bytes that were stopped may go on, lost ones when retried."""
        if not self._flight:
            return
        now = self._clock.now()
        if self._lost_at is None:
            self._set_wake_up(max(now, self._flight[0][0]))
        elif not self.route.is_cut:
            self._set_wake_up(next_retry(self._lost_at, now))
        else:
            self.route.wait(self)

    def _send_mark(self, mark: Mark) -> None:
        if self.route.plain and not self._flight:
            self._hand_over(mark)
        else:
            self._depart(mark, 0)

    def _depart(self, item: bytes | Mark, size: int) -> None:
        """Put *item* on its way, behind everything sent before."""
        now, route = self._clock.now(), self.route
        if route.rate:
            now = self._busy_until = max(now, self._busy_until) + size / route.rate
        # To the nanosecond, as the clock is: otherwise the wake-up may come a hair too early.
        self._last = max(
            self._last, quantise(now + route.latency + route.lag(self.connection, size))
        )
        self._flight.append((self._last, item))
        if len(self._flight) == 1:
            self._set_wake_up(self._last)
        elif self.route.blocked and self._met:
            self.route.meet(self.connection, size)

    def _set_wake_up(self, when: float) -> None:
        if self._wake_up is not None:
            self._wake_up.cancel()
        self._wake_up = self._clock.ring_at(when, self._arrive)

    def _arrive(self) -> None:
        """Hand over what is due, unless the route stops it."""
        self._wake_up = None
        flight = self._flight
        if flight and self.route.blocked:
            self._stop()
            return
        self._met = False
        self._lost_at = None
        if self._give_up is not None:
            self._give_up.cancel()
            self._give_up = None
        now = self._clock.now()
        while flight and flight[0][0] <= now:
            self._hand_over(flight.popleft()[1])
        if flight and self._wake_up is None:
            self._set_wake_up(flight[0][0])

    def _stop(self) -> None:
        """Wait before a block. A reset is not sent again, so where packets are lost it is too."""
        route = self.route
        if route.is_cut and self._flight[0][1] is Mark.RESET:
            self.abandon()
            return
        if not self._met:
            route.meet(self.connection, self.under_way)
            self._met = True
        if route.is_cut and self._lost_at is None:
            self._lost_at = self._clock.now()
            self._give_up = self._clock.call_at(self._lost_at + GIVE_UP, self._gave_up)
        route.wait(self)

    def _gave_up(self) -> None:
        self._give_up = None
        self.abandon()
        self.sender.gave_up()

    def _hand_over(self, item: bytes | Mark) -> None:
        match item:
            case bytes():
                self.receiver.arrive(item)
            case Mark.OPEN:
                self.receiver.established()
            case Mark.END:
                self.receiver.end_of_stream()
            case Mark.RESET:
                self.receiver.was_reset()
