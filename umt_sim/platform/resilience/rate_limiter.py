"""Limits how many calls start per second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, ParamSpec, TypeVar

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.resilience.errors import RateLimitExceeded
from umt_sim.platform.resilience.listeners import Listener, Publisher, Report, log_failure

__all__ = ["RateLimitRefused", "RateLimiter"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RateLimitRefused:
    """A call was refused; one would be let through after *retry_after_seconds*."""

    kind: ClassVar[str] = "rate_limit_refused"
    at: float
    policy: str
    retry_after_seconds: float


class RateLimiter:
    """
    A token bucket, kept as one number: the time by which everything let through so far is
    paid for (the generic cell rate algorithm).

    Args:
        name: Appears in errors and events.
        per_second: Calls per second in the long run.
        burst: Calls that may start at one moment after a quiet time.
        max_wait_seconds: How long a call waits for its turn; 0 refuses at once. Turns are
            given in the order they are asked for, and one given up is not given again.
    """

    def __init__(
        self,
        name: str,
        per_second: float,
        burst: int = 1,
        max_wait_seconds: float = 0.0,
        *,
        clock: Clock,
        listeners: Iterable[Listener[RateLimitRefused]] = (),
        report: Report = log_failure,
    ) -> None:
        if not (isfinite(per_second) and per_second > 0):
            raise ValueError(f"rate limiter {name!r} lets {per_second} calls/s; write more than 0")
        if burst < 1:
            raise ValueError(f"rate limiter {name!r} has a burst of {burst}; write 1 or more")
        if not max_wait_seconds >= 0:
            raise ValueError(
                f"rate limiter {name!r} lets calls wait {max_wait_seconds} s; write 0 or more"
            )
        self.name = name
        self._interval = 1.0 / per_second
        self._tolerance = (burst - 1) * self._interval
        self._max_wait = max_wait_seconds
        self._clock = clock
        self._publisher: Publisher[RateLimitRefused] = Publisher(tuple(listeners), report)
        self._paid_until = float("-inf")

    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """
        Await ``function(*args, **kwargs)`` when it is its turn.

        Raises:
            RateLimitExceeded: Its turn would come too late; the call did not happen.
        """
        wait = self._reserve()
        if wait > 0:
            await self._clock.sleep(wait)
        return await function(*args, **kwargs)

    def _reserve(self) -> float:
        now = self._clock.monotonic()
        due = max(self._paid_until, now)
        wait = due - self._tolerance - now
        if wait > self._max_wait + 1e-9:  # adding up intervals must not cost a turn
            self._publisher.put(RateLimitRefused(now, self.name, wait))
            self._publisher.deliver()
            raise RateLimitExceeded(self.name, wait)
        self._paid_until = due + self._interval
        return max(wait, 0.0)
