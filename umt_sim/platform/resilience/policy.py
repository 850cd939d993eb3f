"""
One policy per callee: its guards, one around the other, in a stated order.

From the outside in: fallback, retry, hedge, breaker, rate limit, bulkhead, timeout. So a
retry passes the breaker each time, a refusal costs neither a place nor a turn, and the
timeout is that of one attempt. With the breaker outside the retry it sees one outcome per
piece of work instead of one per attempt; which is better is worth an experiment.

Any object that is a ``Guard`` may stand as the breaker: a member of a fleet, or the
breaker of another library with a few lines around it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import Enum
from functools import partial, wraps
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from umt_sim.platform.resilience.breaker.circuit_breaker import CircuitBreaker
from umt_sim.platform.resilience.bulkhead import Bulkhead
from umt_sim.platform.resilience.fallback import Fallback
from umt_sim.platform.resilience.hedge import Hedge
from umt_sim.platform.resilience.rate_limiter import RateLimiter
from umt_sim.platform.resilience.retry import Retry
from umt_sim.platform.resilience.timeout import Timeout

__all__ = ["DEFAULT_ORDER", "Guard", "Part", "ResiliencePolicy"]

P = ParamSpec("P")
R = TypeVar("R")


class Part(Enum):
    """A guard's place in a policy."""

    FALLBACK = "fallback"
    RETRY = "retry"
    HEDGE = "hedge"
    BREAKER = "breaker"
    RATE_LIMIT = "rate_limit"
    BULKHEAD = "bulkhead"
    TIMEOUT = "timeout"


DEFAULT_ORDER = tuple(Part)


class Guard(Protocol):
    """
    What every guard can do.

    Refusing is raising a ``CallNotPermitted``, so that the guards further out know that the
    call did not happen; the call's own exception comes through as it is.
    """

    async def call(self, function: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Await ``function(*args, **kwargs)`` under the guard."""
        ...


class ResiliencePolicy:
    """
    Calls through all its guards. A part that is not given is not there.

    Args:
        name: What it protects.
        breaker: Ours, or any other guard in its place.
        order: From the outside in; every given part must appear in it.
    """

    def __init__(
        self,
        name: str,
        *,
        fallback: Fallback | None = None,
        retry: Retry | None = None,
        hedge: Hedge | None = None,
        breaker: CircuitBreaker | Guard | None = None,
        rate_limit: RateLimiter | None = None,
        bulkhead: Bulkhead | None = None,
        timeout: Timeout | None = None,
        order: Sequence[Part] = DEFAULT_ORDER,
    ) -> None:
        self.name = name
        self.breaker = breaker
        given: dict[Part, Guard | CircuitBreaker | None] = {
            Part.FALLBACK: fallback,
            Part.RETRY: retry,
            Part.HEDGE: hedge,
            Part.BREAKER: breaker,
            Part.RATE_LIMIT: rate_limit,
            Part.BULKHEAD: bulkhead,
            Part.TIMEOUT: timeout,
        }
        present = {part: guard for part, guard in given.items() if guard is not None}
        _check_order(name, present, order)
        self.order = tuple(part for part in order if part in present)
        self._calls = [_call_of(present[part]) for part in reversed(self.order)]

    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Await ``function(*args, **kwargs)`` under all guards."""
        guarded: Callable[..., Awaitable[Any]] = function
        for call in self._calls:
            guarded = partial(call, guarded)
        return cast("R", await guarded(*args, **kwargs))

    def __call__(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        """*function* with the guards around it."""

        @wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            return await self.call(function, *args, **kwargs)

        return guarded

    def __repr__(self) -> str:
        inside = " > ".join(part.value for part in self.order)
        return f"<ResiliencePolicy {self.name!r}: {inside or 'no guards'}>"


def _call_of(guard: Guard | CircuitBreaker) -> Callable[..., Awaitable[Any]]:
    return guard.call_async if isinstance(guard, CircuitBreaker) else guard.call


def _check_order(name: str, present: Iterable[Part], order: Sequence[Part]) -> None:
    missing = [part.value for part in present if part not in order]
    if missing:
        raise ValueError(
            f"policy {name!r} has {', '.join(missing)} but its order does not place it; "
            f"name every part you give"
        )
    if len(set(order)) != len(order):
        raise ValueError(f"policy {name!r} places a part twice; name each part once")
