"""The time of a run: seconds since its load began, whatever the world's clock shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ["SETTLE", "RunClock"]

SETTLE = 5.0
"""Seconds between the start of set-up and the load, so that connections come to rest."""


class RunClock:
    """
    Reads the time of the run in both worlds.

    Rows written during set-up carry negative times. Where set-up takes longer
    than ``SETTLE``, the load starts when it is done and zero moves there.
    """

    def __init__(self) -> None:
        self._time: Callable[[], float] = lambda: 0.0
        self._origin = 0.0
        self._wall_origin_ns = 0

    def start(self) -> None:
        """Bind to the running loop; the load is due ``SETTLE`` seconds from now."""
        self._time = asyncio.get_running_loop().time
        self._set_origin(self._time() + SETTLE)

    async def settle(self) -> None:
        """Wait until the load is due; at once, moving zero, if that has passed."""
        ahead = -self.now()
        if ahead > 0:
            await asyncio.sleep(ahead)
        else:
            self._set_origin(self._time())

    def now(self) -> float:
        """Seconds of the run, to the nanosecond."""
        return round(self._time() - self._origin, 9)

    def to_run_time(self, unix_ns: int) -> float:
        """Turn nanoseconds since the Unix epoch into seconds of the run."""
        return (unix_ns - self._wall_origin_ns) / 1e9

    async def sleep_until(self, moment: float) -> None:
        """Return at *moment* of the run, at once if it has passed."""
        delay = moment - self.now()
        if delay > 0:
            await asyncio.sleep(delay)

    def _set_origin(self, at: float) -> None:
        ahead_ns = round((at - self._time()) * 1e9)
        self._origin = at
        self._wall_origin_ns = time.time_ns() + ahead_ns
