"""What came of an expectation. A failed expectation is a value, never an exception."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from umt_sim.measures.estimates import Estimate

__all__ = ["ExitCode", "Status", "Verdict", "exit_code", "overall", "worst"]


class Status(Enum):
    """How an expectation was answered."""

    PASSED = "passed"  # it held
    FAILED = "failed"  # it did not hold
    INCONCLUSIVE = "inconclusive"  # the run cannot tell
    ERRORED = "errored"  # the checker crashed, or the run itself did


class ExitCode(int, Enum):
    """What the command line returns."""

    PASSED = 0
    FAILED = 1
    BAD_SCENARIO = 2
    SERVICES_MISSING = 3
    INCONCLUSIVE = 4
    INTERRUPTED = 130


_WORST_FIRST = (Status.ERRORED, Status.FAILED, Status.INCONCLUSIVE, Status.PASSED)
_EXIT = {
    Status.PASSED: ExitCode.PASSED,
    Status.FAILED: ExitCode.FAILED,
    Status.ERRORED: ExitCode.FAILED,
    Status.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    The answer to one expectation or invariant.

    Attributes:
        name: The expectation as written, or the invariant's name.
        status: How it was answered.
        evidence: What was seen, in a sentence.
        estimate: The measured number, where there is one.
        unit: Its kind: ``s``, ``share``, ``/s``, or empty for a plain number.
        limit: What it was compared with.
        traceback: Of a checker that crashed.
    """

    name: str
    status: Status
    evidence: str
    estimate: Estimate | None = None
    unit: str = ""
    limit: float | None = None
    traceback: str | None = None


def overall(verdicts: Iterable[Verdict]) -> Status:
    """The worst of *verdicts*; inconclusive where nothing was asked."""
    return worst(verdict.status for verdict in verdicts)


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of *statuses*; inconclusive where there is none."""
    found = set(statuses)
    return next((status for status in _WORST_FIRST if status in found), Status.INCONCLUSIVE)


def exit_code(statuses: Sequence[Status]) -> ExitCode:
    """What the command line returns for runs that ended with these *statuses*."""
    return _EXIT[worst(statuses)]
