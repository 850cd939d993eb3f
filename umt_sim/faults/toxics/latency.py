"""``latency``: bytes arrive later than they were sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from umt_sim.faults.toxics.lowering import lowered

__all__ = ["Latency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """
    Hold every chunk until it is *latency_ms* old, give or take *jitter_ms*.

    Age counts from the read of the socket, so chunks overlap and throughput
    does not fall. Jitter is uniform and never reorders. One direction only.
    """

    type: ClassVar[str] = "latency"

    latency_ms: float = 0
    jitter_ms: float = 0

    def __post_init__(self) -> None:
        self.attributes()

    def attributes(self) -> dict[str, int]:
        """``latency`` and ``jitter`` in milliseconds."""
        return {
            "latency": lowered("latency_ms", self.latency_ms, "ms"),
            "jitter": lowered("jitter_ms", self.jitter_ms, "ms"),
        }

    def hazards_212(self) -> tuple[str, ...]:
        """None: every version treats it alike."""
        return ()
