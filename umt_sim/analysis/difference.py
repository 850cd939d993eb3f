"""Where two runs of one plan first went different ways, as their journals tell it."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, get_args

from umt_sim.errors import Nondeterminism
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import Record

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["insist_same"]


def insist_same(first: Result, second: Result) -> None:
    """
    Check that two runs of one plan took the same path.

    Raises:
        Nondeterminism: Their tapes or their journals differ; names the earliest record
            that does.
    """
    found = _first_difference(first.journal, second.journal)
    if found is not None:
        raise Nondeterminism(*found)
    if first.tape_hash != second.tape_hash:
        raise Nondeterminism(
            0, 0.0, f"tape {first.tape_hash}", f"tape {second.tape_hash}, with equal journals"
        )


def _first_difference(first: Journal, second: Journal) -> tuple[int, float, str, str] | None:
    """Index, time and both versions of the earliest record that differs."""
    found = []
    for kind in get_args(Record):
        pairs = zip_longest(first.of(kind), second.of(kind))
        for index, (one, other) in enumerate(pairs):
            if one != other:
                at = min(_time_of(record) for record in (one, other) if record is not None)
                found.append((index, at, repr(one), repr(other)))
                break
    return min(found, key=lambda difference: difference[1], default=None)


def _time_of(record: Any) -> float:
    """When a record says it happened."""
    for name in ("at", "completed", "ended", "end", "scheduled", "started"):
        moment = getattr(record, name, None)
        if moment is not None:
            return float(moment)
    return 0.0
