"""Faults begin and end on time, and none outlives the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from umt_sim.faults.actions import Action, Down
from umt_sim.faults.timeline import Fault, Timeline
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import FaultRecord
from umt_sim.kernel import Kernel
from umt_sim.runner.clock import RunClock
from umt_sim.runner.nemesis import Nemesis
from umt_sim.worlds.base import Touched


class Notebook:
    """A world that only writes down what is asked of it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.asked: list[tuple[float, str, str]] = []

    async def begin(self, fault: str, action: Action) -> None:
        self.asked.append((self.now(), "begin", fault))

    async def end(self, fault: str) -> Touched:
        self.asked.append((self.now(), "end", fault))
        return Touched(bytes=7, connections=2)


def performed(
    *faults: Fault, script: Callable[[Nemesis], Coroutine[Any, Any, None]]
) -> tuple[list[tuple[float, str, str]], list[FaultRecord]]:
    """What a world was asked, and the records, after *script* in virtual time."""

    async def main() -> tuple[list[tuple[float, str, str]], list[FaultRecord]]:
        clock = RunClock()
        clock.start()
        await clock.settle()
        recorder, world = Recorder(clock.now), Notebook(clock.now)
        timeline = Timeline(faults, total=100.0)
        await script(Nemesis(timeline=timeline, world=world, clock=clock, recorder=recorder))
        return world.asked, list(recorder.so_far(FaultRecord))

    with Kernel(seed=1) as kernel:
        return kernel.run(main())


OUTAGE = Fault("outage", 10.0, 5.0, Down(target="postgres"))
FLAP = Fault("flap", 12.0, 1.0, Down(target="redis"))


def test_faults_begin_and_end_on_time_side_by_side() -> None:
    """Overlapping faults keep their own times."""
    asked, _ = performed(OUTAGE, FLAP, script=lambda nemesis: nemesis.perform())
    assert [
        (10.0, "begin", "outage"),
        (12.0, "begin", "flap"),
        (13.0, "end", "flap"),
        (15.0, "end", "outage"),
    ] == asked


def test_a_fault_is_recorded_with_what_it_met() -> None:
    """Name, kind, target, times and what was touched are in the journal."""
    _, (record,) = performed(OUTAGE, script=lambda nemesis: nemesis.perform())
    assert FaultRecord("outage", "down", "postgres", 10.0, 15.0, 7, 2) == record


def test_healing_ends_what_was_cut_short() -> None:
    """A performance that is cancelled in mid-fault leaves nothing broken behind."""

    async def interrupted(nemesis: Nemesis) -> None:
        task = asyncio.create_task(nemesis.perform())
        await asyncio.sleep(12.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await nemesis.heal()

    asked, records = performed(OUTAGE, FLAP, script=interrupted)
    assert [(12.5, "end", "flap"), (12.5, "end", "outage")] == asked[-2:]
    assert [12.5, 12.5] == [record.ended for record in records]
