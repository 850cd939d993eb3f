"""Every order in which a few calls and waits can happen, as permits and as simulated tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from itertools import combinations_with_replacement, product
from typing import Any

import pytest

from tests.unit.platform.resilience.replay import (
    Driver,
    Ignored,
    ModelDriver,
    Observation,
    Recorded,
    Step,
)
from umt_sim.kernel.kernel import Kernel
from umt_sim.kernel.shuffling import Shuffle
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.resilience import CircuitBreaker, CircuitOpenError
from umt_sim.platform.resilience.breaker import State

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
Settled = asyncio.Future[str]
Form = Callable[[CircuitBreaker, Settled], Coroutine[Any, Any, None]]


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
    for steps in _runs(*((4, 2) if campaign else (3, 1))):
        breaker, model = Driver(config), ModelDriver(config, stale_outcomes_count=False)
        for step in steps:
            assert model.do(step) == breaker.do(step), steps


def _runs(callers: int, waits: int) -> Iterator[list[Step]]:
    """Every run of so many alike callers: who of them is first, or ends how, makes no new one."""
    for order in interleavings((2,) * callers + (waits,)):
        first = [order.index(caller) for caller in range(callers)]
        if first == sorted(first):
            for outcomes in product(OUTCOMES, repeat=callers):
                yield steps_of(order, outcomes)


class Tasks(Driver):
    """Performs steps by tasks on the simulator's loop, in its virtual time."""

    def __init__(self, config: dict[str, Any], form: Form) -> None:
        super().__init__(config)
        self.began = asyncio.get_running_loop().time()
        self.breaker = CircuitBreaker(
            "replay",
            settings=self.breaker.settings,
            clock=SystemClock(),
            listeners=[self.heard.append],
        )
        self.form = form
        self.calls: dict[str, tuple[asyncio.Task[None], Settled]] = {}

    async def perform(self, step: Step) -> Observation:
        """Let the task of the step take it, and everything that follows at that instant."""
        self.heard.clear()
        permitted = None
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.began + step.at - loop.time())
        if step.act == "ask":
            settled: Settled = loop.create_future()
            task = loop.create_task(self.form(self.breaker, settled))
            await _settle()
            permitted = not task.done()
            if permitted:
                self.calls[step.name] = task, settled
            else:
                assert isinstance(task.exception(), CircuitOpenError)
        elif step.name in self.calls:
            task, settled = self.calls.pop(step.name)
            if step.outcome == "cancelled":
                task.cancel()
            else:
                settled.set_result(step.outcome)
            await asyncio.gather(task, return_exceptions=True)
        return self._observe(permitted, error=False)


async def _settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def work(settled: Settled) -> None:
    """The protected call: it ends as it is told."""
    if await settled == "failure":
        raise Recorded


async def as_coroutine(breaker: CircuitBreaker, settled: Settled) -> None:
    """The call form."""
    await breaker.call(work, settled)


async def as_block(breaker: CircuitBreaker, settled: Settled) -> None:
    """The block form."""
    async with breaker:
        await work(settled)


async def as_generator(breaker: CircuitBreaker, settled: Settled) -> None:
    """The form of an asynchronous generator."""

    @breaker
    async def items() -> Any:
        await work(settled)
        yield 1

    async for _ in items():
        pass


@pytest.mark.parametrize("form", [as_coroutine, as_block, as_generator])
def test_every_interleaving_of_a_few_tasks(form: Form, campaign: bool) -> None:
    """
    Tasks in the simulator, cancelled for real, find no order that the model does not know.

    Two callers and a wait by default; three and two waits in a campaign.
    """

    async def main() -> int:
        seen = 0
        for initial, permitted in product(("open", "closed"), (1, 2)):
            config = {**CONFIG, "initial_state": initial, "half_open_permitted": permitted}
            for steps in _runs(*((3, 2) if campaign else (2, 1))):
                tasks = Tasks(config, form)
                model = ModelDriver(config, stale_outcomes_count=False)
                for step in steps:
                    assert model.do(step) == await tasks.perform(step), steps
                for task, _ in tasks.calls.values():
                    task.cancel()
                seen += 1
        return seen

    with Kernel(seed=7) as kernel:
        assert kernel.run(main()) > 500


class Crowd:
    """Four callers due at one instant, each of whom ends in its own way."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self.breaker = breaker
        self.inside = self.most = 0

    async def probe(self, outcome: str) -> None:
        self.inside += 1
        if self.breaker.state is State.HALF_OPEN:
            self.most = max(self.most, self.inside)
        try:
            await asyncio.sleep(0)
            if outcome == "ignored":
                raise Ignored
        finally:
            self.inside -= 1

    async def caller(self, outcome: str) -> None:
        await asyncio.sleep(1)
        await self.breaker.call(self.probe, outcome)

    async def come(self, outcomes: tuple[str, ...]) -> None:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self.caller(outcome)) for outcome in outcomes]
        await asyncio.sleep(1)
        for task, outcome in zip(tasks, outcomes, strict=True):
            if outcome == "cancelled":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def recover(self) -> None:
        """Good calls, as many as the budget has left."""
        while self.breaker.state is State.HALF_OPEN:
            await self.breaker.call(asyncio.sleep, 0)


@pytest.mark.parametrize("budget", [1, 3])
def test_orders_of_one_instant_admit_the_budget_and_no_more(budget: int, campaign: bool) -> None:
    """
    In an order that each seed draws anew for every turn, no more are inside than permitted.

    Some probes are cancelled or ignored and give their permit back; none is lost, so the
    breaker can always be closed.
    """
    most: list[int] = []

    async def main() -> None:
        config = {**CONFIG, "half_open_permitted": budget}
        settings = Driver(config).breaker.settings.but(minimum_number_of_calls=budget)
        for outcomes in combinations_with_replacement(("success", "ignored", "cancelled"), 4):
            crowd = Crowd(CircuitBreaker("db", settings=settings))
            crowd.breaker.transition_to(State.HALF_OPEN)
            await crowd.come(outcomes)
            most.append(crowd.most)
            await crowd.recover()
            assert State.CLOSED is crowd.breaker.state

    for seed in range(1000 if campaign else 20):
        with Kernel(seed=seed, shuffle=Shuffle.TASKS) as kernel:
            kernel.run(main())
    assert budget == max(most)
