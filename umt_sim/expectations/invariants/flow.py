"""What came in went out or is still there, and areas are sums: the books of every run balance."""

from __future__ import annotations

from umt_sim.expectations.invariants.finding import Finding
from umt_sim.expectations.wording import counted
from umt_sim.journal.recorder import Journal
from umt_sim.measures.flow import balances

__all__ = ["flow_balance"]


def flow_balance(journal: Journal) -> Finding:
    """
    Flow balance, busy time and Little's law hold to 1e-9 for operations, stations and queues.

    Every run is judged by it, asked for or not.
    """
    found = balances(journal)
    if not found:
        return Finding("no operation, station or queue was recorded", blind=True)
    violations = tuple(str(balance) for balance in found if not balance.holds)
    return Finding(counted(len(found), "balance"), violations)
