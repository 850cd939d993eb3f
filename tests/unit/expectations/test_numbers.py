"""Numbers have names in the language of expectations, and a run answers to them."""

from __future__ import annotations

import pytest

from tests.fakes.journals import brownout, fault, journal, steady
from umt_sim.expectations.grammar import ExpectationError, number
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.numbers import each_operation, measured
from umt_sim.expectations.readings import Readings


def test_a_name_is_the_left_side_of_an_expectation() -> None:
    """Metric, subject, aggregate and window; it is written as it is read."""
    found = number("latency(create).p95 during brownout")
    assert ("latency", "create", "p95", "during", "brownout") == (
        found.metric, found.of, found.aggregate, found.relation, found.window
    )  # fmt: skip
    assert (Unit.SECONDS, "latency(create).p95 during brownout") == (found.unit, str(found))


@pytest.mark.parametrize(
    ("text", "offset"), [("latncy.p95", 0), ("latency.p95 < 3s", 12), ("latency.p95 for 3s", 12)]
)
def test_what_is_no_name_is_refused_with_its_place(text: str, offset: int) -> None:
    """A comparison or a duration belongs to an expectation."""
    with pytest.raises(ExpectationError) as caught:
        number(text)
    assert offset == caught.value.offset


def test_numbers_are_measured_in_their_windows() -> None:
    """Over the run, during a fault, and after it."""
    records = [
        *steady(0, 40),
        *steady(40, 60, latency=0.5),
        *steady(60, 100),
        fault("slow", 40, 60),
    ]
    names = ["latency(ask).max", "latency(ask).max during baseline", "latency(ask).max after slow"]
    found = measured(Readings(journal(*records)), names)
    assert [0.5, 0.1, 0.1] == [pytest.approx(found[name].value) for name in names]


def test_a_window_that_never_was_has_no_number() -> None:
    """Nor has one that was a moment."""
    records = [*steady(0, 100), fault("blink", 40, 40)]
    names = ["error_rate during storm", "error_rate during blink"]
    found = measured(Readings(journal(*records)), names)
    assert [(None, 0), (None, 0)] == [(found[name].value, found[name].n) for name in names]


def test_a_name_without_operation_is_about_each() -> None:
    """Names of other things stay as they are."""
    names = ["latency.p95", "error_rate(look) during run", "retry_amplification"]
    assert [
        "latency(ask).p95",
        "latency(look).p95",
        "error_rate(look) during run",
        "retry_amplification",
    ] == each_operation(names, ["ask", "look"])


def test_a_result_judges_one_more_expectation() -> None:
    """In Python as in a file."""
    from umt_sim.analysis import Result

    verdict = Result(brownout()).expect("error_rate(ask) > 1% during outage")
    assert "in outage" in verdict.evidence
