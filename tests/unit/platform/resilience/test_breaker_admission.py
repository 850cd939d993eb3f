"""Half-open admission never exceeds its budget, in any order that threads and tasks can find."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from itertools import product
from random import Random
from threading import Barrier, Thread

import pytest

from tests.unit.platform.resilience.clock import HandClock
from tests.unit.platform.resilience.replay import Driver, ModelDriver, Step
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
def test_hundred_threads_get_the_budget_and_no_more(rounds: int) -> None:
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
def test_threads_that_settle_at_once_still_share_one_budget(rounds: int) -> None:
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


def _recover(breaker: CircuitBreaker) -> State:
    """Whatever the crowd left: enough further successes close it, so no permit was lost."""
    for _ in range(BUDGET):
        breaker.call(int)
    return breaker.state


def test_hundred_tasks_get_the_budget_and_no_more(rounds: int) -> None:
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


CONFIG = {
    "window_type": "count",
    "window_size": 2,
    "minimum_calls": 2,
    "failure_rate_threshold": 50,
    "slow_call_rate_threshold": 100,
    "slow_call_duration_s": 60,
    "half_open_permitted": 1,
    "wait_open": {"kind": "constant", "seconds": 1},
    "auto_half_open": False,
    "half_open_max_wait_s": 0,
    "half_open_max_wait_to": "open",
    "initial_state": "open",
    "ignored_also_recorded": False,
}
OUTCOMES = ("success", "failure", "cancelled")


def interleavings(lengths: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every order in which actors can take so many steps each."""
    if not any(lengths):
        yield ()
        return
    for actor, left in enumerate(lengths):
        if left:
            rest = (*lengths[:actor], left - 1, *lengths[actor + 1 :])
            for order in interleavings(rest):
                yield (actor, *order)


def steps_of(order: tuple[int, ...], outcomes: tuple[str, ...]) -> list[Step]:
    """Callers take two steps each, asking and ending; the last actor lets the wait pass."""
    asked: set[int] = set()
    now, steps = 0.0, []
    for actor in order:
        if actor == len(outcomes):
            now += 1.5
            steps.append(Step(now, "advance"))
        elif actor in asked:
            steps.append(Step(now, "end", name=str(actor), outcome=outcomes[actor]))
        else:
            asked.add(actor)
            steps.append(Step(now, "ask", name=str(actor)))
    return steps


@pytest.mark.parametrize("initial", ["open", "closed"])
@pytest.mark.parametrize("permitted", [1, 2])
def test_every_interleaving_of_a_few_calls(initial: str, permitted: int, campaign: bool) -> None:
    """
    In every order of a few calls and waits the breaker does what the model does.

    Admitting and settling a call are each one step under the lock, or one read, so orders of
    these steps are all the orders there are.
    """
    config = {**CONFIG, "initial_state": initial, "half_open_permitted": permitted}
    callers, waits = (4, 2) if campaign else (3, 1)
    seen = 0
    for outcomes in product(OUTCOMES, repeat=callers):
        if not campaign and list(outcomes) != sorted(outcomes):
            continue  # callers are alike: which of them ends how makes no new case
        for order in interleavings((2,) * callers + (waits,)):
            first = [order.index(caller) for caller in range(callers)]
            if first != sorted(first):
                continue  # likewise which of them comes first
            steps = steps_of(order, outcomes)
            breaker = Driver(config)
            model = ModelDriver(config, stale_outcomes_count=False)
            for step in steps:
                assert model.do(step) == breaker.do(step), steps
            seen += 1
    assert seen
