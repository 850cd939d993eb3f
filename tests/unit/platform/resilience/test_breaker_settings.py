"""What can be set, what it does, and what is refused as nonsense."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ConsecutiveFailures,
    CountBased,
    ExponentialWait,
    FailureRate,
    Health,
    Outcome,
    Rule,
    SlowCallRate,
    SlowCallsInFlight,
    State,
    StateChanged,
    TimeBased,
)
from umt_sim.platform.resilience.breaker.window import (
    FAILED,
    SLOW,
    CountWindow,
    TimeWindow,
    Window,
    percentile,
)

ONE = BreakerSettings(trip=ConsecutiveFailures(1), wait_in_open=10, permitted_calls_in_half_open=1)


def make(settings: BreakerSettings, **rest: Any) -> tuple[CircuitBreaker, HandClock]:
    clock = HandClock()
    return CircuitBreaker("db", settings=settings, clock=clock, **rest), clock


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.acquire().record(Outcome.FAILURE)


def succeed(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.acquire().record(Outcome.SUCCESS)


# Nonsense


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: CircuitBreaker(""), "write what it protects"),
        (lambda: CircuitBreaker("x", 0), "write 1 or more failures in a row"),
        (lambda: CircuitBreaker("x", 3, 0), "start in State.FORCED_OPEN to stay open"),
        (lambda: CircuitBreaker("x", 3, math.inf), "write a positive number of seconds"),
        (lambda: CircuitBreaker("x", 3, settings=ONE), "settings.but"),
        (lambda: FailureRate(0), "write a percentage from 1 to 100"),
        (lambda: FailureRate(0.5), "write 50 for so many percent"),
        (lambda: FailureRate(101), "write a percentage from 1 to 100"),
        (lambda: SlowCallRate(-1), "slow call rate is -1"),
        (lambda: SlowCallsInFlight(0), "write 1 or more calls"),
        (lambda: CountBased(0), "write 1 or more"),
        (lambda: TimeBased(0), "write 1 or more whole seconds"),
        (lambda: TimeBased(1.5), "write 1 or more whole seconds"),  # type: ignore[arg-type]
        (lambda: ONE.but(minimum_number_of_calls=0), "write 1 or more"),
        (lambda: ONE.but(slow_call_duration_seconds=0), "write a positive number of seconds"),
        (lambda: ONE.but(permitted_calls_in_half_open=0), "could never close again"),
        (lambda: ONE.but(half_open_concurrency=2), "write 1 to 1"),
        (lambda: ONE.but(half_open_max_wait_seconds=0), "write a positive number of seconds"),
        (lambda: ONE.but(half_open_max_wait_to=State.DISABLED), "write State.OPEN or State.CLOSED"),
        (lambda: ONE.but(probe_lease_seconds=-1), "write a positive number of seconds"),
        (lambda: ONE.but(ramp_up_seconds=-1), "write 0 or more seconds"),
        (lambda: ONE.but(ramp_up_from=0), "write a share above 0 and up to 1"),
        (lambda: ExponentialWait(0), "write a positive number"),
        (lambda: ExponentialWait(5, 0.5), "write 1 or more"),
        (lambda: ExponentialWait(5, longest=1), "write at least the initial 5 s"),
        (lambda: ExponentialWait(5, jitter=1), "write a fraction from 0 to below 1"),
        (lambda: make(ONE)[0].open_for(math.inf), "FORCED_OPEN"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(make: Callable[[], object], says: str) -> None:
    """The sentence names the setting and says what to write instead."""
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize("change", [{"trip": 5}, {"window": 100}, {"initial_state": "open"}])
def test_wrong_kind_is_refused_with_an_example(change: dict[str, Any]) -> None:
    """What is not a rule, a window or a state is met with one."""
    with pytest.raises(TypeError, match="write "):
        ONE.but(**change)


def test_minimum_above_a_count_window_is_its_size() -> None:
    """A breaker is never silently dead because its minimum cannot be reached."""
    breaker, _ = make(
        BreakerSettings(trip=FailureRate(50), window=CountBased(3), minimum_number_of_calls=100)
    )
    fail(breaker, 3)
    assert State.OPEN is breaker.state


# Rules


class Says(Rule):
    """A rule with a fixed opinion."""

    def __init__(self, verdict: bool | None) -> None:
        self.verdict = verdict

    def judge(self, window: Window) -> bool | None:
        return self.verdict


@pytest.mark.parametrize("first", [True, False, None])
@pytest.mark.parametrize("second", [True, False, None])
def test_joints_follow_kleene(first: bool | None, second: bool | None) -> None:
    """`None` is "too early to say": unknown unless the other side settles it."""
    window = CountWindow(1, 1)
    numbers = {True: 1.0, None: 0.5, False: 0.0}
    either, both = max(numbers[first], numbers[second]), min(numbers[first], numbers[second])
    joined = Says(first) | Says(second), Says(first) & Says(second)
    assert [either, both] == [numbers[rule.judge(window)] for rule in joined]
    assert [either, both] == [numbers[rule.judge_probes(window)] for rule in joined]


def test_joined_rules_open_only_together() -> None:
    """Failing alone or slow alone is not enough for a rule that wants both."""
    breaker, clock = make(
        BreakerSettings(
            trip=FailureRate(50) & SlowCallRate(50),
            minimum_number_of_calls=2,
            slow_call_duration_seconds=1,
        )
    )
    fail(breaker, 4)
    assert State.CLOSED is breaker.state
    for _ in range(4):
        permit = breaker.acquire()
        clock.advance(2)
        permit.record(Outcome.SUCCESS)
    assert State.OPEN is breaker.state


def test_slow_calls_in_flight_open_without_any_outcome() -> None:
    """When two calls hang the third caller finds the breaker open."""
    breaker, clock = make(
        BreakerSettings(trip=SlowCallsInFlight(2), slow_call_duration_seconds=1, wait_in_open=10)
    )
    hung = [breaker.acquire() for _ in range(2)]
    clock.advance(1)
    breaker.acquire().release()  # exactly the threshold is not slow yet
    clock.advance(0.5)
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    for permit in hung:
        permit.record(Outcome.SUCCESS)
    assert State.OPEN is breaker.state


def test_finished_calls_are_no_longer_in_flight() -> None:
    """Calls that ended, well or badly or cancelled, do not count as hanging."""
    breaker, clock = make(BreakerSettings(trip=SlowCallsInFlight(1), slow_call_duration_seconds=1))
    done = [breaker.acquire() for _ in range(3)]
    done[0].record(Outcome.SUCCESS)
    done[1].record(Outcome.IGNORED)
    done[2].release()
    clock.advance(5)
    breaker.acquire().release()
    assert State.CLOSED is breaker.state


# Windows, against a list


@given(st.integers(1, 6), st.integers(1, 8), st.lists(st.integers(0, 3), max_size=40))
def test_count_window_is_a_list_of_the_last_calls(
    size: int, minimum: int, outcomes: list[int]
) -> None:
    """Whatever went through, the counts are those of the last *size* outcomes."""
    window = CountWindow(size, minimum)
    for number, outcome in enumerate(outcomes):
        window.record(outcome, float(number), 0.0)
    _assert_counts(window, outcomes[-size:], outcomes, min(minimum, size))
    assert [float(n) for n in range(len(outcomes))][-size:] == window.latencies()


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=40),
    st.integers(0, 60),
)
def test_time_window_is_a_list_of_the_last_seconds(
    size: int, calls: list[tuple[int, int]], silence: int
) -> None:
    """The counts are those of the outcomes in the current second and those before it."""
    window, now, seen = TimeWindow(size, 1, 0.0), 0.0, []
    for outcome, quarters in calls:
        now += quarters / 4
        window.record(outcome, 0.0, now)
        seen.append((now, outcome))
    now += silence / 4
    window.move(now)
    inside = [outcome for at, outcome in seen if int(at) > int(now) - size]
    _assert_counts(window, inside, [outcome for _, outcome in seen], 1)


def _assert_counts(window: Window, inside: list[int], ever: list[int], minimum: int) -> None:
    failed = sum(bool(outcome & FAILED) for outcome in inside)
    slow = sum(bool(outcome & SLOW) for outcome in inside)
    both = sum(outcome == FAILED | SLOW for outcome in inside)
    assert (len(inside), failed, slow, both) == (
        window.calls,
        window.failed,
        window.slow,
        window.slow_failed,
    )
    known = len(inside) >= minimum
    assert (failed * 100 / len(inside) if known else None) == window.failure_rate
    assert (slow * 100 / len(inside) if known else None) == window.slow_call_rate
    streak = next((n for n, o in enumerate(reversed(ever)) if not o & FAILED), len(ever))
    assert streak == window.streak


def test_percentile_is_one_of_the_values() -> None:
    """Nearest rank: the smallest value that so many percent do not exceed."""
    values = [float(value) for value in range(1, 101)]
    assert [1.0, 50.0, 95.0, 99.0, 100.0] == [percentile(values, p) for p in (0, 50, 95, 99, 100)]
    assert percentile([], 50) is None


# Waits


def test_exponential_wait_grows_to_its_cap_and_never_overflows() -> None:
    """5, 10, 20 ... 60 s, also for attempts beyond what a float can hold."""
    wait = ExponentialWait(5, 2, longest=60)
    assert [5, 10, 20, 40, 60, 60] == [wait.seconds(n, Random(1)) for n in (1, 2, 3, 4, 5, 10**6)]


def test_jittered_wait_comes_from_the_given_randomness() -> None:
    """The same seed opens for the same time; the spread is the fraction both ways."""
    draws = [ExponentialWait(10, jitter=0.2).seconds(1, Random(seed)) for seed in range(500)]
    assert 8 <= min(draws) < 8.1 < 11.9 < max(draws) <= 12
    breakers = [
        make(ONE.but(wait_in_open=ExponentialWait(10, jitter=0.2)), randomness=Random(7))
        for _ in range(2)
    ]
    for breaker, _ in breakers:
        fail(breaker)
    assert len({breaker.remaining_wait for breaker, _ in breakers}) == 1


def test_wait_may_be_a_function_of_the_attempt() -> None:
    """The attempt grows with each opening until the breaker closes."""
    breaker, clock = make(ONE.but(wait_in_open=lambda attempt: attempt * 7.0))
    waits = []
    for _ in range(3):
        fail(breaker)
        waits.append(breaker.remaining_wait)
        clock.advance(100)
    succeed(breaker)
    fail(breaker)
    assert [7.0, 14.0, 21.0, 7.0] == [*waits, breaker.remaining_wait]


def test_retry_after_of_an_error_opens_for_as_long() -> None:
    """A single answer can order the breaker open for the time the server asks."""

    def retry_after(outcome: object) -> float | None:
        return getattr(outcome, "retry_after_seconds", None)

    breaker, _ = make(ONE.but(trip=ConsecutiveFailures(99), open_for=retry_after))
    refused = UpstreamRefused(
        "http", "GET", code="503", error_class=ErrorClass.SERVER, retry_after_seconds=42
    )
    breaker.acquire().record(refused)
    assert (State.OPEN, 42.0) == (breaker.state, breaker.remaining_wait)


# Half-open


def test_half_open_concurrency_is_less_than_the_budget() -> None:
    """With two at a time four probes run in pairs."""
    breaker, clock = make(
        ONE.but(trip=FailureRate(50), permitted_calls_in_half_open=4, half_open_concurrency=2)
    )
    breaker.transition_to(State.OPEN)
    clock.advance(11)
    first, second = breaker.acquire(), breaker.acquire()
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    first.record(Outcome.SUCCESS)
    third = breaker.acquire()
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    for permit in (second, third):
        permit.record(Outcome.SUCCESS)
    succeed(breaker)
    assert State.CLOSED is breaker.state


def test_refusal_while_probing_says_when_the_lease_ends() -> None:
    """`retry_after` is what is left of the oldest probe's lease."""
    breaker, clock = make(ONE.but(probe_lease_seconds=20))
    breaker.transition_to(State.OPEN)
    clock.advance(11)
    probe = breaker.acquire()
    clock.advance(5)
    with pytest.raises(CircuitOpenError) as caught:
        breaker.acquire()
    assert (15.0, State.HALF_OPEN) == (caught.value.retry_after, caught.value.state)
    probe.release()


