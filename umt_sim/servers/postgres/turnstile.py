"""
Lets sessions run in the engine one at a time, and keeps the time of those that wait.

The engine's processes would run side by side, in an order that is the machine's choice. Here
a session runs until it has answered or is blocked. One that is blocked is stopped
(SIGSTOP) where it sleeps, even if its lock is granted meanwhile, and goes on (SIGCONT) when
its turn comes: in the order of arrival, at the virtual time of the commit that let it go.
"""

from __future__ import annotations

import os
import signal
from asyncio import AbstractEventLoop, Future, TimerHandle
from collections.abc import Callable
from dataclasses import dataclass, field

from umt_sim.servers.postgres import errors
from umt_sim.servers.postgres.backend import IDLE, Backend
from umt_sim.servers.postgres.clock import Clock
from umt_sim.servers.postgres.errors import Interruption
from umt_sim.servers.postgres.monitor import Doing, Monitor

__all__ = ["Ride", "Turnstile"]

ROLLED_BACK = b"ROLLBACK\0"  # to a savepoint, too
DISCARDED = b"DISCARD ALL\0"

FIRST_LOOK = 0.0005  # seconds of the real clock until the monitor is asked; doubled each time
LAST_LOOK = 0.05
LOOKS_UNTIL_CANCELLED = 200  # ten seconds and more


@dataclass(eq=False, slots=True)
class Ride:
    """
    A session's way through the engine.

    Attributes:
        pid: What clients see as its process id.
        row: Of the clock.
        backend: The engine's session.
        hear: Takes notifications that come while the session is idle.
        lock_timeout: Seconds a statement may wait for one lock; 0 is for ever.
        deadlock_timeout: Seconds of waiting after which it looks for a deadlock.
        answer: Set while the session waits inside the engine.
        wake_at: Microseconds since 1970 until which a statement sleeps.
        timers: What may end the wait.
    """

    pid: int
    row: int
    backend: Backend
    hear: Callable[[bytes], None]
    lock_timeout: float = 0.0
    deadlock_timeout: float = 1.0
    answer: Future[bytes] | None = None
    wake_at: int | None = None
    timers: list[TimerHandle] = field(default_factory=list)


