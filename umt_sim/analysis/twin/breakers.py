"""Compares circuit breakers: the same transitions, in the same order, at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from umt_sim.analysis.twin.comparisons import Comparison, compared
from umt_sim.analysis.twin.tolerances import Tolerances
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import Status
from umt_sim.journal.records import BreakerEvent
from umt_sim.measures.breakers import breakers_of
from umt_sim.measures.windows import RUN

__all__ = ["breaker_comparisons", "busy_breakers"]


def busy_breakers(pair: tuple[Readings, Readings]) -> list[str]:
    """Breakers that changed their state in either world, in alphabetical order."""
    names = {name for readings in pair for name in breakers_of(readings.journal)}
    return [name for name in sorted(names) if any(r.transitions(name) for r in pair)]


def breaker_comparisons(
    pair: tuple[Readings, Readings], tolerances: Tolerances
) -> Iterator[Comparison]:
    """One for each breaker's sequence and, where that is equal, for each transition."""
    for breaker in busy_breakers(pair):
        sim, live = (readings.transitions(breaker) for readings in pair)
        same = _path(sim) == _path(live)
        yield Comparison(
            breaker,
            "transitions",
            RUN,
            float(len(sim)),
            float(len(live)),
            0.0,
            Unit.NUMBER,
            Status.PASSED if same else Status.FAILED,
            _told(_path(sim)) if same else _parting(_path(sim), _path(live)),
        )
        if same:
            yield from _times(breaker, sim, live, tolerances)


def _times(
    breaker: str,
    sim: Sequence[BreakerEvent],
    live: Sequence[BreakerEvent],
    tolerances: Tolerances,
) -> Iterator[Comparison]:
    for number, (one, other) in enumerate(zip(sim, live, strict=True), 1):
        name = f"{number}: {one.from_state} → {one.to_state}"
        times = (one.at, other.at)
        yield compared(breaker, name, RUN, times, tolerances.transition, Unit.SECONDS)


def _path(changes: Sequence[BreakerEvent]) -> list[str]:
    """The states passed through, the first one included."""
    first = [change.from_state or "" for change in changes[:1]]
    return first + [change.to_state or "" for change in changes]


def _told(path: Sequence[str]) -> str:
    return " → ".join(path)


def _parting(sim: Sequence[str], live: Sequence[str]) -> str:
    """Both paths from the last state they share."""
    shared = 0
    while shared < min(len(sim), len(live)) and sim[shared] == live[shared]:
        shared += 1
    start = max(0, shared - 1)
    before = f"after {start} in common, " if start else ""
    return f"{before}sim: {_told(sim[start:]) or 'none'}; live: {_told(live[start:]) or 'none'}"
