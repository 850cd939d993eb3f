"""Policies are values; what is left out of one is not there."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from umt_sim.kernel import Kernel
from umt_sim.platform.adapters.in_memory import InMemoryCache, ScriptedGateway
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.errors import PortTimeout, PortUnavailable
from umt_sim.platform.guards import GuardedCache, GuardedHttpGateway
from umt_sim.platform.policies import (
    PRODUCTION_POLICIES,
    BulkheadSettings,
    PolicySettings,
    RetrySettings,
    build_policy,
)
from umt_sim.platform.ports import Cache, HttpGateway
from umt_sim.platform.resilience import (
    Backoff,
    BreakerSettings,
    BulkheadFull,
    CallTimedOut,
    CircuitOpenError,
    Jitter,
    Part,
    ResiliencePolicy,
)

DOWN = PortUnavailable("llm", "POST /")


def policy(settings: PolicySettings, heard: list[Any] | None = None) -> ResiliencePolicy:
    return build_policy(
        "p",
        settings,
        clock=SystemClock(),
        randomness=Random(1),
        listeners=() if heard is None else (heard.append,),
    )


def run(main: Any) -> None:
    with Kernel(seed=1) as kernel:
        kernel.run(main())


def test_a_policy_without_settings_guards_nothing() -> None:
    """The call goes straight through, and its error comes straight back."""

    async def main() -> None:
        gateway = ScriptedGateway(DOWN)
        guarded = GuardedHttpGateway(gateway, policy(PolicySettings()))
        with pytest.raises(PortUnavailable) as error:
            await guarded.request("POST", "/")
        assert DOWN is error.value
        assert 1 == len(gateway.requests)

    assert () == policy(PolicySettings()).order
    run(main)


def test_every_part_does_its_work() -> None:
    """Two retries after half and one second, and a breaker that opens after three failures."""
    settings = PolicySettings(
        timeout=1.0,
        retry=RetrySettings(max_attempts=3, backoff=Backoff(base=0.5, jitter=Jitter.NONE)),
        breaker=BreakerSettings.consecutive(3, 30.0),
    )
    heard: list[Any] = []

    async def main() -> None:
        gateway = ScriptedGateway(DOWN)
        guarded = GuardedHttpGateway(gateway, policy(settings, heard))
        assert isinstance(guarded, HttpGateway)
        with pytest.raises(PortUnavailable):
            await guarded.request("POST", "/")
        assert 1.5 == asyncio.get_running_loop().time()
        assert 3 == len(gateway.requests)
        with pytest.raises(CircuitOpenError):
            await policy_of(guarded).call(gateway.request, "POST", "/")

    def policy_of(guarded: GuardedHttpGateway) -> Any:
        return guarded._guard

    run(main)
    assert {"retry", "error", "state_transition"} <= {event.kind for event in heard}


def test_a_slow_call_ends_at_the_timeout() -> None:
    """A cache that does not answer is given up after the policy's timeout, not the driver's."""

    class Silent(InMemoryCache):
        async def get(self, key: str) -> bytes | None:
            await asyncio.sleep(60)
            return await super().get(key)

    async def main() -> None:
        cache = GuardedCache(Silent(SystemClock()), policy(PolicySettings(timeout=0.25)))
        assert isinstance(cache, Cache)
        with pytest.raises(CallTimedOut):
            await cache.get("k")
        assert 0.25 == asyncio.get_running_loop().time()

    run(main)


def test_a_full_bulkhead_refuses() -> None:
    """With one place and nobody waiting the second call does not happen."""

    async def main() -> None:
        guard = policy(PolicySettings(bulkhead=BulkheadSettings(max_concurrent=1)))
        first = asyncio.ensure_future(guard.call(asyncio.sleep, 1))
        await asyncio.sleep(0)
        with pytest.raises(BulkheadFull):
            await guard.call(asyncio.sleep, 1)
        await first

    run(main)


def test_the_order_can_be_changed() -> None:
    """With the breaker outside the retry, three failed attempts are one outcome."""
    settings = PolicySettings(
        retry=RetrySettings(max_attempts=3, backoff=Backoff(base=0.1, jitter=Jitter.NONE)),
        breaker=BreakerSettings.consecutive(2, 30.0),
        order=(Part.BREAKER, Part.RETRY),
    )

    async def main() -> None:
        gateway = ScriptedGateway(PortTimeout("llm", "POST /"))
        guard = policy(settings)
        for _ in range(2):
            with pytest.raises(PortTimeout):
                await guard.call(gateway.request, "POST", "/")
        assert 6 == len(gateway.requests)
        with pytest.raises(CircuitOpenError):
            await guard.call(gateway.request, "POST", "/")

    run(main)


def test_production_guards_what_can_fail() -> None:
    """Broker, database, cache and every upstream have a breaker in production."""
    for name in ("broker", "database", "cache", "llm", "social", "ads", "cms"):
        assert PRODUCTION_POLICIES[name].breaker is not None
