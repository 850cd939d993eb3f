"""Probes: how many, how many at a time, and how a breaker comes back to work."""

from __future__ import annotations

import pytest

from tests.unit.platform.resilience.bench import ONE, fail, make, succeed
from umt_sim.platform.resilience import (
    CircuitBreaker,
    CircuitOpenError,
)
from umt_sim.platform.resilience.breaker import (
    FailureRate,
    Outcome,
    State,
)


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
