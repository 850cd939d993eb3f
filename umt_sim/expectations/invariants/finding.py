"""What the checker of an invariant answers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]

_SHOWN = 3


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
