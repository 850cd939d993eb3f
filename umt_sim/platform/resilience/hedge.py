"""
Asks a second time when the first answer is late, and takes whichever comes first.

Off by default, and only for calls that may happen twice. It buys a shorter tail with more
load, which is the wrong trade while the callee is struggling; put it inside a breaker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, ParamSpec, TypeVar

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.resilience.listeners import Listener, Publisher, Report, log_failure

__all__ = ["Hedge", "HedgeStarted"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class HedgeStarted:
    """No answer yet: the call was made for the *attempt*-th time, from 2."""

    kind: ClassVar[str] = "hedge"
    at: float
    policy: str
    attempt: int


class Hedge:
    """
    Repeats a call every *after_seconds* without an answer, up to *limit* times more.

    The first success wins and the others are cancelled and awaited, so nothing runs on
    behind the caller's back. If all fail the first failure is raised.
    """

    def __init__(
        self,
        name: str,
        after_seconds: float,
        limit: int = 1,
        *,
        clock: Clock,
        listeners: Iterable[Listener[HedgeStarted]] = (),
        report: Report = log_failure,
    ) -> None:
        if not (isfinite(after_seconds) and after_seconds > 0):
            raise ValueError(f"hedge {name!r} waits {after_seconds} s; write a positive number")
        if limit < 1:
            raise ValueError(f"hedge {name!r} makes {limit} more calls; write 1 or more")
        self.name = name
        self._after = after_seconds
        self._limit = limit
        self._clock = clock
        self._publisher: Publisher[HedgeStarted] = Publisher(tuple(listeners), report)

    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Await the first success of ``function(*args, **kwargs)``."""
        calls: list[asyncio.Future[R]] = []
        try:
            for attempt in range(1, self._limit + 2):
                if attempt > 1:
                    self._say(attempt)
                calls.append(asyncio.ensure_future(function(*args, **kwargs)))
                last = attempt > self._limit
                winner = await self._first_success(calls, None if last else self._after)
                if winner is not None:
                    return winner.result()
                if all(call.done() for call in calls):
                    break  # all failed: waiting longer would answer nothing
            return calls[0].result()
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    async def _first_success(
        self, calls: list[asyncio.Future[R]], patience: float | None
    ) -> asyncio.Future[R] | None:
        until = None if patience is None else self._clock.monotonic() + patience
        while True:
            for call in calls:
                if call.done() and not call.cancelled() and call.exception() is None:
                    return call
            running = [call for call in calls if not call.done()]
            left = None if until is None else until - self._clock.monotonic()
            if not running or (left is not None and left <= 0):
                return None
            await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    def _say(self, attempt: int) -> None:
        self._publisher.put(HedgeStarted(self._clock.monotonic(), self.name, attempt))
        self._publisher.deliver()
