"""When a breaker changes its state, what counts, and who hears of it."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.platform.resilience.bench import ONE, make, succeed
from tests.unit.platform.resilience.clock import HandClock
from umt_sim.kernel.kernel import Kernel
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.errors import ErrorClass, UpstreamRefused
from umt_sim.platform.resilience import (
    BreakerSettings,
    BulkheadFull,
    CircuitBreaker,
    CircuitOpenError,
    IllegalStateTransition,
)
from umt_sim.platform.resilience.breaker import (
    LEGAL,
    BreakerEvent,
    CountBased,
    FailureRate,
    Health,
    Outcome,
    SlowCallRate,
    State,
    StateChanged,
)

# Boundaries


def test_first_call_strictly_after_the_wait_probes() -> None:
    """At the very end of the wait a call is still refused; a timer fires exactly then."""
    breaker, clock = make(ONE)
    breaker.transition_to(State.OPEN)
    clock.advance(10)
    with pytest.raises(CircuitOpenError) as caught:
        breaker.acquire()
    assert (0.0, State.OPEN) == (caught.value.retry_after, breaker.state)
    clock.advance(0.001)
    breaker.acquire().release()
    assert State.HALF_OPEN is breaker.state
    automatic, clock = make(ONE.but(automatic_half_open=True))
    automatic.transition_to(State.OPEN)
    clock.advance(10)
    assert State.HALF_OPEN is automatic.state


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILURE])
def test_call_is_slow_when_it_takes_longer_than_the_threshold(outcome: Outcome) -> None:
    """Exactly as long is not slow."""
    breaker, clock = make(BreakerSettings(slow_call_duration_seconds=2))
    for seconds, slow in ((2.0, 0), (2.001, 1)):
        permit = breaker.acquire()
        clock.advance(seconds)
        permit.record(outcome)
        assert slow == breaker.snapshot().slow_calls


# What counts


def test_default_ignores_what_says_nothing_of_the_callee() -> None:
    """A refusal by an inner guard and an error of the client's own are no failures."""
    breaker = CircuitBreaker("db", 1, clock=HandClock())
    client = UpstreamRefused("http", "GET", code="404", error_class=ErrorClass.CLIENT)
    for error in (BulkheadFull("x", 1, 1), CircuitOpenError("inner", State.OPEN, 1.0), client):
        breaker.acquire().record(error)
    assert (State.CLOSED, 0) == (breaker.state, breaker.snapshot().buffered_calls)
    server = UpstreamRefused("http", "GET", code="500", error_class=ErrorClass.SERVER)
    breaker.acquire().record(server)
    assert State.OPEN is breaker.state


def test_ignore_wins_over_record_and_the_rest_is_success() -> None:
    """`KeyError` is ignored although it is a `LookupError`; what is not recorded counts as well."""
    breaker, _ = make(
        ONE.but(ignore=KeyError, record=(LookupError, OSError), trip=FailureRate(100))
    )
    for error in (KeyError(), ValueError(), IndexError()):
        breaker.acquire().record(error)
    seen = breaker.snapshot()
    assert (1, 1) == (seen.successful_calls, seen.failed_calls)


def test_result_predicate_makes_a_failure_of_an_answer() -> None:
    """A returned value can be a failure; the caller gets it all the same."""
    breaker, _ = make(ONE.but(failed_result=lambda status: status >= 500))
    assert [200, 503] == [breaker.execute(int, text) for text in ("200", "503")]
    assert State.OPEN is breaker.state


# States, timers, events


@pytest.mark.parametrize("first", State)
@pytest.mark.parametrize("second", State)
def test_only_the_steps_of_the_table_are_taken(first: State, second: State) -> None:
    """Each of the 36 steps is taken or refused as the table says."""
    breaker, _ = make(ONE.but(initial_state=first))
    if second in LEGAL[first]:
        breaker.transition_to(second)
        assert second is breaker.state
    else:
        with pytest.raises(IllegalStateTransition, match=f"from {first.value} to {second.value}"):
            breaker.transition_to(second)
        assert first is breaker.state


def test_timers_fire_when_they_are_due_if_somebody_keeps_time() -> None:
    """Listeners hear of transitions at their very moment, without any call."""

    async def body() -> None:
        loop = asyncio.get_running_loop()
        heard: list[tuple[float, str]] = []

        def listen(event: BreakerEvent) -> None:
            if isinstance(event, StateChanged):
                heard.append((loop.time(), event.to_state.value))

        settings = ONE.but(automatic_half_open=True, half_open_max_wait_seconds=3)
        breaker = CircuitBreaker("db", settings=settings, clock=SystemClock(), listeners=[listen])
        keeper = asyncio.ensure_future(breaker.keep_time())
        await asyncio.sleep(1)
        breaker.transition_to(State.OPEN)
        await asyncio.sleep(15)
        breaker.reset()
        await asyncio.sleep(100)
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        assert [(1.0, "open"), (11.0, "half_open"), (14.0, "open"), (16.0, "closed")] == heard

    with Kernel(seed=7) as kernel:
        kernel.run(body())


def test_events_of_one_call_come_in_order() -> None:
    """Outcome, failure rate, slow call rate, transition; each with the clock's time."""
    heard: list[BreakerEvent] = []
    breaker, clock = make(
        BreakerSettings(
            trip=FailureRate(50) | SlowCallRate(50),
            minimum_number_of_calls=1,
            slow_call_duration_seconds=1,
        ),
        listeners=[heard.append],
    )
    permit = breaker.acquire()
    clock.advance(2)
    permit.record(Outcome.FAILURE)
    assert ["error", "failure_rate_exceeded", "slow_call_rate_exceeded", "state_transition"] == [
        event.kind for event in heard
    ]
    assert {2.0} == {event.at for event in heard}


def test_unsubscribed_listener_hears_nothing_more() -> None:
    """A subscription ends when it is called off; the others go on."""
    first: list[BreakerEvent] = []
    second: list[BreakerEvent] = []
    breaker, _ = make(ONE)
    end = breaker.subscribe(first.append)
    breaker.subscribe(second.append)
    succeed(breaker)
    end()
    succeed(breaker)
    assert (1, 2) == (len(first), len(second))


@pytest.mark.parametrize(
    ("state", "health"),
    [
        (State.CLOSED, Health.UP),
        (State.METRICS_ONLY, Health.UP),
        (State.DISABLED, Health.UP),
        (State.HALF_OPEN, Health.RECOVERING),
        (State.OPEN, Health.DOWN),
        (State.FORCED_OPEN, Health.DOWN),
    ],
)
def test_health_is_the_state_in_one_word(state: State, health: Health) -> None:
    """Up while calls go through, recovering while probes do, down otherwise."""
    assert health is make(ONE.but(initial_state=state))[0].snapshot().health


def test_snapshot_has_percentiles_with_their_sample_size() -> None:
    """Latencies of the calls in the window, and how many they are."""
    breaker, clock = make(BreakerSettings(window=CountBased(10)))
    assert breaker.snapshot().latency_p50 is None
    for seconds in range(1, 13):
        permit = breaker.acquire()
        clock.advance(seconds)
        permit.record(Outcome.SUCCESS)
    seen = breaker.snapshot()
    assert (7.0, 12.0, 12.0, 10) == (
        seen.latency_p50,
        seen.latency_p95,
        seen.latency_p99,
        seen.latency_samples,
    )
