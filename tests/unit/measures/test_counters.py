"""Messages, retries, queues and spans are counted in one way only."""

from __future__ import annotations

from tests.fakes.journals import journal, steady
from umt_sim.faults.timeline import Window
from umt_sim.journal.records import MessageEvent, MessageFate, QueueSample, RetryEvent, SpanRow
from umt_sim.measures.counters import (
    message_count,
    queue_depth,
    redelivered_count,
    retries,
    retry_amplification,
    span_durations,
)
from umt_sim.measures.requests import Requests

RUN = Window("run", 0.0, 100.0)


def test_messages_are_counted_by_fate_queue_and_window() -> None:
    """Each of the three narrows the count."""
    found = journal(
        MessageEvent(1.0, MessageFate.PUBLISHED, "a", "", "q", "q"),
        MessageEvent(2.0, MessageFate.PUBLISHED, "b", "", "r", "r"),
        MessageEvent(3.0, MessageFate.DELIVERED, "a", "", "q", "q", redelivered=True),
        MessageEvent(3.0, MessageFate.DELIVERED, "b", "", "r", "r"),
    )
    assert message_count(found, MessageFate.PUBLISHED, None, RUN) == 2
    assert message_count(found, MessageFate.PUBLISHED, "q", RUN) == 1
    assert message_count(found, MessageFate.PUBLISHED, None, Window("w", 1.5, 9.0)) == 1
    assert redelivered_count(found, None, RUN) == 1


def test_amplification_is_one_plus_retries_per_request() -> None:
    """A retry for every second request makes 1.5."""
    retries = [RetryEvent(n * 0.2, "llm", 1, 0.1, "Timeout") for n in range(500)]
    found = journal(*steady(0.0, 100.0), *retries)
    requests = Requests.of(found)
    assert retry_amplification(found, requests, None, RUN).value == 1.5
    assert retry_amplification(found, requests, "other", RUN).value == 1.0


def test_retries_under_a_policy_are_those_of_its_guards_in_every_process() -> None:
    """A policy's name stands for ``process/policy``; a full name for the one."""
    found = journal(
        RetryEvent(1.0, "llm", 1, 0.1, "Timeout"),
        RetryEvent(2.0, "agent/llm", 1, 0.1, "Timeout"),
        RetryEvent(3.0, "agent/cache", 1, 0.1, "Timeout"),
    )
    assert [1.0, 2.0] == retries(found, "llm", RUN)
    assert [2.0] == retries(found, "agent/llm", RUN)
    assert [1.0, 2.0, 3.0] == retries(found, None, RUN)


def test_amplification_without_requests_is_undefined() -> None:
    """Nothing over nothing is no number."""
    found = journal()
    assert retry_amplification(found, Requests.of(found), None, RUN).value is None


def test_a_queue_is_as_deep_as_what_is_ready_and_unacknowledged() -> None:
    """Between samples it stays as it was."""
    found = journal(QueueSample(10.0, "mq", "q", 3, 2, 1), QueueSample(20.0, "mq", "q", 0, 0, 1))
    steps = queue_depth(found, "q")
    assert [0.0, 5.0, 0.0] == [steps.at(t) for t in (5.0, 15.0, 25.0)]


def test_spans_belong_to_the_window_they_begin_in() -> None:
    """Their duration is end minus start."""

    def span(start: float, end: float) -> SpanRow:
        return SpanRow("t", "s", None, "work", "internal", "svc", start, end, "ok", None)

    found = journal(span(1.0, 3.0), span(99.0, 150.0), span(100.0, 101.0))
    assert [2.0, 51.0] == span_durations(found, "work", RUN).tolist()
