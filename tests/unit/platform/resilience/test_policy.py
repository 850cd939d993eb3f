"""Guards around one another, in the order that is stated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from umt_sim.kernel.kernel import Kernel
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.resilience import (
    DEFAULT_ORDER,
    Backoff,
    Bulkhead,
    BulkheadFull,
    CircuitBreaker,
    CircuitOpenError,
    Fallback,
    Jitter,
    Part,
    ResiliencePolicy,
    Retry,
    Timeout,
)
from umt_sim.platform.resilience.breaker import BreakerEvent

CLOCK = SystemClock()
BREAKER_OUTSIDE = (Part.FALLBACK, Part.BREAKER, Part.RETRY, Part.BULKHEAD, Part.TIMEOUT)


def simulate(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run *body* in virtual time."""
    with Kernel(seed=7) as kernel:
        kernel.run(body())


def retry(attempts: int = 3, **rest: Any) -> Retry:
    """Attempts one second apart."""
    backoff = Backoff(1, factor=1, jitter=Jitter.NONE)
    return Retry("llm", attempts, clock=CLOCK, randomness=Random(7), backoff=backoff, **rest)


async def refuse_connection() -> None:
    raise ConnectionError("down")


def test_breaker_inside_sees_every_attempt() -> None:
    """Three attempts of one call are three failures to the breaker."""

    async def body() -> None:
        events: list[BreakerEvent] = []
        breaker = CircuitBreaker("llm", 99, clock=CLOCK, listeners=[events.append])
        policy = ResiliencePolicy("llm", retry=retry(), breaker=breaker)
        with pytest.raises(ConnectionError):
            await policy.call(refuse_connection)
        assert ["error"] * 3 == [event.kind for event in events]

    simulate(body)


def test_breaker_outside_sees_one_outcome() -> None:
    """Three attempts of one call are one failure to a breaker around the retry."""

    async def body() -> None:
        events: list[BreakerEvent] = []
        breaker = CircuitBreaker("llm", 99, clock=CLOCK, listeners=[events.append])
        policy = ResiliencePolicy("llm", retry=retry(), breaker=breaker, order=BREAKER_OUTSIDE)
        with pytest.raises(ConnectionError):
            await policy.call(refuse_connection)
        assert ["error"] == [event.kind for event in events]

    simulate(body)


def test_all_guards_together() -> None:
    """Timed-out attempts open the breaker, and the fallback answers when the retry gives up."""

    async def body() -> None:
        breaker = CircuitBreaker("llm", 2, 30, clock=CLOCK)
        policy = ResiliencePolicy(
            "llm",
            fallback=Fallback("llm", lambda error: type(error).__name__, clock=CLOCK),
            retry=retry(patience_seconds=5),
            breaker=breaker,
            bulkhead=Bulkhead("llm", 1, clock=CLOCK),
            timeout=Timeout("llm", 2, clock=CLOCK),
        )
        assert "<ResiliencePolicy 'llm': fallback > retry > breaker > bulkhead > timeout>" == repr(
            policy
        )
        guarded = policy(asyncio.sleep)
        # 0-2 timeout, 3-5 timeout and the breaker opens, 6 refused for longer than we wait
        assert await guarded(100) == "CircuitOpenError"
        assert asyncio.get_running_loop().time() == 6.0

    simulate(body)


def test_refusal_of_an_inner_guard_is_no_failure_of_the_callee() -> None:
    """A full bulkhead does not open the breaker around it."""

    async def body() -> None:
        breaker = CircuitBreaker("db", 1, clock=CLOCK)
        policy = ResiliencePolicy("db", breaker=breaker, bulkhead=Bulkhead("db", 1, clock=CLOCK))
        busy = asyncio.ensure_future(policy.call(asyncio.sleep, 1))
        await asyncio.sleep(0)
        with pytest.raises(BulkheadFull):
            await policy.call(asyncio.sleep, 1)
        await busy
        assert breaker.snapshot().failed_calls == 0

    simulate(body)


def test_refused_call_takes_no_place() -> None:
    """While the breaker is open nobody enters the bulkhead."""

    async def body() -> None:
        breaker = CircuitBreaker("db", 1, clock=CLOCK)
        bulkhead = Bulkhead("db", 1, clock=CLOCK)
        policy = ResiliencePolicy("db", breaker=breaker, bulkhead=bulkhead)
        with pytest.raises(ConnectionError):
            await policy.call(refuse_connection)
        with pytest.raises(CircuitOpenError):
            await policy.call(refuse_connection)
        assert bulkhead.running == 0

    simulate(body)


def test_policy_without_guards_is_the_call() -> None:
    """Nothing given, nothing done; arguments go through."""

    async def body() -> None:
        async def add(a: int, *, b: int) -> int:
            return a + b

        assert await ResiliencePolicy("x").call(add, 1, b=2) == 3

    simulate(body)


def test_order_names_every_part_that_is_given() -> None:
    """A part without a place, or with two, is refused."""
    with pytest.raises(ValueError, match="has retry but its order does not place it"):
        ResiliencePolicy("x", retry=retry(), order=[Part.BREAKER])
    with pytest.raises(ValueError, match="places a part twice"):
        ResiliencePolicy("x", order=[*DEFAULT_ORDER, Part.RETRY])
