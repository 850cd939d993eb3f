"""Any guard may stand as the breaker of a policy: one of one's own, or another library's."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

import umt_sim
from umt_sim.kernel.kernel import Kernel
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.errors import ErrorClass, PlatformError
from umt_sim.platform.policies import PolicySettings, build_policy
from umt_sim.platform.resilience import (
    BreakerSettings,
    CallNotPermitted,
    CircuitOpenError,
    Guard,
    Part,
    ResiliencePolicy,
)
from umt_sim.platform.resilience.breaker import FailureRate

NOTEBOOKS = Path(__file__).parents[4] / "notebooks"


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The notebook's adapter of another library."""
    monkeypatch.chdir(NOTEBOOKS)
    spec = importlib.util.spec_from_file_location("other_breakers", NOTEBOOKS / "other_breakers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TwoCallsOnly:
    """The smallest breaker there is: it permits two calls."""

    def __init__(self) -> None:
        self.permitted = 2

    async def call(self, function: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        if not self.permitted:
            raise CallNotPermitted("two calls were made")
        self.permitted -= 1
        return await function(*args, **kwargs)


async def fail() -> None:
    raise ConnectionError("down")


def test_a_guard_of_ones_own_may_stand_as_the_breaker() -> None:
    """It is called in the breaker's place in the order, and its refusal reaches the caller."""
    policy = ResiliencePolicy("db", breaker=TwoCallsOnly())
    assert (Part.BREAKER,) == policy.order

    async def main() -> None:
        async def add(a: int, *, b: int) -> int:
            return a + b

        assert 3 == await policy.call(add, 1, b=2)
        assert 5 == await policy.call(add, 2, b=3)
        with pytest.raises(CallNotPermitted):
            await policy.call(add, 2, b=3)

    asyncio.run(main())


def test_a_policy_of_settings_takes_breakers_from_their_maker() -> None:
    """`make_breaker` gets the name and the settings, and is asked only where a breaker is."""
    asked: list[tuple[str, BreakerSettings]] = []

    def make(name: str, settings: BreakerSettings) -> Guard:
        asked.append((name, settings))
        return TwoCallsOnly()

    wanted = BreakerSettings.consecutive(2, 30)
    for name, breaker in (("db", wanted), ("cache", None)):
        build_policy(
            name,
            PolicySettings(breaker=breaker),
            clock=SystemClock(),
            randomness=Random(7),
            make_breaker=make,
        )
    assert [("db", wanted)] == asked


def test_another_librarys_breaker_in_a_policy(others: ModuleType) -> None:
    """Another library opens after two failures, refuses as ours does, and probes after its wait."""
    breaker = others.PurgatoryBreaker("db", BreakerSettings.consecutive(2, 30))
    policy = ResiliencePolicy("db", breaker=breaker)

    async def body() -> None:
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await policy.call(fail)
        with pytest.raises(CircuitOpenError) as caught:
            await policy.call(fail)
        refusal: PlatformError = caught.value
        assert ErrorClass.TRANSIENT is refusal.error_class
        await asyncio.sleep(31)
        assert "well" == await policy.call(asyncio.sleep, 1, "well")

    with Kernel(seed=7) as kernel:
        kernel.run(body())


def test_what_another_library_cannot_do_is_refused(others: ModuleType) -> None:
    """A failure rate is not silently taken for failures in a row."""
    with pytest.raises(ValueError, match="purgatory cannot do FailureRate"):
        others.PurgatoryBreaker("db", BreakerSettings(trip=FailureRate(50)))


def test_a_scenario_with_another_librarys_breaker(others: ModuleType) -> None:
    """The same scenario runs with it, and shows that its half-open state admits a crowd."""
    ours = umt_sim.run("breaker-lab.yaml")
    theirs = umt_sim.run(
        "breaker-lab.yaml", overrides=["system=other_breakers:caller_with_purgatory"]
    )
    errors = [run.operations.error.value_counts() for run in (ours, theirs)]
    assert min(count["CircuitOpenError"] for count in errors) > 0
    assert errors[0]["CallTimedOut"] < errors[1]["CallTimedOut"]
