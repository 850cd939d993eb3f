"""Performs a fault timeline against a world and records what each fault met."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from umt_sim.faults.timeline import Fault, Timeline
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import FaultRecord
from umt_sim.runner.clock import RunClock
from umt_sim.worlds.base import World

__all__ = ["Nemesis"]


class Nemesis:
    """
    Begins and ends faults on time.

    ``heal`` ends the performance: a fault still active is ended, one still to come
    never begins. So none outlives the run.

    Args:
        timeline: What to do, and when.
        world: Does it.
        clock: The time of the run.
        recorder: Where faults are written.
    """

    def __init__(
        self, *, timeline: Timeline, world: World, clock: RunClock, recorder: Recorder
    ) -> None:
        self._timeline = timeline
        self._world = world
        self._clock = clock
        self._recorder = recorder
        self._begun: dict[str, tuple[Fault, float]] = {}
        self._healed = False

    async def perform(self) -> None:
        """Perform the whole timeline, overlapping faults side by side."""
        async with asyncio.TaskGroup() as group:
            for fault in self._timeline.faults:
                group.create_task(self._perform(fault), name=f"fault {fault.name}")

    async def heal(self) -> None:
        """End whatever is active, latest first, and let nothing more begin."""
        self._healed = True
        async with AsyncExitStack() as stack:  # goes on to the next where one cannot be ended
            for name in self._begun:
                stack.push_async_callback(self._end, name)

    async def _perform(self, fault: Fault) -> None:
        await self._clock.sleep_until(fault.at)
        if self._healed:
            return
        self._begun[fault.name] = (fault, self._clock.now())
        await self._world.begin(fault.name, fault.action)
        await self._clock.sleep_until(fault.at + fault.duration)
        await self._end(fault.name)

    async def _end(self, name: str) -> None:
        """End a fault, unless somebody does already."""
        if name not in self._begun:
            return
        fault, started = self._begun.pop(name)
        ended = self._clock.now()
        touched = await self._world.end(name)
        self._recorder.add(
            FaultRecord(
                name=name,
                kind=fault.action.kind,
                target=fault.action.target,
                started=started,
                ended=ended,
                bytes_touched=touched.bytes,
                connections_touched=touched.connections,
            )
        )
