"""Half-open admission never exceeds its budget, in any order that threads and tasks can find."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from threading import Barrier, Thread

import pytest

from tests.unit.platform.resilience.clock import HandClock
from umt_sim.platform.resilience import BreakerSettings, CircuitBreaker, CircuitOpenError
from umt_sim.platform.resilience.breaker import FailureRate, Outcome, State

CROWD = 100
BUDGET = 3


def half_open_breaker() -> CircuitBreaker:
    """Open, its wait over: whoever asks first makes it half-open."""
    clock = HandClock()
    settings = BreakerSettings(
        trip=FailureRate(50), wait_in_open=10, permitted_calls_in_half_open=BUDGET
    )
    breaker = CircuitBreaker("db", settings=settings, clock=clock)
    breaker.transition_to(State.OPEN)
    clock.advance(11)
    return breaker


@pytest.fixture
def rounds(campaign: bool) -> int:
    """Ten thousand in a campaign."""
    return 10_000 if campaign else 60


@pytest.fixture
def hurry() -> Iterator[None]:
    """Threads are switched as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurry")
def test_fault_7_hundred_threads_get_the_budget_and_no_more(rounds: int) -> None:
    """Of a hundred threads asking at once exactly the budget is admitted, in every round."""
    breakers = [half_open_breaker() for _ in range(rounds)]
    admitted: list[list[object]] = [[] for _ in range(rounds)]
    barrier = Barrier(CROWD, timeout=60)

    def ask() -> None:
        for breaker, held in zip(breakers, admitted, strict=True):
            barrier.wait()
            try:
                held.append(breaker.acquire())
            except CircuitOpenError:
                continue

    threads = [Thread(target=ask, daemon=True) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {BUDGET} == {len(held) for held in admitted}
    refused = {breaker.snapshot().not_permitted_calls for breaker in breakers}
    assert {CROWD - BUDGET} == refused


@pytest.mark.usefixtures("hurry")
def test_fault_7_threads_that_settle_at_once_still_share_one_budget(rounds: int) -> None:
    """Successes and cancellations in a crowd: what is recorded never exceeds the budget."""
    breakers = [half_open_breaker() for _ in range(rounds)]
    barrier = Barrier(CROWD, timeout=60)
    overruns: list[int] = []

    def call(number: int) -> None:
        for breaker in breakers:
            barrier.wait()
            try:
                permit = breaker.acquire()
            except CircuitOpenError:
                continue
            if number % 3:
                permit.release()
            elif breaker.state is State.HALF_OPEN:
                permit.record(Outcome.SUCCESS)
                if breaker.state is State.HALF_OPEN:
                    overruns.append(max(breaker.snapshot().buffered_calls - BUDGET, 0))

    threads = [Thread(target=call, args=(number,), daemon=True) for number in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 == max(overruns, default=0)
    assert {State.CLOSED} == {_recover(breaker) for breaker in breakers}


@pytest.mark.usefixtures("hurry")
def test_no_refusal_is_counted_twice_or_not_at_all() -> None:
    """An open breaker refuses many threads without its lock, also while the count is read."""
    breaker = CircuitBreaker("db", clock=HandClock())
    breaker.transition_to(State.OPEN)

    def insist() -> None:
        for _ in range(2_000):
            with suppress(CircuitOpenError):
                breaker.call(int)

    threads = [Thread(target=insist, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        breaker.snapshot()
    for thread in threads:
        thread.join()
    assert 16_000 == breaker.snapshot().not_permitted_calls


def _recover(breaker: CircuitBreaker) -> State:
    """Whatever the crowd left: enough further successes close it, so no permit was lost."""
    for _ in range(BUDGET):
        breaker.call(int)
    return breaker.state


def test_fault_7_hundred_tasks_get_the_budget_and_no_more(rounds: int) -> None:
    """While the probes run nobody else gets in, in whatever order a hundred tasks ask."""

    async def one_round(order: Random) -> int:
        breaker = half_open_breaker()
        over = asyncio.Event()
        inside = 0

        async def work() -> None:
            nonlocal inside
            inside += 1
            await over.wait()

        async def caller() -> None:
            for _ in range(order.randrange(3)):
                await asyncio.sleep(0)
            try:
                await breaker.execute(work)
            except CircuitOpenError:
                return

        async with asyncio.TaskGroup() as group:
            for _ in range(CROWD):
                group.create_task(caller())
            for _ in range(5):
                await asyncio.sleep(0)
            admitted = inside
            over.set()
        return admitted

    async def main() -> None:
        order = Random(7)
        for _ in range(rounds):
            assert BUDGET == await one_round(order)

    asyncio.run(main())