class Turnstile:
    """
    Whose turn it is in the engine.

    Args:
        loop: Where waits are kept.
        monitor: Knows who blocks whom.
        clock: The engine's.
        microseconds: Reads the time since 1970.

    Attributes:
        unlocks: SQL has been seen that may give up locks in the middle of a transaction.
        talk: SQL has been seen that may notify.
    """

    def __init__(
        self,
        *,
        loop: AbstractEventLoop,
        monitor: Monitor,
        clock: Clock,
        microseconds: Callable[[], int],
    ) -> None:
        self._loop = loop
        self._monitor = monitor
        self._clock = clock
        self._microseconds = microseconds
        self._waiting: dict[int, Ride] = {}  # by the engine's process, in the order of arrival
        self._hearers: dict[int, Ride] = {}
        self._shut = False
        self.unlocks = False
        self.talk = False

    async def run(self, ride: Ride, data: bytes, answers: int = 0) -> bytes:
        """Have the engine act on *data* now; its reply, after any waiting in between."""
        backend = ride.backend
        before = backend.status
        if before == IDLE:
            self._clock.begin_transaction(ride.row, self._microseconds())
        else:
            self._clock.begin_statement(ride.row, self._microseconds())
        backend.send(data, answers)
        reply = self._advance(ride)
        if reply is None:
            ride.answer = self._loop.create_future()
            self._waiting[backend.pid] = ride
            self._hold(ride)
        if self._waiting and (reply is None or self._may_release(before, backend.status, reply)):
            self.settle()
        elif self._hearers and backend.status == IDLE:
            self._pass_on_notifications()
        if reply is None:
            assert ride.answer is not None
            return await ride.answer
        return reply

    def _may_release(self, before: bytes, after: bytes, reply: bytes) -> bool:
        """Whether a step may have given up locks; asking the monitor costs as much as a query."""
        return (
            (before != IDLE and after != before)
            or self.unlocks
            or ROLLED_BACK in reply
            or DISCARDED in reply
        )

    def interrupt(self, ride: Ride, why: Interruption) -> None:
        """End the wait of a statement with an error; nothing happens if it does not wait."""
        if ride.answer is None or ride.answer.done():
            return
        self._monitor.cancel(ride.backend.pid)
        self._go(ride, why)
        self.settle()

    def shut(self) -> None:
        """From now on sessions can only leave: who waits for another's end does not go on."""
        self._shut = True

    def abandon(self) -> None:
        """The engine is about to die with all its sessions."""
        for ride in self._waiting.values():
            self._disarm(ride)
        self._waiting.clear()
        self._hearers.clear()

    def leave(self, ride: Ride) -> None:
        """End the session in the engine, whatever it was doing: its transaction rolls back."""
        self._hearers.pop(ride.pid, None)
        if self._waiting.pop(ride.backend.pid, None) is not None:
            self._disarm(ride)
            self._monitor.terminate(ride.backend.pid)
            os.kill(ride.backend.pid, signal.SIGCONT)
        ride.backend.close()
        self._clock.give_back(ride.row)
        self.settle()

    def listen(self, ride: Ride) -> None:
        """From now on *ride* may be sent notifications at any time."""
        self._hearers[ride.pid] = ride

    def settle(self) -> None:
        """Let those go on, one after the other, whom the last step released."""
        if self._shut:
            return
        while blocked := [pid for pid, ride in self._waiting.items() if ride.wake_at is None]:
            released = self._monitor.released(blocked)
            if not released:
                break
            self._go(self._waiting[released[0]])
        if self._hearers:
            self._pass_on_notifications()

    def _pass_on_notifications(self) -> None:
        """
        Fetch what the engine has for idle listeners.

        Its signal was sent before the notifying session answered, so an empty round trip
        brings everything that was committed.
        """
        if not self.talk:
            return
        for ride in [*self._hearers.values()]:
            if ride.answer is None and ride.backend.at_rest:
                words = ride.backend.pending()
                if words:
                    ride.hear(words)

    def _advance(self, ride: Ride, trust: int = 0) -> bytes | None:
        """
        Let a session run until it has answered; ``None`` if it has to wait first.

        Args:
            ride: The session.
            trust: So many looks long it is not asked whether it is blocked.
        """
        backend = ride.backend
        patience = FIRST_LOOK
        while (reply := backend.reply(patience)) is None:
            trust -= 1
            if backend.nap is not None:
                ride.wake_at = self._microseconds() + round(backend.nap * 1e6)
                return None
            heard = backend.heard_all()  # before it is looked at: then it has acted on it, too
            doing = self._monitor.doing(backend.pid)
            if doing is Doing.BLOCKED and trust < 0:
                return None
            if doing is Doing.READING and (patience == LAST_LOOK if heard is None else heard):
                return backend.so_far()
            patience = min(2 * patience, LAST_LOOK)
        return reply

    def _hold(self, ride: Ride) -> None:
        """Stop a session that waits, and see to it that the wait ends."""
        os.kill(ride.backend.pid, signal.SIGSTOP)
        later = self._loop.call_later
        if ride.backend.nap is not None:
            ride.timers.append(later(ride.backend.nap, self._wake, ride))
            return
        ride.timers.append(later(ride.deadlock_timeout, self._look_for_deadlock, ride))
        if ride.lock_timeout > 0:
            ride.timers.append(later(ride.lock_timeout, self.interrupt, ride, errors.LOCK_TIMEOUT))

    def _wake(self, ride: Ride) -> None:
        self._go(ride)
        self.settle()

    def _go(self, ride: Ride, why: Interruption | None = None) -> None:
        """Let a session that waits go on until it has answered or waits again."""
        self._disarm(ride)
        now = self._microseconds()
        if ride.wake_at is not None and why is None:
            now = max(now, ride.wake_at)  # a wake-up is never a rounding error too early
        self._clock.go_on(ride.row, now)
        ride.wake_at = ride.backend.nap = None
        os.kill(ride.backend.pid, signal.SIGCONT)
        # A cancelled session looks blocked until it has noticed, which takes a busy machine long.
        reply = self._advance(ride, trust=0 if why is None else LOOKS_UNTIL_CANCELLED)
        if reply is None:
            self._hold(ride)
            return
        del self._waiting[ride.backend.pid]
        answer, ride.answer = ride.answer, None
        assert answer is not None
        if not answer.done():
            answer.set_result(reply if why is None else why.instead_of_cancellation(reply))

    def _disarm(self, ride: Ride) -> None:
        for timer in ride.timers:
            timer.cancel()
        ride.timers.clear()

    def _look_for_deadlock(self, ride: Ride) -> None:
        """As the engine would: whoever looks first and finds itself in a cycle is the victim."""
        cycle = self._cycle(ride)
        if cycle:
            waits = [self._monitor.wait_of(member.backend.pid) for member in cycle]
            detail = "\n".join(
                f"Process {member.pid} waits for {wait.mode} on {wait.target};"
                f" blocked by process {blocker.pid}."
                for member, wait, blocker in zip(cycle, waits, [*cycle[1:], cycle[0]], strict=True)
                if wait is not None
            )
            self.interrupt(ride, errors.deadlock(detail))

    def _cycle(self, start: Ride) -> list[Ride]:
        """A chain of waits that leads from *start* back to it; empty if there is none."""
        chains = [[start]]
        seen = [start]
        while chains:
            chain = chains.pop(0)
            for pid in self._monitor.blockers(chain[-1].backend.pid):
                ride = self._waiting.get(pid)
                if ride is start:
                    return chain
                if ride is not None and ride not in seen:
                    seen.append(ride)
                    chains.append([*chain, ride])
        return []
