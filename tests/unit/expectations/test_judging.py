"""Each kind of expectation is seen to pass, to fail and to be inconclusive."""

from __future__ import annotations

import pytest

from tests.fakes.journals import fault, journal, request, steady
from umt_sim.expectations import expect
from umt_sim.expectations.judging import judge
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import Status, Verdict
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import (
    BreakerEvent,
    MessageEvent,
    MessageFate,
    Outcome,
    QueueSample,
    RetryEvent,
    SpanRow,
)

P, F, U = Status.PASSED, Status.FAILED, Status.INCONCLUSIVE


def answer(found: Journal, text: str) -> Verdict:
    """The verdict on one expectation."""
    return judge(expect(text), Readings(found))


SLOW = journal(
    *steady(0.0, 40.0),
    *steady(40.0, 60.0, latency=1.0),
    *steady(60.0, 65.0, latency=1.0),
    *steady(65.0, 100.0),
    fault("brownout", 40, 60),
)
"""Ten a second at 100 ms; 1 s during the brownout and for 5 s after it."""


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("latency(ask).p95 < 200ms during baseline", P),
        ("latency(ask).p95 < 50ms during baseline", F),
        ("latency(ask).p95 < 200ms during brownout", F),
        ("latency(ask).p99 < 200ms during baseline", U),  # 400 samples, 1000 are needed
        ("latency(ask).p99 < 200ms during baseline min_samples 400", P),
        ("latency(ask).max < 1100ms", P),
        ("latency(ask).min >= 200ms", F),
        ("latency(ask).mean < 200ms during baseline", P),
        ("latency(tell).p95 < 1s", U),  # nothing observed
        ("service_time(ask).p50 < 1s during baseline", P),
        ("error_rate(ask) < 5%", P),
        ("success(ask) > 95%", P),
        ("rate(ask) > 9/s during baseline", P),
        ("goodput(ask) > 11/s during baseline", F),
        ("in_flight(ask).max <= 2 during baseline", P),
        ("in_flight(ask).max < 5 during brownout", F),
        ("in_flight(ask).mean < 2 during baseline", P),
        ("latency(ask).p95 < 200ms during nowhere", U),
        ("latency(ask).p95 < 200ms after brownout within 20s for 10s", P),
        ("latency(ask).p95 < 200ms after brownout within 3s for 10s", F),
        ("latency(ask).p95 < 200ms after brownout within 20s for 60s", U),  # no room
        ("latency(ask).p50 > 900ms during brownout within 5s for 5s", P),
        ("error_rate(ask) < 5% for 50s", P),
    ],
)
def test_levels(text: str, status: Status) -> None:
    """Latency, rates and requests in flight are judged over the window that is named."""
    verdict = answer(SLOW, text)
    assert status is verdict.status, verdict.evidence


def test_recovery_time_is_measured() -> None:
    """Of ten seconds at most a twentieth may be slow: 4.4 s after the fault that is so."""
    verdict = answer(SLOW, "latency(ask).p95 < 200ms after brownout within 20s for 10s")
    assert verdict.evidence.startswith("after 4.4 s: 100 ms, n = 100")


def test_an_interval_on_both_sides_of_the_limit_is_inconclusive() -> None:
    """Failures come in bursts: 10 % of 400 may as well be 5 or 20."""
    bursts = [
        request(n, n * 0.1, outcome=Outcome.FAIL if 20 <= n % 200 < 40 else Outcome.OK)
        for n in range(400)
    ]
    found = journal(*bursts, measured=(0.0, 40.0))
    verdict = answer(found, "error_rate(ask) < 9%")
    assert verdict.status is U
    assert verdict.evidence.endswith("the interval spans the limit")
    assert verdict.estimate is not None
    assert verdict.estimate.value == 0.1
    assert answer(found, "error_rate(ask) < 60%").status is P
    assert answer(found, "error_rate(ask) < 1%").status is F


def test_an_unanswered_request_fails_a_maximum() -> None:
    """What never came back is infinitely late."""
    found = journal(*steady(0.0, 50.0), request(999, 60.0, None))
    assert answer(found, "latency(ask).max < 10m").status is F


COUNTED = journal(
    *steady(0.0, 100.0),
    fault("brownout", 40, 60),
    BreakerEvent(43.0, "llm", "state_transition", "closed", "open"),
    BreakerEvent(44.0, "llm", "not_permitted"),
    BreakerEvent(53.0, "llm", "state_transition", "open", "half_open"),
    BreakerEvent(54.0, "llm", "state_transition", "half_open", "closed"),
    *(RetryEvent(40.0 + n * 0.1, "llm", 1, 0.1, "PortTimeout") for n in range(100)),
    MessageEvent(45.0, MessageFate.PUBLISHED, "a", "", "q", "q"),
    MessageEvent(46.0, MessageFate.DELIVERED, "a", "", "q", "q"),
    MessageEvent(50.0, MessageFate.DELIVERED, "a", "", "q", "q", redelivered=True),
    QueueSample(10.0, "mq", "q", 5, 2, 1),
    QueueSample(90.0, "mq", "q", 0, 0, 1),
    *(
        SpanRow("t", str(n), None, "work", "internal", "s", n, n + 0.5, "ok", None)
        for n in range(90)
    ),
)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("breaker(llm).opens >= 1 during brownout within 5s", P),
        ("breaker(llm).opens >= 1 during brownout within 2s", F),
        ("breaker(llm).opens == 0 during baseline", P),
        ("breaker(llm).closes == 1", P),
        ("breaker(llm).half_opens == 2", F),
        ("breaker(llm).refusals > 0 during brownout", P),
        ("breaker(llm).open_time < 11s", P),
        ("breaker(llm).open_time < 9s", F),
        ("breaker(llm).closed_time > 88s", P),
        ("breaker(other).opens == 0", U),  # a misspelt name never passes
        ("retries(llm) <= 100", P),
        ("retries < 100", F),
        ("retry_amplification < 1.3", P),
        ("retry_amplification < 1.3 during brownout", F),
        ("retries(other) == 0", U),
        ("retry_amplification(other) <= 1", U),
        ("goodput(tell) == 0/s", U),
        ("in_flight(tell).max < 1", U),
        ("messages.published == 1", P),
        ("messages(q).redelivered < 1", F),
        ("messages(elsewhere).dropped == 0", U),
        ("queue_depth(q).max <= 7", P),
        ("queue_depth(q).max < 7", F),
        ("queue_depth(q).last == 0", P),
        ("queue_depth(unknown).max < 7", U),
        ("queue_depth(q).mean > 4", P),
        ("span(work).p50 < 1s", P),
        ("span(work).max < 200ms", F),
        ("span(play).p50 < 1s", U),
    ],
)
def test_counts_and_other_subjects(text: str, status: Status) -> None:
    """Breakers, retries, messages, queues and spans."""
    verdict = answer(COUNTED, text)
    assert status is verdict.status, verdict.evidence


def test_detection_time_is_told_even_when_it_was_too_long() -> None:
    """The breaker opened 3 s after the brownout began."""
    for limit in ("5s", "2s"):
        verdict = answer(COUNTED, f"breaker(llm).opens >= 1 during brownout within {limit}")
        assert verdict.evidence.endswith("; the first after 3 s")
