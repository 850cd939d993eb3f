"""Deadlines: of the message at a queue's head, of its unused life, of what a channel owes."""

from __future__ import annotations

from collections.abc import Callable
from math import floor

from umt_sim.servers.rabbitmq.core.ports import Timeline, Timer

__all__ = ["HeadDeadline", "LifeDeadline", "SettlingDeadline"]

_BETWEEN_LOOKS = 60.0  # seconds


class HeadDeadline:
    """
    Calls when the head of a queue expires, for messages are given up at that moment.

    Args:
        timeline: For the timer.
        due: Called then, or earlier if the head has changed meanwhile; it watches anew.
    """

    def __init__(self, timeline: Timeline, due: Callable[[], None]) -> None:
        self._timeline = timeline
        self._due = due
        self._timer: Timer | None = None
        self._at = 0.0

    def watch(self, expires: float | None) -> None:
        """The head expires at *expires*; ``None`` never."""
        if expires is None or (self._timer is not None and self._at <= expires):
            return
        self.stop()
        self._at = expires
        self._timer = self._timeline.call_at(expires, self._ring)

    def stop(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._due()


class LifeDeadline:
    """
    Calls when a queue was not used for so long (``x-expires``).

    Args:
        timeline: For the timer.
        life: Seconds; ``None`` is for ever.
        over: Called then.
    """

    def __init__(self, timeline: Timeline, life: float | None, over: Callable[[], None]) -> None:
        self._timeline = timeline
        self._life = life
        self._over = over
        self._timer: Timer | None = None

    def start_anew(self) -> None:
        """The queue was used."""
        if self._life is None:
            return
        self.stop()
        self._timer = self._timeline.call_at(self._timeline.time() + self._life, self._over)

    def stop(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class SettlingDeadline:
    """
    Calls when a channel has not settled a delivery for too long.

    RabbitMQ looks at each channel once a minute, counted from its opening.

    Args:
        timeline: For the timer.
        patience: Seconds; ``None`` is for ever.
        oldest: When the oldest unsettled delivery was made; ``None`` if there is none.
        overdue: Called then, with *patience*.
    """

    def __init__(
        self,
        timeline: Timeline,
        patience: float | None,
        oldest: Callable[[], float | None],
        overdue: Callable[[float], None],
    ) -> None:
        self._timeline = timeline
        self._patience = patience
        self._oldest = oldest
        self._overdue = overdue
        self._opened = timeline.time()
        self._timer: Timer | None = None

    def watch(self) -> None:
        """A delivery was made that is to be settled."""
        if self._timer is None and self._patience is not None:
            self._wait(self._patience)

    def stop(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, patience: float) -> None:
        made = self._oldest()
        if made is not None:
            looks = floor((made + patience - self._opened) / _BETWEEN_LOOKS) + 1
            due = self._opened + looks * _BETWEEN_LOOKS
            self._timer = self._timeline.call_at(due, self._look, patience)

    def _look(self, patience: float) -> None:
        self._timer = None
        made = self._oldest()
        if made is not None and made + patience < self._timeline.time():
            self._overdue(patience)
        else:
            self._wait(patience)
