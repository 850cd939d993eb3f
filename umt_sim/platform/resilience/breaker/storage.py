"""
The port behind which a fleet keeps what its members share about a breaker.

Each member watches its own calls. What they share is that the breaker is open, until when,
and the probes of the half-open state with their outcomes. Time is the store's own: a
member whose clock is wrong opens and probes no earlier than the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from umt_sim.platform.resilience.breaker.transitions import State

__all__ = ["FleetStore", "FleetView", "Probe", "Tally"]


@dataclass(frozen=True, slots=True)
class FleetView:
    """
    What the fleet knows: closed, open with seconds remaining, or half-open.

    ``round`` numbers the openings, so that what belongs to an earlier one can be told. In
    round 0 the store knows of no opening: there was none, or it has lost its memory.
    """

    state: State
    round: int = 0
    remaining: float = 0.0


@dataclass(frozen=True, slots=True)
class Probe:
    """The fleet's permission for one probe of a round."""

    round: int
    number: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Outcomes of all the fleet's probes of a round. A rule judges it like a window."""

    calls: int
    failed: int
    slow: int


class FleetStore(Protocol):
    """
    Shared by the members of a fleet; every method is atomic.

    Errors are the platform's port errors; a member that meets one goes on alone.
    """

    async def read(self, breaker: str) -> FleetView:
        """What the fleet knows now."""
        ...

    async def open(self, breaker: str, seconds: float) -> FleetView:
        """Open for *seconds*, unless it is open: the first of several members decides."""
        ...

    async def take(self, breaker: str, budget: int, lease_seconds: float) -> Probe | FleetView:
        """Take one of *budget* probes of the round; the view says why not."""
        ...

    async def report(self, breaker: str, probe: Probe, outcome: int | None) -> Tally | None:
        """
        End a probe; ``None`` gives it back. The tally is ``None`` if it no longer counts.

        Outcomes are those of ``window``: bit 0 failed, bit 1 slow.
        """
        ...

    async def close(self, breaker: str, round_: int) -> None:
        """Close, if this is still the round."""
        ...
