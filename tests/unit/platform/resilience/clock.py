"""A clock that moves when it is told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class HandClock:
    """Satisfies the Clock port. Its wall time can be stepped apart from its monotonic time."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = at
        self.wall_step = 0.0

    def monotonic(self) -> float:
        """Seconds of the hand."""
        return self.at

    def now(self) -> datetime:
        """The hand's time, and how far the wall was stepped."""
        return EPOCH + timedelta(seconds=self.at + self.wall_step)

    async def sleep(self, seconds: float) -> None:
        """Sleeping is what moves this clock, for code that sleeps alone."""
        self.at += seconds
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move the hand."""
        self.at += seconds
