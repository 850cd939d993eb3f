"""The machine's own clock and randomness. The one place of the platform that touches them."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime

__all__ = ["SystemClock", "system_randomness"]


class SystemClock:
    """The wall clock and the event loop's sleep."""

    @staticmethod
    def monotonic() -> float:
        """Seconds from an arbitrary origin; never steps back."""
        return time.monotonic()

    @staticmethod
    def now() -> datetime:
        """The wall time in UTC."""
        return datetime.fromtimestamp(time.time(), UTC)

    @staticmethod
    async def sleep(seconds: float) -> None:
        """Suspend the calling task for *seconds*."""
        await asyncio.sleep(seconds)


def system_randomness() -> random.Random:
    """A random source seeded by the operating system."""
    return random.Random()
