"""
SimPy's environment as the one clock and the one queue of the simulation.

asyncio's timers live in the same heap as SimPy's events, so there is one total
order: time, then SimPy's priority, then the number given when scheduled. The
loop steps the environment; nothing else may (SimPy assumes one driver).
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import simpy
from simpy.core import BoundClass
from simpy.events import NORMAL, URGENT, Event, EventPriority

from umt_sim.kernel.handles import SimTimer
from umt_sim.kernel.processes import SimProcess

if TYPE_CHECKING:
    from umt_sim.kernel.loop import SimLoop
    from umt_sim.kernel.tape import Tape

__all__ = ["SimEnvironment", "Timeout", "quantise"]

_EXACT_BELOW = 1e6  # seconds; up to here scaling to whole nanoseconds loses nothing
_WHOLE = 1.5 * 2.0**52  # a float plus this has no fraction left; taken away again, it is rounded
_TURNS_AT_A_TIME = 100  # events processed before the loop looks after itself
_WORTH_COMPACTING = 64  # cancelled timers; below this a sweep costs more than it frees


def quantise(seconds: float) -> float:
    """
    The nearest whole nanosecond, so that equal instants are equal floats.

    Without it ``timeout(0.3)`` would come before three ``sleep(0.1)``, which
    add up to 0.30000000000000004.
    """
    if seconds < _EXACT_BELOW:
        return (seconds * 1e9 + _WHOLE - _WHOLE) / 1e9
    return round(seconds, 9)


class Timeout(simpy.Timeout):
    """SimPy's timeout, which puts itself into the queue: most events are timeouts."""

    def __init__(self, env: SimEnvironment, delay: float, value: Any = None) -> None:
        if delay < 0:
            raise ValueError(f"a timeout cannot be negative: {delay}")
        self.env = env
        self.callbacks = []
        self._value = value
        self._delay = delay
        self._ok = True
        when = env._now + delay
        when = (when * 1e9 + _WHOLE - _WHOLE) / 1e9 if when < _EXACT_BELOW else round(when, 9)
        heappush(env._queue, (when, NORMAL, next(env._eid), self))


