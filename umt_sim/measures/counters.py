"""Messages, retries, queue lengths, span durations, and whatever else was observed."""

from __future__ import annotations

import numpy as np

from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import (
    MessageEvent,
    MessageFate,
    Observation,
    QueueSample,
    RetryEvent,
    SpanRow,
)
from umt_sim.measures.estimates import STEADY, Batching, Estimate, Floats, ratio_estimate
from umt_sim.measures.guards import made_from
from umt_sim.measures.requests import Requests
from umt_sim.measures.steps import Steps

__all__ = [
    "message_count",
    "observations",
    "queue_depth",
    "queues_of",
    "redelivered_count",
    "retries",
    "retry_amplification",
    "span_durations",
]


def message_count(journal: Journal, fate: MessageFate, queue: str | None, window: Window) -> int:
    """Messages that met *fate* in *window*, in one queue or, for ``None``, in all."""
    return sum(
        event.fate is fate and queue in (None, event.queue) and event.at in window
        for event in journal.of(MessageEvent)
    )


def redelivered_count(journal: Journal, queue: str | None, window: Window) -> int:
    """Deliveries in *window* of messages that had been delivered before."""
    return sum(
        event.fate is MessageFate.DELIVERED
        and event.redelivered
        and queue in (None, event.queue)
        and event.at in window
        for event in journal.of(MessageEvent)
    )


def queues_of(journal: Journal) -> list[str]:
    """Names of the queues that were sampled, in alphabetical order."""
    return sorted({sample.queue for sample in journal.of(QueueSample)})


def queue_depth(journal: Journal, queue: str) -> Steps:
    """Messages in one queue over time: ready, and delivered but not acknowledged."""
    samples = [sample for sample in journal.of(QueueSample) if sample.queue == queue]
    return Steps(
        np.array([sample.at for sample in samples], dtype=np.float64),
        np.array([sample.ready + sample.unacked for sample in samples], dtype=np.float64),
    )


def retries(journal: Journal, policy: str | None, window: Window) -> list[float]:
    """When it was decided in *window* to try again, under one policy or, for ``None``, any."""
    return [
        event.at
        for event in journal.of(RetryEvent)
        if (policy is None or made_from(event.policy, policy)) and event.at in window
    ]


def retry_amplification(
    journal: Journal,
    requests: Requests,
    policy: str | None,
    window: Window,
    batching: Batching = STEADY,
) -> Estimate:
    """
    How much retries multiply the load: one plus retries per request started in *window*.

    Where each request makes one guarded call, this is attempts per first attempt.

    Args:
        journal: The record of the run.
        requests: What the workload asked for.
        policy: Count the retries of one policy only; of all for ``None``.
        window: Where the retry is decided, and where the request starts.
        batching: How the interval is found.
    """
    edges = np.linspace(window.start, window.end, batching.count + 1)
    started = requests.started[(requests.started >= window.start) & (requests.started < window.end)]
    firsts = np.histogram(started, edges)[0].astype(np.float64)
    again = np.histogram(retries(journal, policy, window), edges)[0].astype(np.float64)
    return ratio_estimate(firsts + again, firsts, len(started), batching)


def span_durations(journal: Journal, name: str, window: Window) -> Floats:
    """Seconds each span called *name* lasted that began in *window*, in order of their end."""
    return np.array(
        [s.end - s.start for s in journal.of(SpanRow) if s.name == name and s.start in window],
        dtype=np.float64,
    )


def observations(journal: Journal, name: str, window: Window) -> Floats:
    """Values observed under *name* in *window*, in the order they were written."""
    return np.array(
        [row.value for row in journal.of(Observation) if row.name == name and row.at in window],
        dtype=np.float64,
    )
