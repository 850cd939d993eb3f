"""What can be set, what it does, and what is refused as nonsense."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.platform.resilience.bench import ONE, fail, make
from umt_sim.platform.resilience import (
    BreakerSettings,
    CircuitBreaker,
    CircuitOpenError,
)
from umt_sim.platform.resilience.breaker import (
    CountBased,
    ExponentialWait,
    FailureRate,
    Outcome,
    Rule,
    SlowCallRate,
    SlowCallsInFlight,
    State,
    TimeBased,
)
from umt_sim.platform.resilience.breaker.window import (
    CountWindow,
    Window,
)

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
