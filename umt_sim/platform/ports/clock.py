"""Time, as the platform asks for it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

__all__ = ["Clock"]


@runtime_checkable
class Clock(Protocol):
    """Reads and waits for time. Nothing else in the platform may."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin; never steps back."""
        ...

    def now(self) -> datetime:
        """The wall time, timezone-aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*; at once, but after a pass of the loop, for 0."""
        ...
