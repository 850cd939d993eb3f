"""
Chooses, when a run is over, which traces its journal keeps.

A trace is worth keeping for what happened in it, and that is known at its end: an error,
or a fault that was active meanwhile. Of the others a share is drawn by the random bits of
their own ids, so one seed keeps the same traces in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from umt_sim.faults.timeline import Window
from umt_sim.journal.records import SpanRow

__all__ = ["Sampling", "Traces"]

_ERROR, _FAULT, _SAMPLED, _OTHER = range(4)
"""Why a trace is kept, most important first; the others are not."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """
    Which traces to keep.

    Attributes:
        keep: ``errors``: those with a span that ended in one; ``faults``: those under way
            while a fault was active.
        share: This share of the others, as a fraction of one.
        most: Spans to keep at most; errors are kept before faults, faults before others.
    """

    keep: tuple[Literal["errors", "faults"], ...]
    share: float
    most: int | None


class Traces:
    """
    Holds finished spans until it is known which are kept.

    Never holds more than twice ``sampling.most``: beyond that a choice is made early, and
    an error later in a trace that lost comes too late for its earlier spans.

    Args:
        sampling: What is wanted.
        faults: When faults are active.
    """

    def __init__(self, sampling: Sampling, faults: Sequence[Window]) -> None:
        self._sampling = sampling
        self._faults = faults
        self._rows: list[SpanRow] = []

    def add(self, row: SpanRow) -> None:
        """Take in a finished span."""
        self._rows.append(row)
        most = self._sampling.most
        if most is not None and len(self._rows) > 2 * most:
            self._rows = self._best(most)

    def kept(self) -> list[SpanRow]:
        """The spans of the traces that are kept, in the order in which they ended."""
        kept = self._best(self._sampling.most)
        self._rows = []
        return kept

    def _best(self, most: int | None) -> list[SpanRow]:
        """Whole traces while there is room, most important first."""
        ranks = self._ranks()
        kept: set[str] = set()
        room = len(self._rows) if most is None else most
        sizes = Counter(row.trace_id for row in self._rows)
        for trace in sorted(ranks, key=lambda trace: (ranks[trace], _luck(trace), trace)):
            if ranks[trace] != _OTHER and sizes[trace] <= room:
                room -= sizes[trace]
                kept.add(trace)
        return [row for row in self._rows if row.trace_id in kept]

    def _ranks(self) -> dict[str, int]:
        ranks: dict[str, int] = {}
        for row in self._rows:
            ranks[row.trace_id] = min(ranks.get(row.trace_id, _OTHER), self._rank(row))
        return ranks

    def _rank(self, row: SpanRow) -> int:
        """What one span makes of its trace."""
        keep = self._sampling.keep
        if "errors" in keep and row.status == "error":
            return _ERROR
        if "faults" in keep and any(
            w.start <= row.end and row.start <= w.end for w in self._faults
        ):
            return _FAULT
        return _SAMPLED if _luck(row.trace_id) < self._sampling.share else _OTHER


def _luck(trace_id: str) -> float:
    """
    A number in [0, 1) made of the 56 bits of a trace id that are random.

    Source:
        W3C Trace Context level 2, the random-trace-id flag.
    """
    return int(trace_id[-14:], 16) / 2**56
