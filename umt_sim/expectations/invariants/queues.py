"""Work that was accepted is finished once the load has stopped."""

from __future__ import annotations

from umt_sim.expectations.invariants.finding import Finding, end_of
from umt_sim.expectations.wording import counted
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import OUTBOX, QueueSample

__all__ = ["outbox_drained", "queues_drain"]


def queues_drain(journal: Journal) -> Finding:
    """
    At the end nothing is ready and nothing unacknowledged in any queue that had a consumer.

    Queues nobody ever consumed from, such as dead-letter queues, may keep what they hold.
    """
    consumed: dict[tuple[str, str], None] = {}
    last: dict[tuple[str, str], QueueSample] = {}
    end = end_of(journal)
    for sample in journal.of(QueueSample):
        if sample.queue == OUTBOX or sample.at >= end:
            continue
        key = (sample.server, sample.queue)
        last[key] = sample
        if sample.consumers:
            consumed[key] = None
    if not consumed:
        return Finding("no queue with a consumer was sampled", blind=True)
    violations = tuple(
        f"{last[key].queue} still has {last[key].ready} ready and {last[key].unacked} unacked"
        for key in consumed
        if last[key].ready or last[key].unacked
    )
    return Finding(f"{counted(len(consumed), 'queue')} with consumers", violations)


def outbox_drained(journal: Journal) -> Finding:
    """At the end every event that was written to an outbox has been sent."""
    last: dict[str, QueueSample] = {}
    for sample in journal.of(QueueSample):
        if sample.queue == OUTBOX:
            last[sample.server] = sample
    if not last:
        return Finding("no outbox was sampled", blind=True)
    violations = tuple(
        f"{counted(sample.ready, 'unsent row')} in {server} at {sample.at:.3f} s"
        for server, sample in last.items()
        if sample.ready
    )
    return Finding(counted(len(last), "outbox", "outboxes"), violations)
