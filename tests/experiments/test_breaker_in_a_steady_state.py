"""
A breaker that opens and closes for a long time, through scenarios.

A service always fails as often; so each closing begins the same story anew, and what the
breaker does in the long run is known from renewal theory. Measured is over whole stories, up to the
last closing. *Open* is the wait itself: a breaker that waits no longer, and is not asked, is
neither open nor closed in the formulas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt

import pytest

from tests.experiments.ground_truth import (
    SIGMAS,
    Case,
    Kind,
    assert_near,
    failures_in_a_row,
    simulate,
    transitions,
)

CYCLES, CAMPAIGN_CYCLES = 60, 400
DEAR = 50_000
"""Calls, from which on a case is for the campaign."""

CAMPAIGN_CALLS, CALLS_AT_ONCE = 1_000_000, 250_000
"""Of a campaign, at most, and of one run."""


@dataclass
class Account:
    """What whole cycles add up to."""

    cycles: int = 0
    seconds: float = 0.0
    open_seconds: float = 0.0
    closed_seconds: float = 0.0
    opens: int = 0
    calls: int = 0
    rejected: int = 0
    succeeded: int = 0

    def shares(self) -> dict[str, float]:
        """The metrics of the cases."""
        return {
            "rejected": self.rejected / self.calls,
            "success": self.succeeded / self.calls,
            "frac_open": self.open_seconds / self.seconds,
            "frac_closed": self.closed_seconds / self.seconds,
            "opens_per_s": self.opens / self.seconds,
        }


def cycle_seconds(case: Case) -> float:
    """Mean time from one closing to the next: closed, then open until *h* probes succeed."""
    lam, p, k, wait, h = (case[key] for key in ("lam", "p", "k", "T", "h"))
    calls, _ = failures_in_a_row(p, k)
    attempts = 1 / (1 - p) ** h
    probes = sum((1 - p) ** i for i in range(h))
    return float(calls / lam + attempts * (wait + probes / lam))


def cycle_calls(case: Case) -> float:
    """Mean calls of that time, refused ones included."""
    return float(case["lam"] * cycle_seconds(case))


def live(case: Case, cycles: float, replication: int, account: Account) -> None:
    """Run for about so many cycles and enter those that are whole."""
    policy = f"{{failures: {case['k']}, open_for: {case['T']}s, half_open_calls: {case['h']}}}"
    result = simulate(
        case.seed(replication),
        seconds=cycles * cycle_seconds(case),
        p=case["p"],
        rate=case["lam"],
        policies=f"{{service: {{breaker: {policy}}}}}",
    )
    changes = [(0.0, "closed"), *transitions(result)]
    last = max(number for number, (_, state) in enumerate(changes) if state == "closed")
    until = changes[last][0]
    for (since, state), (end, _) in pairwise(changes[: last + 1]):
        account.cycles += state == "closed"
        account.opens += state == "open"
        account.closed_seconds += (end - since) * (state == "closed")
        account.open_seconds += min(end - since, case["T"]) * (state == "open")
    operations = result.operations[result.operations.scheduled_s <= until]
    account.seconds += until
    account.calls += len(operations)
    account.rejected += int((operations.error == "CircuitOpenError").sum())
    account.succeeded += int((operations.outcome == "ok").sum())


def spread(case: Case, metric: str) -> float:
    """The asymptotic standard deviation over one cycle, from the note of the case."""
    found = re.search(r"over n cycles = ([\d.e+-]+)/sqrt", case.rows[metric]["note"])
    assert found is not None, f"{case.name}: the note of {metric} states no deviation"
    return float(found.group(1))


@pytest.mark.ground_truth(Kind.RENEWAL, dear=lambda case: CYCLES * cycle_calls(case) > DEAR)
def test_shares_of_calls_and_of_time(case: Case, campaign: bool) -> None:
    """Refused and successful calls, time open and closed, and openings are those of the renewal."""
    cycles = min(CAMPAIGN_CYCLES, CAMPAIGN_CALLS / cycle_calls(case)) if campaign else CYCLES
    runs = ceil(cycles * cycle_calls(case) / CALLS_AT_ONCE)
    account = Account()
    for replication in range(runs):
        live(case, cycles / runs, replication, account)
    assert account.cycles, f"{case.name}: it never closed again in so many calls"
    measured = account.shares()
    for metric, expected in case.expected.items():
        tolerance = SIGMAS * spread(case, metric) / sqrt(account.cycles)
        assert_near(f"{case.name}.{metric}", expected, measured[metric], tolerance)
