"""
Laws that every run obeys exactly, whatever its randomness: what came in went out or is there.

They hold on the sample path itself, so there is no interval and nothing to tolerate but
rounding. A run that breaks one was recorded wrongly: no number read off it can be trusted.

- *Flow*: arrivals are the completed, the refused, the withdrawn and those still there.
- *Busy time*: the area under the number of busy workers is the sum of service times.
- *Little's law*: the area under the number in the system is the sum of the times spent in it,
  L = λW without dividing either side by the length of the run.

Source:
    S. Stidham, A last word on L = λW, Operations Research 22 (1974): the sample-path version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import fsum, isclose

import numpy as np

from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import (
    OUTBOX,
    REFUSED,
    MessageEvent,
    MessageFate,
    OperationRecord,
    PhaseRecord,
    QueueSample,
    StationTotals,
)

__all__ = ["TOLERANCE", "Balance", "balances"]

TOLERANCE = 1e-9
"""Share by which two sides may differ: rounding, with room to spare."""

_GONE = (
    MessageFate.ACKED,
    MessageFate.DEAD_LETTERED,
    MessageFate.EXPIRED,
    MessageFate.DROPPED,
    MessageFate.LOST,
    MessageFate.PURGED,
)
"""Fates that take a message out of its queue."""


@dataclass(frozen=True, slots=True)
class Balance:
    """
    Two sides of a law, measured apart from each other.

    Attributes:
        law: ``flow``, ``busy time`` or ``Little's law``.
        of: What it was found for.
        left: What came in, or an area.
        right: What became of it, or a sum.
    """

    law: str
    of: str
    left: float
    right: float

    @property
    def holds(self) -> bool:
        """Whether both sides are the same but for rounding."""
        return isclose(self.left, self.right, rel_tol=TOLERANCE, abs_tol=TOLERANCE)

    def __str__(self) -> str:
        return f"{self.law} of {self.of}: {self.left!r} against {self.right!r}"


def balances(journal: Journal) -> list[Balance]:
    """
    Every law of the module, for the operations and each station and queue that was recorded.

    A real broker keeps no books for us: what can be seen of its queues from outside is
    neither complete nor of one moment, so those of the live world are not balanced.
    """
    queues = _queues(journal) if journal.header.get("world") != "live" else ()
    return [*_operations(journal), *_stations(journal), *queues]


def _operations(journal: Journal) -> Iterator[Balance]:
    """The workload's requests, as a system that they enter when due and leave when answered."""
    records = journal.of(OperationRecord)
    if not records:
        return
    answered = [record for record in records if record.completed is not None]
    known = Counter(record.outcome for record in records if record.outcome is not None)
    unanswered = len(records) - len(answered)
    yield Balance("flow", "operations", len(records), known.total() + unanswered)
    end = _end(journal)
    leaves = np.array([end if r.completed is None else r.completed for r in records])
    enters = np.array([record.scheduled for record in records])
    yield Balance("Little's law", "operations", _area(enters, leaves), fsum(leaves - enters))


def _end(journal: Journal) -> float:
    """When the last thing happened that a request can have been waiting for."""
    moments = [phase.ended for phase in journal.of(PhaseRecord)]
    moments += [r.completed for r in journal.of(OperationRecord) if r.completed is not None]
    return max([*moments, *(record.scheduled for record in journal.of(OperationRecord))])


def _area(enters: np.ndarray, leaves: np.ndarray) -> float:
    """Area under the number of those that have entered and not left."""
    moments = np.concatenate([enters, leaves])
    order = np.argsort(moments, kind="stable")
    inside = np.cumsum(np.repeat([1, -1], len(enters))[order])
    return fsum(inside[:-1] * np.diff(moments[order]))


def _stations(journal: Journal) -> Iterator[Balance]:
    for totals in journal.of(StationTotals):
        of = f"station {totals.server}"
        gone = totals.completed + totals.refused + totals.withdrawn
        yield Balance("flow", of, totals.arrivals, gone + totals.waiting + totals.busy)
        yield Balance("busy time", of, totals.busy_seconds, totals.served_seconds)
        yield Balance(
            "Little's law",
            of,
            totals.waiting_seconds + totals.busy_seconds,
            totals.waited_seconds + totals.served_seconds,
        )


def _queues(journal: Journal) -> Iterator[Balance]:
    """Queues of which both the messages and the length were recorded; counted by name."""
    came: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for event in journal.of(MessageEvent):
        if event.fate is MessageFate.PUBLISHED:
            came[event.queue] += 1
        elif event.fate in _GONE and event.reason != REFUSED:
            gone[event.queue] += 1
    last = {(s.server, s.queue): s for s in journal.of(QueueSample) if s.queue != OUTBOX}
    left: Counter[str] = Counter()
    for (_, queue), sample in last.items():
        left[queue] += sample.ready + sample.unacked
    for queue in left:
        if came[queue]:
            yield Balance("flow", f"queue {queue}", came[queue], gone[queue] + left[queue])
