"""What the checker of an invariant answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import PhaseRecord

__all__ = ["Finding", "end_of"]

_SHOWN = 3


def end_of(journal: Journal) -> float:
    """When the run was taken down. What servers drop from then on is nobody's loss."""
    phases = journal.of(PhaseRecord)
    return min((phase.started for phase in phases if phase.name == "tear_down"), default=math.inf)


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What a checker saw.

    Attributes:
        looked_at: What it looked at, for example ``412 messages``.
        violations: One sentence for each; none if the invariant held.
        blind: Nothing was recorded that it could look at, so it can say nothing.
    """

    looked_at: str
    violations: tuple[str, ...] = ()
    blind: bool = False

    @property
    def sentence(self) -> str:
        """What was seen, the first violations named."""
        if not self.violations:
            return self.looked_at
        shown = "; ".join(self.violations[:_SHOWN])
        more = len(self.violations) - _SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        return f"{self.looked_at}: {shown}{rest}"
