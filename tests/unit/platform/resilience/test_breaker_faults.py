"""
The nine faults that circuit breakers are known for, each beaten.

``pytest -k fault_5`` runs the tests of the fifth, which are in ``test_breaker_probes.py``;
those of the seventh are in ``test_breaker_admission.py``.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from contextlib import suppress

import pytest

from tests.unit.platform.resilience.bench import ONE, Bench, boom
from tests.unit.platform.resilience.clock import HandClock
from umt_sim.kernel.kernel import Kernel
from umt_sim.platform.resilience import (
    CircuitBreaker,
    CircuitOpenError,
    IllegalStateTransition,
)
from umt_sim.platform.resilience.breaker import (
    BreakerEvent,
    CallRefused,
    Outcome,
    State,
)

# 1. reset() cancels timers


@pytest.mark.parametrize("state", [State.OPEN, State.HALF_OPEN])
def test_fault_1_reset_leaves_no_timer_behind(state: State) -> None:
    """After a reset no earlier timer moves the breaker, however long one waits."""
    bench = Bench(ONE.but(automatic_half_open=True, half_open_max_wait_seconds=5))
    bench.breaker.transition_to(State.OPEN)
    if state is State.HALF_OPEN:
        bench.clock.advance(10)
    assert state is bench.breaker.state
    bench.breaker.reset()
    bench.clock.advance(1e6)
    assert State.CLOSED is bench.breaker.state
    assert "reset" == bench.kinds()[-1]


# 2. Permits carry a generation


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILURE])
def test_fault_2_outcome_from_before_the_opening_decides_no_probe_round(outcome: Outcome) -> None:
    """A call admitted while closed neither closes nor re-opens the half-open state."""
    bench = Bench()
    late = bench.breaker.acquire()
    breaker = bench.ready_to_probe()
    probe = breaker.acquire()
    late.record(outcome)
    assert State.HALF_OPEN is breaker.state
    assert bench.events[-1].stale  # type: ignore[attr-defined]  # it is a call's outcome
    probe.record(Outcome.SUCCESS)
    assert State.CLOSED is breaker.state


def test_fault_2_outcome_from_before_the_opening_does_not_count_after_recovery() -> None:
    """A failure as old as the outage says nothing against the recovered callee."""
    bench = Bench()
    late = bench.breaker.acquire()
    breaker = bench.ready_to_probe()
    breaker.acquire().record(Outcome.SUCCESS)
    late.record(Outcome.FAILURE)
    assert State.CLOSED is breaker.state
    assert 0 == breaker.snapshot().buffered_calls


def test_fault_2_probe_of_an_earlier_round_does_not_decide_the_next() -> None:
    """A probe that ends in the round after its own is not that round's."""
    bench = Bench(ONE.but(permitted_calls_in_half_open=2))
    breaker = bench.ready_to_probe()
    late, failing = breaker.acquire(), breaker.acquire()
    failing.record(Outcome.FAILURE)
    bench.clock.advance(10.5)
    probe = breaker.acquire()
    late.record(Outcome.FAILURE)
    assert State.HALF_OPEN is breaker.state
    probe.record(Outcome.SUCCESS)
    breaker.acquire().record(Outcome.SUCCESS)
    assert State.CLOSED is breaker.state


# 3. No public call can wedge it


def test_fault_3_settling_twice_frees_no_second_place() -> None:
    """Releasing or recording a permit again adds nothing to the budget."""
    bench = Bench()
    breaker = bench.ready_to_probe()
    permit = breaker.acquire()
    permit.release()
    permit.release()
    permit.record(Outcome.SUCCESS)
    assert State.HALF_OPEN is breaker.state
    breaker.acquire()  # dropped at once, so given back at once
    held = breaker.acquire()
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    held.record(Outcome.SUCCESS)
    assert State.CLOSED is breaker.state


@pytest.mark.parametrize("first", State)
@pytest.mark.parametrize("second", State)
def test_fault_3_after_any_orders_it_still_serves(first: State, second: State) -> None:
    """Whatever two states an operator orders, legal or not, a reset breaker serves calls."""
    breaker = Bench().breaker
    for order in (first, second):
        with suppress(IllegalStateTransition):
            breaker.transition_to(order)
    breaker.reset()
    assert 3 == breaker.call(lambda: 3)
    assert State.CLOSED is breaker.state


def test_fault_3_wait_function_that_raises_does_not_stop_the_opening() -> None:
    """A broken wait is reported and the breaker opens for a minute."""

    def broken(attempt: int) -> float:
        raise ZeroDivisionError

    bench = Bench(ONE.but(wait_in_open=broken))
    bench.breaker.acquire().record(Outcome.FAILURE)
    with pytest.raises(CircuitOpenError) as caught:
        bench.breaker.acquire()
    assert 60.0 == caught.value.retry_after
    assert [ZeroDivisionError] == [type(error) for error in bench.reports]


