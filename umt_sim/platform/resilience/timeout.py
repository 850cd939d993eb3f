"""Ends a call that takes too long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, ParamSpec, TypeVar

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.resilience.deadline import current_deadline
from umt_sim.platform.resilience.errors import CallTimedOut, DeadlineExceeded
from umt_sim.platform.resilience.listeners import Listener, Publisher, Report, log_failure

__all__ = ["Timeout", "TimeoutElapsed"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class TimeoutElapsed:
    """A call was given up after *seconds*; its outcome is unknown."""

    kind: ClassVar[str] = "timeout"
    at: float
    policy: str
    seconds: float


class Timeout:
    """
    Cancels the call after *seconds*, or at the deadline if that is sooner.

    What is cancelled may have happened all the same: whoever raises says "unknown", not
    "no". The timer is the event loop's; the clock measures deadlines.

    Args:
        name: Appears in errors and events.
        seconds: For one call.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        *,
        clock: Clock,
        listeners: Iterable[Listener[TimeoutElapsed]] = (),
        report: Report = log_failure,
    ) -> None:
        if not (isfinite(seconds) and seconds > 0):
            raise ValueError(f"timeout {name!r} is {seconds} s; write a positive number of seconds")
        self.name = name
        self.seconds = seconds
        self._clock = clock
        self._publisher: Publisher[TimeoutElapsed] = Publisher(tuple(listeners), report)

    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """
        Await ``function(*args, **kwargs)`` for as long as there is time.

        Raises:
            CallTimedOut: It took longer than *seconds*.
            DeadlineExceeded: The deadline passed, before or during the call.
        """
        whole = current_deadline()
        seconds, cut = self.seconds, False
        if whole is not None:
            whole.check(self.name, self._clock)
            left = whole.remaining(self._clock)
            if left < seconds:
                seconds, cut = left, True
        try:
            async with asyncio.timeout(seconds) as scope:
                return await function(*args, **kwargs)
        except TimeoutError as error:
            if not scope.expired():
                raise  # the call's own
            self._publisher.put(TimeoutElapsed(self._clock.monotonic(), self.name, seconds))
            self._publisher.deliver()
            if cut:
                raise DeadlineExceeded(self.name) from error
            raise CallTimedOut(self.name, seconds) from error
