"""``reset_peer``: the connection is reset under both peers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from umt_sim.faults.toxics.lowering import lowered

__all__ = ["ResetPeer"]

API_PATIENCE_MS = 25_000  # Toxiproxy's handlers answer 503 after this long


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPeer:
    """
    After the first data in its direction, wait *timeout_ms*, then reset the connection.

    Both peers see ECONNRESET on connections opened while the toxic is there;
    on older ones an orderly end of stream. Silent connections are left alone.
    """

    type: ClassVar[str] = "reset_peer"

    timeout_ms: float = 0

    def __post_init__(self) -> None:
        if self.attributes()["timeout"] >= API_PATIENCE_MS:
            raise ValueError(
                f"timeout_ms is {self.timeout_ms:g}; it must be below {API_PATIENCE_MS} ms, because"
                " a running reset_peer cannot be interrupted and Toxiproxy answers 503 by then"
            )

    def attributes(self) -> dict[str, int]:
        """``timeout`` in milliseconds."""
        return {"timeout": lowered("timeout_ms", self.timeout_ms, "ms")}

    def hazards_212(self) -> tuple[str, ...]:
        """None: every version treats it alike."""
        return ()
