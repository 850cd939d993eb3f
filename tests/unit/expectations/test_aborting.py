"""Conditions that end a run early are judged on what is known at that moment."""

from __future__ import annotations

import pytest

from tests.fakes.journals import request, steady
from umt_sim.expectations.aborting import Abort, abort_condition, first_reached
from umt_sim.expectations.grammar import ExpectationError
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import BreakerEvent, OperationRecord, Outcome, QueueSample, Record


def reached(
    condition: str, *records: Record, now: float, unanswered: tuple[OperationRecord, ...] = ()
) -> Abort | None:
    """What one condition says at *now* of a run with these records."""
    recorder = Recorder(lambda: now)
    for record in records:
        recorder.add(record)
    return first_reached([abort_condition(condition)], recorder, unanswered, now)


FINE = steady(0.0, 50.0)
FAILING = steady(50.0, 60.0, outcome=Outcome.FAIL)


def test_a_run_goes_on_while_the_condition_is_false() -> None:
    """Ten bad seconds are a third of the last thirty."""
    assert reached("error_rate > 90% for 30s", *FINE, *FAILING, now=60.0) is None


def test_the_condition_is_about_the_last_stretch() -> None:
    """The last ten seconds were all bad, and the moment and the number are the evidence."""
    abort = reached("error_rate > 90% for 9s", *FINE, *FAILING, now=60.0)
    assert abort == Abort(
        "error_rate > 90% for 9s", 60.0, "100 %, n = 90, over the 9 s before 60 s of the run"
    )


def test_nothing_is_judged_before_the_stretch_has_passed() -> None:
    """In second 5 nobody can know of 30 seconds."""
    assert reached("error_rate > 90% for 30s", *steady(0, 5, outcome=Outcome.FAIL), now=5) is None


def test_a_handful_of_requests_ends_nothing_unless_told_so() -> None:
    """Nine failures are too few; with min_samples they are enough."""
    few = steady(0.0, 9.0, each=1.0, outcome=Outcome.FAIL)
    assert reached("error_rate > 90% for 10s", *few, now=10.0) is None
    assert reached("error_rate > 90% for 10s min_samples 5", *few, now=10.0) is not None


def test_a_request_counts_when_it_is_answered() -> None:
    """Failures that took longer than the stretch are seen all the same."""
    slow = [request(n, n * 0.1, 40.0, outcome=Outcome.INFO) for n in range(100)]
    assert reached("error_rate > 90% for 5s", *slow, now=45.0) is not None


def test_requests_under_way_are_in_flight_and_no_errors() -> None:
    """What hangs fills the system but is no error yet."""
    hanging = tuple(request(n, n * 0.1, None) for n in range(100))
    assert reached("in_flight.max > 50 for 5s", now=10.0, unanswered=hanging) is not None
    assert reached("error_rate > 1% for 5s", now=10.0, unanswered=hanging) is None


def test_what_was_counted_needs_no_sample() -> None:
    """Three openings are three openings."""
    opens = [BreakerEvent(at, "db", "transition", "closed", "open") for at in (1.0, 11.0, 12.0)]
    assert reached("breaker(db).opens >= 2 for 5s", *opens, now=13.0) is not None
    assert reached("breaker(db).opens >= 3 for 5s", *opens, now=13.0) is None


def test_a_state_lasts_until_it_changes() -> None:
    """A queue that grew long before the stretch is still long, a breaker still open."""
    queue = QueueSample(2.0, "rabbitmq", "tasks", ready=900, unacked=0, consumers=0)
    opened = BreakerEvent(2.0, "db", "transition", "closed", "open")
    assert reached("queue_depth(tasks).mean > 500 for 10s", queue, now=60.0) is not None
    assert reached("breaker(db).open_time > 9s for 10s", opened, now=60.0) is not None


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("error_rate > 90%", 16),
        ("error_rate > 90% during run for 3s", 24),
        ("breaker(db).opens > 1 after run within 3s", 28),
        ("span(x).p95 > 1s for 3s", 0),
        ("eror_rate > 90% for 3s", 0),
    ],
)
def test_what_cannot_be_judged_under_way_is_refused_with_its_place(text: str, offset: int) -> None:
    """The place lies at the clause that is too much, or where one is missing."""
    with pytest.raises(ExpectationError) as caught:
        abort_condition(text)
    assert offset == caught.value.offset