def test_fault_3_listener_may_use_the_breaker() -> None:
    """A listener that operates the breaker it listens to neither deadlocks nor is lost."""
    bench = Bench()
    breaker = bench.breaker

    def operator(event: BreakerEvent) -> None:
        if event.kind == "state_transition" and breaker.state is State.OPEN:
            breaker.reset()

    breaker.subscribe(operator)
    breaker.acquire().record(Outcome.FAILURE)
    assert State.CLOSED is breaker.state
    assert ["error", "state_transition", "state_transition", "reset"] == bench.kinds()


def test_fault_3_long_silence_does_not_make_the_next_caller_pay() -> None:
    """Timers of a month alone are not lived through one by one."""
    bench = Bench(ONE.but(wait_in_open=1, automatic_half_open=True, half_open_max_wait_seconds=1))
    bench.breaker.transition_to(State.OPEN)
    bench.clock.advance(30 * 86400)
    assert bench.breaker.state in (State.OPEN, State.HALF_OPEN)
    assert 1010 > len(bench.events)


# 4. Monotonic clock for everything


@pytest.mark.parametrize("step", [1e9, -1e9])
def test_fault_4_stepping_the_wall_clock_changes_nothing(step: float) -> None:
    """Waits, windows and ramps are measured on the monotonic clock."""
    bench = Bench()
    bench.breaker.open_until(bench.clock.now().replace(second=20))
    bench.clock.wall_step = step
    bench.clock.advance(19.9)
    with pytest.raises(CircuitOpenError):
        bench.breaker.acquire()
    bench.clock.advance(0.2)
    bench.breaker.acquire().record(Outcome.SUCCESS)
    assert State.CLOSED is bench.breaker.state


# 6. One refusal, one event


def test_fault_6_one_refusal_is_one_event() -> None:
    """Each refused call, whatever its form, publishes once and counts once."""
    bench = Bench()
    breaker = bench.breaker
    breaker.transition_to(State.OPEN)
    bench.events.clear()

    async def later() -> None:
        raise AssertionError("refused calls do not happen")

    async def refused_async() -> None:
        with pytest.raises(CircuitOpenError):
            await breaker.execute(later)
        with pytest.raises(CircuitOpenError):
            await breaker(later)()
        with pytest.raises(CircuitOpenError):
            async with breaker:
                pass

    for refused in (breaker.acquire, lambda: breaker.execute(boom), breaker(boom)):
        with pytest.raises(CircuitOpenError):
            refused()
    with pytest.raises(CircuitOpenError), breaker:
        pass
    asyncio.run(refused_async())
    assert [CallRefused] * 7 == [type(event) for event in bench.events]
    assert 7 == breaker.snapshot().not_permitted_calls


# 8. Nothing is retained per refused call


def test_fault_8_nothing_is_retained_per_refused_call() -> None:
    """A hundred thousand refusals leave nothing behind, even with the collector off."""
    bench = Bench()
    bench.breaker.transition_to(State.OPEN)
    bench.events.clear()
    breaker = CircuitBreaker("db", settings=ONE, clock=bench.clock)
    breaker.transition_to(State.OPEN)
    caught = [_refusal(breaker) for _ in range(2)]
    assert caught[0] is not caught[1]
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(100_000):
            _refusal(breaker)
        retained = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert 1_000 > retained


def _refusal(breaker: CircuitBreaker) -> CircuitOpenError:
    try:
        breaker.call(boom)
    except CircuitOpenError as refusal:
        return refusal.with_traceback(None)
    raise AssertionError("it was to be refused")


def test_fault_8_refused_caller_is_not_kept_alive() -> None:
    """An exception holds no reference cycle through its own traceback."""
    breaker = CircuitBreaker("db", settings=ONE, clock=HandClock())
    breaker.transition_to(State.OPEN)
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            try:
                breaker.call(boom)
            except CircuitOpenError:
                continue
        assert 0 == sum(isinstance(thing, CircuitOpenError) for thing in gc.get_objects())
    finally:
        gc.enable()


# 9. Calls are never serialised by the breaker


def test_fault_9_parallel_calls_overlap() -> None:
    """Eight calls in eight threads are all inside at once."""
    breaker = CircuitBreaker("db")
    everybody = threading.Barrier(8, timeout=30)
    threads = [
        threading.Thread(target=breaker.call, args=(everybody.wait,), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 8 == breaker.snapshot().successful_calls


def test_fault_9_eight_parallel_calls_take_as_long_as_one() -> None:
    """Eight calls of 50 ms take 50 ms, in virtual time to the last digit."""

    async def main() -> float:
        breaker = CircuitBreaker("db")
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(breaker.execute(asyncio.sleep, 0.05))
        return loop.time()

    with Kernel(seed=7) as kernel:
        assert 0.05 == kernel.run(main())


def test_fault_9_parallel_tasks_overlap() -> None:
    """Eight calls in eight tasks are all inside at once."""

    async def main() -> None:
        breaker = CircuitBreaker("db")
        everybody = asyncio.Barrier(8)
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(breaker.execute(everybody.wait))
        assert 8 == breaker.snapshot().successful_calls

    asyncio.run(main())
