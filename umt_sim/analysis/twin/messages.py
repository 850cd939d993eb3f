"""Compares where messages waited and how many were sent again."""

from __future__ import annotations

from collections.abc import Iterator

from umt_sim.analysis.twin.comparisons import Comparison, compared, unjudged
from umt_sim.analysis.twin.tolerances import Tolerances
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.measures.calls import redeliveries
from umt_sim.measures.counters import queue_depth, queues_of
from umt_sim.measures.windows import RUN

__all__ = ["message_comparisons", "queues_of_either"]

_SAMPLES = 5
"""Samples below which a queue is not judged."""

Pair = tuple[Readings, Readings]


def queues_of_either(pair: Pair) -> list[str]:
    """Queues that were sampled in either world and ever held a message."""
    names = sorted({name for readings in pair for name in queues_of(readings.journal)})
    return [
        name for name in names if any(queue_depth(r.journal, name).maximum(r.run) > 0 for r in pair)
    ]


def message_comparisons(pair: Pair, tolerances: Tolerances) -> Iterator[Comparison]:
    """Comparisons about each queue, and about redelivered messages."""
    for queue in queues_of_either(pair):
        yield _depth(pair, queue, tolerances)
    sim, live = (float(len(redeliveries(r.journal, r.run))) for r in pair)
    allowed = tolerances.of_count(sim, live)
    yield compared("messages", "redelivered", RUN, (sim, live), allowed, Unit.NUMBER)


def _depth(pair: Pair, queue: str, tolerances: Tolerances) -> Comparison:
    """
    The time average over the run, which a world that only looks now and then measures as well.

    Not over each window: what a real broker tells of a queue is seconds old, and would be
    compared with another moment. Nor where hardly anybody looked.
    """
    steps = [queue_depth(readings.journal, queue) for readings in pair]
    means = [each.mean(r.run) for each, r in zip(steps, pair, strict=True)]
    sim, live = (mean.value if len(each) else None for mean, each in zip(means, steps, strict=True))
    if sim is None or live is None:
        values = (sim, live)
        return unjudged(queue, "mean depth", RUN, values, Unit.NUMBER, "sampled in one world")
    if (fewest := min(mean.n for mean in means)) < _SAMPLES:
        note = f"{fewest} samples; {_SAMPLES} are needed"
        return unjudged(queue, "mean depth", RUN, (sim, live), Unit.NUMBER, note)
    allowed = tolerances.of_count(sim, live)
    return compared(queue, "mean depth", RUN, (sim, live), allowed, Unit.NUMBER)
