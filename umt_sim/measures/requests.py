"""
What became of the workload's requests.

Four facts decide every number here. Latency counts from the *scheduled* arrival
and is that of requests that succeeded; failures are the business of the error
rate. A request never answered is infinitely late, not left out. Dropped arrivals
are errors: they were asked for. A window holds the requests scheduled in it;
throughput counts the answers given in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import OperationRecord, Outcome
from umt_sim.measures.estimates import (
    STEADY,
    Batching,
    Estimate,
    Floats,
    ratio_estimate,
    share_estimate,
)
from umt_sim.measures.steps import Steps

__all__ = ["Requests"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Requests:
    """
    Requests as columns, in order of their scheduled arrival.

    Attributes:
        name: Operation of each.
        scheduled: Seconds of the run when each was due.
        started: When each was sent; NaN for those that never were.
        completed: When the answer was known; infinite for those never answered.
        ok: Whether it is known to have happened.
        answered: Whether there was an answer at all, good or bad.
    """

    name: NDArray[np.str_]
    scheduled: Floats
    started: Floats
    completed: Floats
    ok: Flags
    answered: Flags

    @classmethod
    def of(cls, journal: Journal) -> Self:
        """All requests of a run."""
        return cls.of_records(journal.of(OperationRecord))

    @classmethod
    def of_records(cls, records: Iterable[OperationRecord]) -> Self:
        """These requests, in any order."""
        rows = sorted(records, key=lambda row: (row.scheduled, row.number))
        return cls(
            name=np.array([row.name for row in rows], dtype=np.str_),
            scheduled=np.array([row.scheduled for row in rows], dtype=np.float64),
            started=np.array([_or(row.started, np.nan) for row in rows], dtype=np.float64),
            completed=np.array([_or(row.completed, np.inf) for row in rows], dtype=np.float64),
            ok=np.array([row.outcome is Outcome.OK for row in rows], dtype=np.bool_),
            answered=np.array([row.completed is not None for row in rows], dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.scheduled)

    def where(self, chosen: Flags | slice) -> Requests:
        """Those that are *chosen*, by a flag for each or as a stretch of them."""
        return Requests(
            self.name[chosen],
            self.scheduled[chosen],
            self.started[chosen],
            self.completed[chosen],
            self.ok[chosen],
            self.answered[chosen],
        )

    def named(self, operation: str | None) -> Requests:
        """Those of one operation; all of them for ``None``."""
        return self if operation is None else self.where(self.name == operation)

    def scheduled_in(self, window: Window) -> Requests:
        """Those scheduled in *window*."""
        first, last = np.searchsorted(self.scheduled, (window.start, window.end), side="left")
        return self.where(slice(int(first), int(last)))

    def sojourn_times(self) -> Floats:
        """
        Time each successful request spent in the system, from its scheduled arrival.

        Waiting included. Counting from the moment the client got round to
        sending would hide the very delay an open workload reveals.

        Returns:
            Seconds, in order of arrival; infinite for requests never answered.

        Source:
            Schroeder, Wierman, Harchol-Balter (2006), open versus closed systems.
        """
        counted = self.ok | ~self.answered
        times: Floats = self.completed[counted] - self.scheduled[counted]
        return times

    def service_times(self) -> Floats:
        """Time from sending to answer of each successful request, in seconds."""
        times: Floats = self.completed[self.ok] - self.started[self.ok]
        return times

    def error_rate(self, batching: Batching = STEADY) -> Estimate:
        """Share of requests that failed, may have failed, were dropped or never answered."""
        return share_estimate(~self.ok, batching)

    def success(self, batching: Batching = STEADY) -> Estimate:
        """Share of requests known to have happened."""
        return share_estimate(self.ok, batching)

    def throughput(
        self, window: Window, batching: Batching = STEADY, *, good_only: bool
    ) -> Estimate:
        """
        Answers per second given in *window*.

        Args:
            window: Where the answer falls, whenever the request was scheduled.
            batching: How the interval is found.
            good_only: Count only those known to have happened: goodput.
        """
        counted = self.ok if good_only else self.answered
        edges = np.linspace(window.start, window.end, batching.count + 1)
        inside = self.completed[counted]
        inside = inside[(inside >= window.start) & (inside < window.end)]
        counts = np.histogram(inside, edges)[0].astype(np.float64)
        return ratio_estimate(counts, np.diff(edges), len(inside), batching)

    def in_flight(self) -> Steps:
        """Requests sent and not yet answered, over time."""
        sent = ~np.isnan(self.started)
        times = np.concatenate((self.started[sent], self.completed[sent & self.answered]))
        changes = np.concatenate(
            (np.ones(int(sent.sum())), -np.ones(int((sent & self.answered).sum())))
        )
        order = np.lexsort((changes, times))  # an answer and a sending at one instant: answer first
        return Steps(times[order], np.cumsum(changes[order]))


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
