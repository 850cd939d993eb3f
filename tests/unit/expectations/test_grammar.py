"""The language of ``expect`` says precisely where it was not understood."""

from __future__ import annotations

import pytest

from umt_sim.expectations import expect
from umt_sim.expectations.grammar import ExpectationError
from umt_sim.expectations.metrics import METRICS, Unit


def test_an_expectation_has_all_its_parts() -> None:
    """Limits and durations become seconds and fractions."""
    found = expect("latency(create_content).p95 < 800ms after brownout within 20s for 10s")
    assert ("latency", "create_content", "p95", "<", 0.8) == (
        found.metric,
        found.of,
        found.aggregate,
        found.comparison,
        found.limit,
    )
    assert ("after", "brownout", 20.0, 10.0, None) == (
        found.relation,
        found.window,
        found.within,
        found.hold,
        found.min_samples,
    )


@pytest.mark.parametrize(
    ("text", "limit", "unit"),
    [
        ("latency(x).p99.9 <= 1m30s", 90.0, Unit.SECONDS),
        ("latency.mean < 1s", 1.0, Unit.SECONDS),
        ("service_time(x).p50 < 200us", 0.0002, Unit.SECONDS),
        ("error_rate < 0.5%", 0.005, Unit.SHARE),
        ("success(x) >= 99.9%", 0.999, Unit.SHARE),
        ("rate(x) > 20/s during run", 20.0, Unit.RATE),
        ("goodput(x)>90/m", 1.5, Unit.RATE),
        ("in_flight.max < 500", 500.0, Unit.NUMBER),
        ("queue_depth(content.tasks).last == 0", 0.0, Unit.NUMBER),
        ("retry_amplification < 1.3", 1.3, Unit.NUMBER),
        ("retries(llm) <= 10", 10.0, Unit.NUMBER),
        ("breaker(llm).opens != 0", 0.0, Unit.NUMBER),
        ("breaker(llm).open_time < 20s", 20.0, Unit.SECONDS),
        ("messages.redelivered < 10", 10.0, Unit.NUMBER),
        ("messages(content.tasks).dead_lettered == 0", 0.0, Unit.NUMBER),
        ("span(handle_task).p95 < 1s min_samples 50", 1.0, Unit.SECONDS),
    ],
)
def test_every_metric_takes_limits_in_its_own_unit(text: str, limit: float, unit: Unit) -> None:
    """The unit follows from the metric and its aggregate."""
    found = expect(text)
    assert (limit, unit) == (found.limit, found.unit)


def test_every_metric_is_in_the_test_above_or_explained() -> None:
    """A metric that nobody can write does not exist."""
    for name, metric in METRICS.items():
        assert metric.about, name
        assert name in metric.explanation(name)


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "expected a metric, found the end"),
        ("latncy(x).p95 < 1s", 0, 'unknown metric "latncy", did you mean "latency"?'),
        ("p95 < 1s", 0, 'unknown metric "p95"'),
        ("latency(x) < 1s", 11, 'latency needs an aggregate: latency.p95, found "<"'),
        ("latency(x).p100 < 1s", 11, '"p100" is no percentile; write p50 to p99.9'),
        ("latency(x).p0 < 1s", 11, '"p0" is no percentile'),
        ("latency(x).p < 1s", 11, 'latency has no "p", did you mean "p95"?'),
        ("latency(x).median < 1s", 11, 'latency has no "median", did you mean "mean"?'),
        ("latency(x.p95 < 1s", 14, 'expected ")", found "<"'),
        ("latency().p95 < 1s", 8, "expected the name of a operation"),
        ("latency(x).p95 1s", 15, 'expected a comparison such as <, found "1s"'),
        ("latency(x).p95 = 1s", 15, '"=" compares nothing; write <=, >=, ==, !=, <, >'),
        ("latency(x).p95 <", 16, "expected a limit, found the end"),
        ("latency(x).p95 < 800", 17, '"800" is no limit for latency, write a duration'),
        ("error_rate(x) < 5", 16, '"5" is no limit for error_rate, write a percentage'),
        ("error_rate(x) < 5ms", 16, '"5ms" is no limit for error_rate'),
        ("rate(x) > 5", 10, '"5" is no limit for rate, write a rate such as 20/s'),
        ("retry_amplification < 130%", 22, '"130%" is no limit for retry_amplification'),
        ("error_rate(x).p95 < 5%", 14, "error_rate takes no aggregate; leave .p95 out"),
        ("breaker.opens > 1", 7, "breaker needs the name of a breaker: breaker(...)"),
        ("breaker(x).open > 1", 11, 'breaker has no "open", did you mean "opens"?'),
        ("latency(x).p95 < 1s dring x", 20, 'unknown word "dring", did you mean "during"?'),
        ("latency(x).p95 < 1s during", 26, "expected a window, found the end"),
        ("latency(x).p95 < 1s during a after b", 29, '"after" after "during": give one of them'),
        ("error_rate < 1% for 1s for 2s", 23, '"for" after "for": give one of them'),
        ("error_rate < 1% for ten", 20, "'ten' is not a duration"),
        ("error_rate < 1% for 0s", 20, '"for 0s" leaves no time'),
        ("error_rate < 1% min_samples 0", 28, '"0" is no number of samples'),
        ("error_rate < 1% min_samples few", 28, '"few" is no number of samples'),
        ("error_rate < 1% after b within 3s", 31, '"within" needs "for"'),
        ("breaker(x).opens > 0 within 3s", 28, '"within" needs a window'),
        (
            "breaker(x).opens > 0 during b within 3s for 2s",
            44,
            'breaker is counted; "within" alone says it',
        ),
    ],
)
def test_what_is_not_understood_is_named_with_its_place(
    text: str, offset: int, message: str
) -> None:
    """The offset counts characters from 0; the message says what to write."""
    with pytest.raises(ExpectationError) as caught:
        expect(text)
    assert message in str(caught.value)
    assert offset == caught.value.offset


def test_an_expectation_is_what_was_written() -> None:
    """Reports quote it."""
    assert str(expect("error_rate < 1%")) == "error_rate < 1%"
