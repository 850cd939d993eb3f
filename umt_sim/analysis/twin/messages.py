"""Compares where messages waited and how many were sent again."""

from __future__ import annotations

from collections.abc import Iterator

from umt_sim.analysis.twin.comparisons import Comparison, compared, unjudged
from umt_sim.analysis.twin.requests import windows_of_both
from umt_sim.analysis.twin.tolerances import Tolerances
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.measures.calls import redeliveries
from umt_sim.measures.counters import queue_depth, queues_of
from umt_sim.measures.windows import RUN

__all__ = ["message_comparisons", "queues_of_either"]

_SAMPLES = 5
"""Samples in a window below which a queue is not judged there."""

Pair = tuple[Readings, Readings]


def queues_of_either(pair: Pair) -> list[str]:
    """Queues that were sampled in either world and ever held a message."""
    names = sorted({name for readings in pair for name in queues_of(readings.journal)})
    return [
        name for name in names if any(queue_depth(r.journal, name).maximum(r.run) > 0 for r in pair)
    ]


def message_comparisons(pair: Pair, tolerances: Tolerances) -> Iterator[Comparison]:
    """Comparisons about each queue in each window, and about redelivered messages."""
    for queue in queues_of_either(pair):
        for window in windows_of_both(pair):
            yield _depth(pair, queue, window, tolerances)
    sim, live = (float(len(redeliveries(r.journal, r.run))) for r in pair)
    allowed = tolerances.of_count(sim, live)
    yield compared("messages", "redelivered", RUN, (sim, live), allowed, Unit.NUMBER)


def _depth(pair: Pair, queue: str, window: str, tolerances: Tolerances) -> Comparison:
    """
    The time average of one window, which a world that only looks now and then measures as well.

    But not one that hardly looked: a database that is away, for one, is not asked for its outbox.
    """
    steps = [queue_depth(readings.journal, queue) for readings in pair]
    means = [each.mean(r.windows[window]) for each, r in zip(steps, pair, strict=True)]
    sim, live = (mean.value if len(each) else None for mean, each in zip(means, steps, strict=True))
    if sim is None or live is None:
        values = (sim, live)
        return unjudged(queue, "mean depth", window, values, Unit.NUMBER, "sampled in one world")
    if (fewest := min(mean.n for mean in means)) < _SAMPLES:
        note = f"{fewest} samples; {_SAMPLES} are needed"
        return unjudged(queue, "mean depth", window, (sim, live), Unit.NUMBER, note)
    allowed = tolerances.of_count(sim, live)
    return compared(queue, "mean depth", window, (sim, live), allowed, Unit.NUMBER)