def test_consecutive_failures_ask_all_probes_to_succeed() -> None:
    """The classic rule opens again at the first bad probe and closes after the last good one."""
    breaker, clock = make(ONE.but(permitted_calls_in_half_open=3))
    for outcomes, state in (("SSF", State.OPEN), ("SSS", State.CLOSED)):
        breaker.transition_to(State.OPEN)
        clock.advance(11)
        for outcome in outcomes[:-1]:
            breaker.acquire().record(Outcome.SUCCESS if outcome == "S" else Outcome.FAILURE)
            assert State.HALF_OPEN is breaker.state
        breaker.acquire().record(Outcome.SUCCESS if outcomes[-1] == "S" else Outcome.FAILURE)
        assert state is breaker.state


def test_ramp_up_lets_calls_through_gradually() -> None:
    """After a recovery a tenth, then half, then all of the calls go through."""
    breaker, clock = make(ONE.but(ramp_up_seconds=10, ramp_up_from=0.1))
    breaker.transition_to(State.OPEN)
    clock.advance(11)
    succeed(breaker)
    assert State.CLOSED is breaker.state
    shares = []
    for _ in range(4):
        shares.append(sum(_goes_through(breaker) for _ in range(100)))
        clock.advance(10 / 3)
    assert [10, 40, 70, 100] == shares


def _goes_through(breaker: CircuitBreaker) -> bool:
    try:
        succeed(breaker)
    except CircuitOpenError:
        return False
    return True


def test_failure_during_the_ramp_opens_again() -> None:
    """A ramp is closed as far as the rule is concerned."""
    breaker, clock = make(ONE.but(ramp_up_seconds=10, ramp_up_from=1))
    breaker.transition_to(State.OPEN)
    clock.advance(11)
    succeed(breaker)
    fail(breaker)
    assert State.OPEN is breaker.state


def test_operators_closing_has_no_ramp() -> None:
    """Who orders the breaker closed wants it closed."""
    breaker, _ = make(ONE.but(ramp_up_seconds=10))
    breaker.transition_to(State.OPEN)
    breaker.transition_to(State.CLOSED)
    assert [True] * 10 == [_goes_through(breaker) for _ in range(10)]


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
