"""Compares where messages waited and how many were sent again."""

from __future__ import annotations

from collections.abc import Iterator

from umt_sim.analysis.twin.findings import Finding, compared, unjudged
from umt_sim.analysis.twin.requests import windows_of_both
from umt_sim.analysis.twin.tolerances import Tolerances
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.measures.calls import redeliveries
from umt_sim.measures.counters import queue_depth, queues_of
from umt_sim.measures.windows import RUN

__all__ = ["message_findings", "queues_of_either"]

Pair = tuple[Readings, Readings]


def queues_of_either(pair: Pair) -> list[str]:
    """Queues that were sampled in either world and ever held a message."""
    names = sorted({name for readings in pair for name in queues_of(readings.journal)})
    return [
        name for name in names if any(queue_depth(r.journal, name).maximum(r.run) > 0 for r in pair)
    ]


def message_findings(pair: Pair, tolerances: Tolerances) -> Iterator[Finding]:
    """Findings about each queue in each window, and about redelivered messages."""
    for queue in queues_of_either(pair):
        for window in windows_of_both(pair):
            yield _depth(pair, queue, window, tolerances)
    sim, live = (float(len(redeliveries(r.journal, r.run))) for r in pair)
    allowed = tolerances.of_count(sim, live)
    yield compared("messages", "redelivered", RUN, (sim, live), allowed, Unit.NUMBER)


def _depth(pair: Pair, queue: str, window: str, tolerances: Tolerances) -> Finding:
    """The time average, which a world that only looks now and then measures as well."""
    sampled = [queue in queues_of(readings.journal) for readings in pair]
    sim, live = (queue_depth(r.journal, queue).mean(r.windows[window]).value for r in pair)
    if not all(sampled) or sim is None or live is None:
        values = (sim if sampled[0] else None, live if sampled[1] else None)
        return unjudged(queue, "mean depth", window, values, Unit.NUMBER, "sampled in one world")
    allowed = tolerances.of_count(sim, live)
    return compared(queue, "mean depth", window, (sim, live), allowed, Unit.NUMBER)
