"""``bandwidth``: bytes leave no faster than a rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from umt_sim.faults.toxics.lowering import lowered

__all__ = ["Bandwidth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """
    Let *rate_kb_per_s* kilobytes (of 1000 bytes) pass each second.

    Per connection and direction: a proxy's connections do not share it. What
    takes up to 100 ms leaves in one write after its whole transmission time,
    more leaves in slabs of 100 ms. A rate of 0 throttles nothing.
    """

    type: ClassVar[str] = "bandwidth"

    rate_kb_per_s: float

    def __post_init__(self) -> None:
        self.attributes()

    def attributes(self) -> dict[str, int]:
        """``rate`` in kilobytes per second."""
        return {"rate": lowered("rate_kb_per_s", self.rate_kb_per_s, "KB/s")}

    def hazards_212(self) -> tuple[str, ...]:
        """A rate of 0 stops the stream for ever, its end included, before 2.13."""
        if self.attributes()["rate"]:
            return ()
        return ("a bandwidth of 0 KB/s stalls every connection for ever; give at least 1 KB/s",)
