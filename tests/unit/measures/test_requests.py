"""What became of requests is counted in one way only."""

from __future__ import annotations

import math

import numpy as np

from tests.fakes.journals import journal, request, steady
from umt_sim.faults.timeline import Window
from umt_sim.journal.records import OperationRecord, Outcome
from umt_sim.measures.requests import Requests

TEN = Window("ten", 0.0, 10.0)


def requests(*records: OperationRecord) -> Requests:
    """The columns of a handful of records."""
    return Requests.of(journal(*records))


def test_latency_counts_from_the_scheduled_arrival() -> None:
    """A request sent late has waited already."""
    late = OperationRecord(0, "ask", 1.0, 1.75, 2.0, Outcome.OK)
    assert [1.0] == requests(late).sojourn_times().tolist()
    assert [0.25] == requests(late).service_times().tolist()


def test_latency_is_that_of_successes() -> None:
    """A fast refusal does not improve it; it is the error rate's business."""
    found = requests(
        request(0, 0.0, 0.5), request(1, 1.0, 0.001, outcome=Outcome.FAIL), request(2, 2.0, 0.7)
    )
    assert [0.5, 0.7] == [round(x, 9) for x in found.sojourn_times().tolist()]


def test_a_request_never_answered_is_infinitely_late_and_an_error() -> None:
    """It is censored, not dropped."""
    found = requests(request(0, 0.0, 0.5), request(1, 1.0, None))
    assert [0.5, math.inf] == found.sojourn_times().tolist()
    assert found.error_rate().value == 0.5


def test_dropped_and_uncertain_requests_are_errors() -> None:
    """They were asked for and are not known to have happened."""
    dropped = OperationRecord(0, "ask", 0.0, None, 0.0, Outcome.FAIL, error="Dropped")
    found = requests(dropped, request(1, 1.0, outcome=Outcome.INFO), request(2, 2.0))
    assert found.error_rate().value == 2 / 3
    assert found.success().value == 1 / 3


def test_records_are_put_in_order_of_arrival() -> None:
    """The journal has them in order of their end."""
    found = requests(request(1, 5.0, 0.1), request(0, 1.0, 4.5))
    assert [1.0, 5.0] == found.scheduled.tolist()


def test_a_window_is_half_open_and_takes_what_was_scheduled_in_it() -> None:
    """The start belongs to it, the end does not, whenever the answer comes."""
    found = requests(request(0, 0.0, 99.0), request(1, 9.999), request(2, 10.0))
    assert [0.0, 9.999] == found.scheduled_in(TEN).scheduled.tolist()


def test_operations_are_told_apart() -> None:
    """``None`` means all of them."""
    found = requests(request(0, 0.0), request(1, 1.0, name="tell"))
    assert [1, 1, 2] == [len(found.named(name)) for name in ("ask", "tell", None)]


def test_throughput_counts_answers_given_in_the_window() -> None:
    """Ten a second asked for, answered 100 ms later: ten a second answered."""
    found = Requests.of(journal(*steady(0.0, 20.0)))
    window = Window("w", 5.0, 15.0)
    estimate = found.throughput(window, good_only=True)
    assert (10.0, 100) == (estimate.value, estimate.n)


def test_goodput_leaves_failures_out() -> None:
    """Throughput counts them."""
    failing = [*steady(0.0, 5.0), *steady(5.0, 10.0, outcome=Outcome.FAIL)]
    found = Requests.of(journal(*failing))
    assert found.throughput(TEN, good_only=True).value == 5.0
    assert found.throughput(TEN, good_only=False).value == 9.9


def test_in_flight_rises_at_sending_and_falls_at_the_answer() -> None:
    """Two overlapping requests; an answer and a sending at one instant do not overlap."""
    steps = requests(request(0, 0.0, 4.0), request(1, 1.0, 3.0), request(2, 4.0, 1.0)).in_flight()
    assert [1.0, 2.0, 1.0, 0.0] == [steps.at(t) for t in (0.5, 1.5, 4.5, 6.0)]
    assert steps.maximum(TEN) == 2.0
    assert steps.mean(TEN).value == 0.8


def test_littles_law_holds_for_any_run_that_starts_and_ends_empty() -> None:
    """L = λ W is a sample-path identity, so it holds to rounding."""
    stream = np.random.default_rng(7)
    due = np.cumsum(stream.exponential(0.1, 500))
    records = [request(n, float(t), float(stream.exponential(0.3))) for n, t in enumerate(due)]
    found = Requests.of(journal(*records))
    window = Window("all", 0.0, float(found.completed.max()) + 1.0)
    rate = len(found) / window.duration
    mean_in_flight = found.in_flight().mean(window).value
    assert mean_in_flight is not None
    assert math.isclose(mean_in_flight, rate * found.sojourn_times().mean(), rel_tol=1e-9)
