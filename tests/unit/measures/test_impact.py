"""What a fault did: reach, detection, recovery, budget."""

from __future__ import annotations

from random import Random

import pytest

from tests.fakes.journals import journal, request
from umt_sim.faults.timeline import Window
from umt_sim.journal.records import BreakerEvent, OperationRecord, Outcome
from umt_sim.measures.impact import budget_burned, reach, recovery_time, time_to_detect
from umt_sim.measures.requests import Requests

BASELINE = Window("baseline", 0.0, 40.0)
FAULT = Window("outage", 40.0, 60.0)


def run_of(bad_from: float, bad_until: float, *, slow: bool = False) -> Requests:
    """Ten requests a second for 100 s, all bad in one stretch."""
    stream = Random(3)
    rows: list[OperationRecord] = []
    for number in range(1000):
        at, latency = number / 10, stream.uniform(0.09, 0.11)
        bad = bad_from <= at < bad_until
        outcome = Outcome.FAIL if bad and not slow else Outcome.OK
        rows.append(request(number, at, 2.0 if bad and slow else latency, outcome=outcome))
    return Requests.of(journal(*rows))


@pytest.mark.parametrize("slow", [False, True])
def test_a_fault_reaches_whom_it_makes_fail_or_wait(slow: bool) -> None:
    """Failures and delays count alike, and one in twenty is bad without any fault."""
    found = reach(run_of(40.0, 60.0, slow=slow), BASELINE, FAULT, "ask")
    assert found.reached is True
    assert 1.0 == found.bad_during.value
    assert 0.05 == pytest.approx(found.bad_before.value, abs=0.003)


def test_a_fault_does_not_reach_those_who_fare_as_before() -> None:
    """Chance alone is no reach."""
    assert reach(run_of(0.0, 0.0), BASELINE, FAULT, "ask").reached is False


def test_too_few_requests_cannot_tell() -> None:
    """Without an interval there is no answer."""
    assert reach(run_of(40.0, 60.0), BASELINE, Window("w", 40.0, 41.0), "ask").reached is None


@pytest.mark.parametrize("slow", [False, True])
def test_recovery_is_when_users_no_longer_notice(slow: bool) -> None:
    """The first of twenty requests that are as good as before, counted from the fault's end."""
    requests = run_of(40.0, 67.0, slow=slow)
    assert 7.0 == pytest.approx(recovery_time(requests, BASELINE, FAULT) or 0.0, abs=0.11)


def test_nothing_to_recover_from_takes_no_time() -> None:
    """Where the end of the fault is the end of the trouble it is zero."""
    assert 0.0 == recovery_time(run_of(40.0, 60.0), BASELINE, FAULT)


def test_who_stays_bad_does_not_recover() -> None:
    """Nor can it be told from too few requests."""
    assert recovery_time(run_of(40.0, 100.0), BASELINE, FAULT) is None
    assert recovery_time(run_of(40.0, 60.0), BASELINE, Window("late", 90.0, 98.5)) is None


def test_a_fault_is_detected_when_a_breaker_opens_in_it() -> None:
    """Openings before and after do not count."""
    events = [
        BreakerEvent(at, "db", "state_transition", "closed", "open") for at in (39.0, 43.5, 50.0)
    ]
    assert 3.5 == time_to_detect(events, FAULT)
    assert time_to_detect(events, Window("other", 60.0, 70.0)) is None


def test_the_budget_is_what_the_objective_leaves() -> None:
    """A tenth of requests failing burns ten times the budget of 99 %."""
    assert 10.0 == pytest.approx(budget_burned(run_of(40.0, 50.0), 0.99).value)
    with pytest.raises(ValueError, match="between 0 and 1, not 1"):
        budget_burned(run_of(0.0, 0.0), 1)
