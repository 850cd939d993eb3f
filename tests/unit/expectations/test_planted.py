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
    Observation,
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


def breaker(rounds: int, name: str = "llm") -> list[Record]:
    """A breaker that opens, tries and closes so many times, a second in each state."""
    steps = [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    return [
        event
        for n in range(rounds)
        for step, (before, after) in enumerate(steps)
        for event in (
            BreakerEvent(10.0 + 3 * n + step, name, "state_transition", before, after),
            BreakerEvent(10.5 + 3 * n + step, name, "not_permitted"),
        )
    ]


def spans(seconds: float) -> list[Record]:
    """One span a second."""
    return [
        SpanRow("t", str(n), None, "work", "internal", "s", n, n + seconds, "ok", None)
        for n in range(90)
    ]


def observed(value: float) -> list[Record]:
    """The same number once a second."""
    return [Observation(float(n), "pool_waiters", value) for n in range(90)]


HEALTHY = journal(
    *steady(0.0, 100.0, latency=0.1),
    *messages(1),
    *breaker(1),
    *spans(0.5),
    *observed(2.0),
    QueueSample(0.0, "mq", "q", 1, 0, 1),
)
SICK = journal(
    *steady(0.0, 100.0, latency=4.0, each=0.4),
    *steady(0.2, 100.2, latency=4.0, each=0.4, outcome=Outcome.FAIL),
    *messages(9),
    *breaker(9),
    *spans(5.0),
    *observed(50.0),
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
    "observed": dict.fromkeys(TIMES, "< 9"),
}
"""Metric and aggregate to the limit that is kept in health and broken in sickness."""

SUBJECTS = {
    "breaker": "(llm)",
    "queue_depth": "(q)",
    "messages": "(q)",
    "span": "(work)",
    "observed": "(pool_waiters)",
}
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


GUARDS = {
    "retries(llm)": "< 10",
    "retry_amplification(llm)": "< 1.5",
    **{f"breaker(llm).{aggregate}": limit for aggregate, limit in CAUGHT["breaker"].items()},
}


@pytest.mark.parametrize("asked", [f"{of} {limit}" for of, limit in GUARDS.items()])
def test_a_violation_in_one_process_is_caught_by_the_policys_name(asked: str) -> None:
    """The guards of a policy are called ``process/policy``; one sick process is enough."""
    retries = [RetryEvent(0.05 * n, "agent/llm", 1, 0.1, "PortTimeout") for n in range(1990)]
    others = [RetryEvent(1.0, "client/llm", 1, 0.1, "PortTimeout")]
    load = steady(0.0, 100.0)
    healthy = judge(expect(asked), Readings(journal(*load, *others, *breaker(1, "client/llm"))))
    sick = judge(
        expect(asked),
        Readings(
            journal(*load, *others, *retries, *breaker(1, "client/llm"), *breaker(9, "agent/llm"))
        ),
    )
    assert Status.PASSED is healthy.status, healthy.evidence
    assert Status.FAILED is sick.status, sick.evidence


@pytest.mark.parametrize(("metric", "aggregate", "limit"), ALL)
def test_nothing_passes_or_fails_about_what_is_unknown(
    metric: str, aggregate: str, limit: str
) -> None:
    """A subject that the journal never heard of makes the answer inconclusive, with a sentence."""
    asked = f"{metric}(misspelt){f'.{aggregate}' if aggregate else ''} {limit}"
    for found in (HEALTHY, SICK):
        verdict = judge(expect(asked), Readings(found))
        assert Status.INCONCLUSIVE is verdict.status, verdict.evidence
        assert verdict.evidence.startswith("nothing was heard of the "), verdict.evidence
        assert verdict.evidence.endswith(" misspelt")


def test_a_policy_that_had_no_reason_to_retry_is_known_by_the_plan() -> None:
    """No retries at all is an answer about a policy that would have made some."""
    plan = {"policies": {"llm": {"retry": {"max_attempts": 3}}, "cache": {"timeout": 1.0}}}
    readings = Readings(journal(*steady(0.0, 100.0), plan=plan))
    assert Status.PASSED is judge(expect("retries(llm) == 0"), readings).status
    assert Status.INCONCLUSIVE is judge(expect("retries(cache) == 0"), readings).status


def test_messages_that_nobody_recorded_are_not_counted_as_none() -> None:
    """A world that samples queues but sees no message cannot say that none was lost."""
    readings = Readings(journal(*steady(0.0, 100.0), QueueSample(0.0, "mq", "q", 1, 0, 1)))
    for asked in ("messages.lost == 0", "messages(q).lost == 0"):
        assert Status.INCONCLUSIVE is judge(expect(asked), readings).status
