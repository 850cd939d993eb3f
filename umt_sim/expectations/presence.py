"""Whether a run knows what an expectation is about: a misspelt name must never pass."""

from __future__ import annotations

from umt_sim.expectations.metrics import Metric, Subject
from umt_sim.expectations.readings import Readings
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import MessageEvent, Observation, QueueSample, RetryEvent, SpanRow
from umt_sim.measures.guards import made_from

__all__ = ["is_heard_of"]


def is_heard_of(metric: Metric, of: str | None, readings: Readings) -> bool:
    """
    Whether anything in the journal is about what *metric* asks for.

    A policy that never tried again has written nothing; the plan knows whether it would have.

    Args:
        metric: What is asked.
        of: About whom; ``None`` for all of them.
        readings: The run.
    """
    journal = readings.journal
    if metric.subject is Subject.QUEUE and metric.moments is not None:
        messages = journal.of(MessageEvent)
        queues = {event.queue for event in messages} | _sampled_queues(journal)
        return bool(messages) and (of is None or of in queues)
    if of is None:
        return True
    match metric.subject:
        case Subject.OPERATION:
            return len(readings.requests_of(of)) > 0
        case Subject.BREAKER:
            return bool(readings.breakers(of))
        case Subject.POLICY:
            policies = journal.header.get("plan", {}).get("policies", {})
            tried_again = any(made_from(event.policy, of) for event in journal.of(RetryEvent))
            return tried_again or "retry" in policies.get(of, {})
        case Subject.QUEUE:
            return of in _sampled_queues(journal)
        case Subject.SPAN:
            return any(span.name == of for span in journal.of(SpanRow))
        case Subject.OBSERVATION:
            return any(observation.name == of for observation in journal.of(Observation))


def _sampled_queues(journal: Journal) -> set[str]:
    return {sample.queue for sample in journal.of(QueueSample)}
