"""Every exception is handled by somebody."""

from __future__ import annotations

from umt_sim.expectations.invariants.finding import Finding
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import UnhandledError

__all__ = ["no_unhandled_errors"]


def no_unhandled_errors(journal: Journal) -> Finding:
    """No exception reached a background task's end or the loop's handler unhandled."""
    errors = journal.of(UnhandledError)
    return Finding(
        f"{len(errors)} unhandled errors",
        tuple(f"{e.error} in {e.where} at {e.at:.3f} s: {e.message}" for e in errors),
    )
