"""
A violation is planted for every metric and aggregate, and an expectation catches it.

Each expectation is asked of a healthy journal, where it holds, and of a sick one, where it
does not: an expectation never seen failing proves nothing.
"""

from __future__ import annotations

import pytest

from tests.fakes.journals import journal, steady
from umt_sim.expectations import expect
from umt_sim.expectations.judging import judge
from umt_sim.expectations.metrics import METRICS
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import Status
from umt_sim.journal.records import (
    BreakerEvent,
    MessageEvent,
    MessageFate,
    Outcome,
    QueueSample,
    Record,
    RetryEvent,
    SpanRow,
)

QUANTILE = "p50"
"""Stands for all of them."""


def messages(times: int) -> list[Record]:
    """One message that meets every fate so many times, and is redelivered as often."""
    fates = [(fate, False) for fate in MessageFate] + [(MessageFate.DELIVERED, True)]
    return [
        MessageEvent(50.0, fate, "m", "", "q", "q", redelivered=again)
        for fate, again in fates
        for _ in range(times)
    ]


def breaker(rounds: int) -> list[Record]:
    """A breaker that opens, tries and closes so many times, a second in each state."""
    steps = [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    return [
        event
        for n in range(rounds)
        for step, (before, after) in enumerate(steps)
        for event in (
            BreakerEvent(10.0 + 3 * n + step, "llm", "state_transition", before, after),
            BreakerEvent(10.5 + 3 * n + step, "llm", "not_permitted"),
        )
    ]


def spans(seconds: float) -> list[Record]:
    """One span a second."""
    return [
        SpanRow("t", str(n), None, "work", "internal", "s", n, n + seconds, "ok", None)
        for n in range(90)
    ]


HEALTHY = journal(
    *steady(0.0, 100.0, latency=0.1),
    *messages(1),
    *breaker(1),
    *spans(0.5),
    QueueSample(0.0, "mq", "q", 1, 0, 1),
)
SICK = journal(
    *steady(0.0, 100.0, latency=4.0, each=0.4),
    *steady(0.2, 100.2, latency=4.0, each=0.4, outcome=Outcome.FAIL),
    *messages(9),
    *breaker(9),
    *spans(5.0),
    *(RetryEvent(0.05 * n, "llm", 1, 0.1, "PortTimeout") for n in range(1990)),
    QueueSample(0.0, "mq", "q", 99, 0, 1),
)

TIMES = {QUANTILE: "< 1s", "mean": "< 1s", "min": "< 1s", "max": "< 1s"}
STEPS = {"max": "< 9", "mean": "< 9", "last": "< 9"}
COUNTS = dict.fromkeys((*(fate.value for fate in MessageFate), "redelivered"), "<= 2")

CAUGHT: dict[str, dict[str, str]] = {
    "latency": TIMES,
    "service_time": TIMES,
    "error_rate": {"": "< 10%"},
    "success": {"": "> 90%"},
    "rate": {"": "> 9/s"},
    "goodput": {"": "> 9/s"},
    "in_flight": STEPS,
    "queue_depth": STEPS,
    "retry_amplification": {"": "< 1.5"},
    "retries": {"": "< 10"},
    "breaker": {
        **dict.fromkeys(("opens", "half_opens", "closes"), "== 1"),
        "refusals": "<= 3",
        "open_time": "< 5s",
        "half_open_time": "< 5s",
        "closed_time": "> 90s",
    },
    "messages": {**COUNTS, "delivered": "<= 3"},
    "span": TIMES,
}
"""Metric and aggregate to the limit that is kept in health and broken in sickness."""

SUBJECTS = {"breaker": "(llm)", "queue_depth": "(q)", "messages": "(q)", "span": "(work)"}
ALL = [
    (metric, aggregate, limit)
    for metric, limits in CAUGHT.items()
    for aggregate, limit in limits.items()
]


def test_nothing_can_be_asked_for_without_a_planted_violation() -> None:
    """A metric or an aggregate that is added needs one here."""
    known = {
        name: {*metric.aggregates, *([QUANTILE] if metric.quantiles else [])} or {""}
        for name, metric in METRICS.items()
    }
    assert known == {name: set(limits) for name, limits in CAUGHT.items()}


@pytest.mark.parametrize(("metric", "aggregate", "limit"), ALL)
def test_a_violation_is_caught(metric: str, aggregate: str, limit: str) -> None:
    """The expectation holds in the healthy journal and fails in the sick one."""
    dot = f".{aggregate}" if aggregate else ""
    asked = expect(f"{metric}{SUBJECTS.get(metric, '')}{dot} {limit}")
    healthy, sick = (judge(asked, Readings(found)) for found in (HEALTHY, SICK))
    assert Status.PASSED is healthy.status, healthy.evidence
    assert Status.FAILED is sick.status, sick.evidence
