"""
What has to happen every so many turns of the loop, at no cost in between.

A turn is one iteration of asyncio's loop or one generation of SimPy's events.
Counting turns, not seconds, keeps it the same in every run.
"""

from __future__ import annotations

import gc
from collections import Counter
from typing import TYPE_CHECKING

from umt_sim.errors import Livelock
from umt_sim.kernel.handles import describe_handle
from umt_sim.kernel.sources import describe_process

if TYPE_CHECKING:
    from umt_sim.kernel.loop import SimLoop

__all__ = ["Housekeeping"]

_STRIDE = 1000  # turns between two looks; bounds how late a livelock or an interrupt is noticed
_OBSERVED = 200  # turns watched to name the busiest once the limit is reached
_YOUNG = 10  # collect young garbage every so many strides
_ALL = 200  # and everything every so many


class Housekeeping:
    """
    Looks for livelocks and interrupts, and collects garbage.

    Python's own collector runs after so many allocations, which differ from
    run to run; finalisers would then run, and close things, at differing moments.

    Args:
        loop: Whose turns are counted.
        livelock_limit: Turns that one instant may take.
        collects: Whether garbage is collected here (then Python's own collector is off).
    """

    def __init__(self, loop: SimLoop, *, livelock_limit: int, collects: bool) -> None:
        self.collects = collects
        self.interrupted = False
        self.limit = livelock_limit
        self._loop = loop
        self._stride = min(_STRIDE, livelock_limit)
        self._instant = -1.0
        self._turns_at_instant = 0
        self._strides = 0
        self._busy: Counter[str] = Counter()

    def __call__(self) -> int:
        """
        Do what is due; the number of turns until the next call.

        Raises:
            KeyboardInterrupt: The user asked to stop.
            Livelock: The instant did not end within the limit.
        """
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        if self.collects:
            self._collect()
        return self._look_for_livelock()

    def _collect(self) -> None:
        self._strides += 1
        if self._strides % _ALL == 0:
            gc.collect()
        elif self._strides % _YOUNG == 0:
            gc.collect(1)

    def _look_for_livelock(self) -> int:
        now = self._loop.env.now
        if self._turns_at_instant >= self.limit:
            return self._observe(now)
        if now != self._instant:
            self._instant, self._turns_at_instant = now, 0
        self._turns_at_instant += self._stride
        return self._stride

    def _observe(self, now: float) -> int:
        """Over the limit: watch a little longer to tell who is so busy, then raise."""
        inspections = self._loop.inspections
        if self._count_steps not in inspections:
            inspections.append(self._count_steps)
            return _OBSERVED
        inspections.remove(self._count_steps)
        busy, self._busy = self._busy, Counter()
        busy.update(map(describe_process, self._loop.env.scheduled_now()))
        turns, self._turns_at_instant = self._turns_at_instant, 0
        if now != self._instant:
            return self._stride
        raise Livelock(now, turns, [name for name, _ in busy.most_common(3)])

    def _count_steps(self) -> None:
        for handle in self._loop._ready:
            self._busy[" ".join(describe_handle(handle))] += 1
