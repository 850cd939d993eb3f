"""Breakers go from state to state only along their table."""

from __future__ import annotations

from umt_sim.expectations.invariants.finding import Finding
from umt_sim.expectations.wording import counted
from umt_sim.journal.recorder import Journal
from umt_sim.measures.breakers import breakers_of, transitions

__all__ = ["breaker_transitions_legal"]

# Written out again rather than taken from the breaker: a checker must not share its errors.
_ANY = ("closed", "open", "half_open", "forced_open", "disabled", "metrics_only")
_LEGAL = {
    "closed": ("closed", "open", "forced_open", "disabled", "metrics_only"),
    "open": _ANY,
    "half_open": _ANY,
    "forced_open": _ANY,
    "disabled": _ANY,
    "metrics_only": ("closed", "forced_open", "disabled", "metrics_only"),
}


def breaker_transitions_legal(journal: Journal) -> Finding:
    """Each transition is in resilience4j's table and begins where the one before it ended."""
    violations: list[str] = []
    count = 0
    for breaker in breakers_of(journal):
        state = None
        for change in transitions(journal, breaker):
            count += 1
            start, end = change.from_state or "", change.to_state or ""
            step = f"{breaker} at {change.at:.3f} s: {start} to {end}"
            if end not in _LEGAL.get(start, ()):
                violations.append(f"{step} is not in the table")
            elif state is not None and start != state:
                violations.append(f"{step}, though it was {state}")
            state = end
    return Finding(counted(count, "transition"), tuple(violations))
