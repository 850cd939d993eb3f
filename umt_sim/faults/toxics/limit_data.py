"""``limit_data``: the connection ends after so many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from umt_sim.faults.toxics.lowering import lowered

__all__ = ["LimitData"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitData:
    """Close a connection as soon as *limit_bytes* have passed; 0 closes at the first data."""

    type: ClassVar[str] = "limit_data"

    limit_bytes: int

    def __post_init__(self) -> None:
        self.attributes()

    def attributes(self) -> dict[str, int]:
        """``bytes``."""
        return {"bytes": lowered("limit_bytes", self.limit_bytes, "bytes")}

    def hazards_212(self) -> tuple[str, ...]:
        """None: every version treats it alike."""
        return ()
