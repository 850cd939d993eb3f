"""
The phases of a run. Each takes the run, does one thing, and leaves the rest to the next.

1. ``set_up``: the world starts its services, the system connects, connections settle.
2. ``warm_up``: load runs, nothing is judged yet.
3. ``measure``: load runs, the nemesis performs the timeline.
4. ``heal``: faults that were cut short are ended.
5. ``drain``: no new requests; those under way and the queues come to rest.
6. ``tear_down``: system and services stop, whatever happened before.

Where a condition of the plan's ``abort`` comes true, the load ends there and the run goes
on with ``heal``. What is unanswered after the drain is recorded as such, not dropped.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from umt_sim.expectations.aborting import Abort, first_reached
from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import OperationRecord, PhaseRecord, UnhandledError
from umt_sim.journal.sampling import Traces
from umt_sim.journal.spans import tracer_provider
from umt_sim.runner.clock import RunClock
from umt_sim.runner.nemesis import Nemesis
from umt_sim.scenario.plan import Plan
from umt_sim.systems.base import Setting, Start
from umt_sim.workload.generator import Generator
from umt_sim.worlds.base import World

__all__ = ["Progress", "Run", "perform"]


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a run has come.

    Attributes:
        at: Seconds of the run, negative during set-up.
        total: Seconds until the end of the drain.
        answered: Requests answered until now.
        in_flight: Requests under way.
    """

    at: float
    total: float
    answered: int
    in_flight: int


@dataclass(slots=True)
class Run:
    """What the phases share."""

    plan: Plan
    world: World
    start: Start
    clock: RunClock
    recorder: Recorder
    report: Callable[[Progress], None]
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    generator: Generator | None = None
    nemesis: Nemesis | None = None
    abort: Abort | None = None
    load_over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_set_up(self) -> bool:
        """Whether load and faults can begin, or have begun."""
        return self.nemesis is not None

    async def load_until(self, moment: float) -> None:
        """Let the load run until *moment* of the run, or until the run is aborted."""
        with suppress(TimeoutError):
            async with asyncio.timeout(moment - self.clock.now()):
                await self.load_over.wait()

    def unhandled(self, where: str, error: BaseException) -> None:
        """Write down an exception that nobody else will see."""
        self.recorder.add(
            UnhandledError(
                at=self.clock.now(),
                where=where,
                error=type(error).__qualname__,
                message=str(error),
                traceback="".join(traceback.format_exception(error)),
            )
        )


async def perform(run: Run) -> None:
    """Carry *run* through its phases; whatever happens, tear it down."""
    run.clock.start()
    try:
        await _timed(run, set_up)
        async with asyncio.TaskGroup() as group:
            background = group.create_task(_background(run), name="load and faults")
            for phase in (warm_up, measure, heal, drain):
                await _timed(run, phase)
            if run.generator is not None:
                run.generator.censor()
            background.cancel()
    finally:
        await _timed(run, tear_down)


async def set_up(run: Run) -> None:
    """Start services and system, then let connections come to rest."""
    provider = tracer_provider(
        run.recorder,
        run.clock.to_run_time,
        run.world.stream("tracing/ids"),
        service=run.plan.system,
        traces=_traces(run.plan),
    )
    run.stack.callback(provider.shutdown)  # last of all: until then spans end
    endpoints = await run.world.set_up(run.recorder)
    run.stack.push_async_callback(run.world.tear_down)
    setting = Setting(
        endpoints=endpoints,
        policies=run.plan.policies,
        stream=run.world.stream,
        tracer_provider=provider,
        recorder=run.recorder,
        unhandled=run.unhandled,
        launch=run.world.launch,
        on_restart=run.world.on_restart,
    )
    operations = await run.stack.enter_async_context(run.start(setting))
    run.generator = Generator(
        operations=operations,
        recorder=run.recorder,
        tracer=provider.get_tracer("umt_sim.workload"),
        stream=run.world.stream,
    )
    run.nemesis = Nemesis(
        timeline=run.plan.timeline, world=run.world, clock=run.clock, recorder=run.recorder
    )
    await run.clock.settle()


def _traces(plan: Plan) -> Traces | None:
    """What chooses among the run's traces; ``None`` where all are kept."""
    if plan.spans is None:
        return None
    faults = [Window(fault.name, fault.at, fault.until) for fault in plan.timeline.faults]
    return Traces(plan.spans, faults)


async def warm_up(run: Run) -> None:
    """Let the load run; measures leave this stretch out."""
    await run.load_until(run.plan.clock.warmup)


async def measure(run: Run) -> None:
    """Let load and faults run to the end of the plan."""
    await run.load_until(run.plan.clock.duration)


async def heal(run: Run) -> None:
    """End faults that are still active."""
    if run.nemesis is not None:
        await run.nemesis.heal()


async def drain(run: Run) -> None:
    """Send nothing more and let everything come to rest."""
    ended = run.plan.clock.duration if run.abort is None else run.abort.at
    await run.clock.sleep_until(ended + run.plan.clock.drain)


async def tear_down(run: Run) -> None:
    """End what is still active, then stop system and services."""
    async with run.stack:
        if run.nemesis is not None:
            await run.nemesis.heal()


async def _background(run: Run) -> None:
    """Load, faults and progress; cancelled when the drain is over."""
    if run.generator is None or run.nemesis is None:
        raise AssertionError("set_up comes first")
    async with asyncio.TaskGroup() as group:
        for load in run.plan.workload:
            group.create_task(
                run.generator.drive(load, run.plan.clock.duration, group), name=f"load {load.name}"
            )
        group.create_task(run.nemesis.perform(), name="nemesis")
        group.create_task(_look_on(run, run.generator), name="progress")


async def _look_on(run: Run, generator: Generator) -> None:
    """Once a second of the run, say how far it has come, and end it if it is to be aborted."""
    total = run.plan.clock.duration + run.plan.clock.drain
    answered = run.recorder.so_far(OperationRecord)
    while True:
        now = run.clock.now()
        run.report(Progress(now, total, len(answered), generator.in_flight))
        if run.abort is None and now < run.plan.clock.duration:
            _abort_if_reached(run, generator, now)
        await asyncio.sleep(1.0)


def _abort_if_reached(run: Run, generator: Generator, now: float) -> None:
    """End the load if a condition of the plan's ``abort`` is true."""
    run.abort = first_reached(run.plan.abort, run.recorder, generator.unanswered(), now)
    if run.abort is not None:
        generator.stop()
        run.load_over.set()


async def _timed(run: Run, phase: Callable[[Run], Awaitable[None]]) -> None:
    """Carry out one phase and write down when it began and ended."""
    started = run.clock.now()
    try:
        await phase(run)
    finally:
        run.recorder.add(PhaseRecord(phase.__name__, started, run.clock.now()))