class SimEnvironment(simpy.Environment):
    """
    A SimPy environment that an asyncio loop drives.

    Differences from SimPy, all needed to share time with asyncio: times are
    rounded to 1 ns; the exception of an unhandled failed event is raised itself,
    not a copy made from its arguments; ``run`` delegates to the loop; and
    processes keep the context variables of their creator.

    Args:
        tape: Told of each instant that is reached.
        loop: The driver.
    """

    def __init__(self, tape: Tape, loop: SimLoop) -> None:
        super().__init__(0.0)
        self.loop = loop
        self._now: float
        self._tape = tape
        self._cancelled_timers = 0
        self.due: list[SimTimer] = []
        """asyncio timers whose time has come and that the loop has not yet taken over."""

        self.living: dict[SimProcess, None] = {}
        """Processes that have not ended, in order of creation."""

        BoundClass.bind_early(self)

    now = property(attrgetter("_now"), doc="Virtual seconds; SimPy's, without a frame of Python.")
    process = BoundClass(SimProcess)
    timeout = BoundClass(Timeout)

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0.0) -> None:
        """Put *event* into the queue, *delay* seconds from now."""
        if delay:
            when = self._now + delay  # then `quantise`, without the call
            when = (when * 1e9 + _WHOLE - _WHOLE) / 1e9 if when < _EXACT_BELOW else round(when, 9)
        else:
            when = self._now
        heappush(self._queue, (when, priority, next(self._eid), event))

    def schedule_timer(self, timer: SimTimer, when: float) -> None:
        """
        Put an asyncio timer into the queue; a time already past means now.

        A time still to come is at least a nanosecond away, however close it is: a
        program that waits until ``monotonic() >= due`` would find that rounding had
        brought it back too early, again and again, at one instant.
        """
        now = self._now
        if when <= now:
            when = now
        else:
            when = (when * 1e9 + _WHOLE - _WHOLE) / 1e9 if when < _EXACT_BELOW else round(when, 9)
            if when <= now:
                when = quantise(now + 1e-9)
        heappush(self._queue, (when, NORMAL, next(self._eid), timer))  # type: ignore[misc]

    def timer_cancelled(self) -> None:
        """Count a cancelled timer still in the queue; sweep when half of the queue is such."""
        self._cancelled_timers += 1
        if self._cancelled_timers > _WORTH_COMPACTING:
            queue: list[Any] = self._queue
            if 2 * self._cancelled_timers > len(queue):
                # In place: `run_generation` holds this very list while callbacks cancel.
                queue[:] = [entry for entry in queue if not _is_cancelled(entry[3])]
                heapify(queue)
                self._cancelled_timers = 1  # asyncio calls this before it marks the handle

    def peek(self) -> float:
        """Time of the next event, or infinity. Cancelled timers do not count."""
        queue: list[Any] = self._queue
        while queue:
            entry = queue[0]
            if not _is_cancelled(entry[3]):
                when: float = entry[0]
                return when
            heappop(queue)
            self._cancelled_timers -= 1
        return inf

    def advance(self) -> bool:
        """
        Process events until asyncio has something to do.

        Then the rest of that instant's generation still happens (see ``run_generation``),
        so that timers due together reach asyncio together.

        Returns:
            Whether anything is scheduled at all; at infinity nothing ever happens.
        """
        queue: list[Any] = self._queue
        loop, tape, due = self.loop, self._tape, self.due
        ready, marked = loop._ready, loop.sockets.marked
        now = self._now
        turns = 0
        while queue and turns < _TURNS_AT_A_TIME:
            turns += 1
            when, priority, number, event = heappop(queue)
            is_timer = type(event) is SimTimer
            if is_timer and event._cancelled:
                self._cancelled_timers -= 1  # must not move the clock
                continue
            if when != now:
                if when == inf:
                    heappush(queue, (when, priority, number, event))
                    return False
                self._now = now = when
                tape.pulse = hash((tape.pulse, now, number))
            if is_timer:
                event._scheduled = False
                due.append(event)
            else:
                callbacks, event.callbacks = event.callbacks, None
                for callback in callbacks:
                    callback(event)
                if not event._ok and not hasattr(event, "_defused"):
                    raise event._value
            if due or ready or marked or loop._stopping:
                if queue and queue[0][0] == now and queue[0][1] == priority:
                    self.run_generation()
                break
        tape.turns += turns
        return turns > 0

    def run_generation(self) -> None:
        """
        Process what is scheduled for this instant already, asyncio having work to do.

        What these events schedule for the same instant waits for the next call,
        so that a chain of ``timeout(0)`` cannot keep asyncio's tasks from running.
        Urgent events (starts and interrupts of processes, the end of ``run``) are a
        generation of their own.
        """
        queue: list[Any] = self._queue
        now, priority = self._now, queue[0][1]
        last = next(self._eid)
        while queue:
            entry = queue[0]
            if entry[0] != now or entry[2] > last or entry[1] != priority:
                break
            heappop(queue)
            event = entry[3]
            if type(event) is SimTimer:
                event._scheduled = False
                if event._cancelled:
                    self._cancelled_timers -= 1
                else:
                    self.due.append(event)
                continue
            callbacks, event.callbacks = event.callbacks, None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
        tape = self._tape
        tape.pulse = hash((tape.pulse, now, last))

    def scheduled_now(self) -> list[SimProcess]:
        """Processes that an event of this instant will resume; for diagnosis."""
        queue: list[Any] = self._queue
        owners = (
            getattr(callback, "__self__", None)
            for when, _, _, event in queue
            if when <= self._now
            for callback in getattr(event, "callbacks", None) or ()
        )
        return [owner for owner in owners if isinstance(owner, SimProcess)]

    def close_processes(self) -> None:
        """
        Close the processes that have not ended, in order of creation.

        Python would do it when it frees them, at a moment of its own. Those of dead
        hosts are left to ``Power.close_graves``.
        """
        for process in [*self.living]:
            process.close()

    def step(self) -> None:
        """Refused: the loop is the only driver."""
        raise RuntimeError("the loop steps the environment; use kernel.run() or env.run()")

    def run(self, until: float | Event | None = None) -> Any:
        """
        Run tasks and processes together, as ``simpy.Environment.run`` does for processes.

        Args:
            until: A time in seconds, an event, or ``None`` to go on until nothing is
                scheduled. At a time, what happens at that very instant is left for later.

        Raises:
            RuntimeError: The loop is running already.
            ValueError: The time is not in the future.
        """
        if self.loop.is_running():
            raise RuntimeError("env.run() inside the running loop; await the event instead")
        if until is None:
            return self.loop.run_until_idle()
        if isinstance(until, Event):
            return self.loop.run_until_complete(self._value_of(until))
        if until <= self._now:
            raise ValueError(f"until ({until}) must be greater than the current time ({self._now})")
        end = Event(self)
        end._ok, end._value = True, None
        end.callbacks.append(lambda _: self.loop.stop())
        self.schedule(end, URGENT, until - self._now)
        return self.loop.run_forever()

    @staticmethod
    async def _value_of(event: Event) -> Any:
        return await event  # type: ignore[misc]  # `bridges` makes events awaitable


def _is_cancelled(event: Any) -> bool:
    return type(event) is SimTimer and event._cancelled
