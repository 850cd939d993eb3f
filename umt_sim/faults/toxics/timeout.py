"""``timeout``: everything is swallowed, and silence ends the connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from umt_sim.faults.toxics.lowering import lowered

__all__ = ["Timeout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout:
    """
    Drop every byte; close once nothing has come for *timeout_ms*.

    With 0 it never closes by itself. Removing it cuts every connection that
    has it: what was dropped cannot be given back.
    """

    type: ClassVar[str] = "timeout"

    timeout_ms: float = 0

    def __post_init__(self) -> None:
        self.attributes()

    def attributes(self) -> dict[str, int]:
        """``timeout`` in milliseconds."""
        return {"timeout": lowered("timeout_ms", self.timeout_ms, "ms")}

    def hazards_212(self) -> tuple[str, ...]:
        """None: every version treats it alike."""
        return ()
