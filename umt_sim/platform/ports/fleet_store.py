"""
What a fleet's members share about a circuit breaker, as the platform asks for it.

Each member watches its own calls. What they share is that the breaker is open, until when,
and the probes of the half-open state with their outcomes. Time is the store's own: a
member whose clock is wrong opens and probes no earlier than the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

__all__ = ["FleetState", "FleetStore", "FleetView", "Probe", "Tally"]


class FleetState(Enum):
    """What the fleet as a whole does with calls."""

    UNKNOWN = "unknown"  # the store knows of no opening: there was none, or it forgot
    CLOSED = "closed"  # lets them through
    OPEN = "open"  # refuses them until the wait is over
    HALF_OPEN = "half_open"  # lets a budget of probes through


@dataclass(frozen=True, slots=True)
class FleetView:
    """
    The fleet's state, with the seconds *remaining* if it is open.

    ``round`` numbers the openings, so that what belongs to an earlier one can be told.
    """

    state: FleetState
    round: int = 0
    remaining: float = 0.0


@dataclass(frozen=True, slots=True)
class Probe:
    """The fleet's permission for one probe of a round."""

    round: int
    number: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Outcomes of all the fleet's probes of a round."""

    calls: int
    failed: int
    slow: int


@runtime_checkable
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

    async def report(
        self, breaker: str, probe: Probe, *, failed: bool, slow: bool, counts: bool = True
    ) -> Tally | None:
        """End a probe, or give it back. The tally is ``None`` if the probe no longer counts."""
        ...

    async def close(self, breaker: str, round_: int) -> None:
        """Close, if this is still the round."""
        ...
