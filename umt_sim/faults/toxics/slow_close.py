"""``slow_close``: the end of a stream arrives late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from umt_sim.faults.toxics.lowering import lowered

__all__ = ["SlowClose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowClose:
    """Pass data at once, but the end of the stream only after *delay_ms*."""

    type: ClassVar[str] = "slow_close"

    delay_ms: float

    def __post_init__(self) -> None:
        self.attributes()

    def attributes(self) -> dict[str, int]:
        """``delay`` in milliseconds."""
        return {"delay": lowered("delay_ms", self.delay_ms, "ms")}

    def hazards_212(self) -> tuple[str, ...]:
        """None: every version treats it alike."""
        return ()
