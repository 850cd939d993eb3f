"""From a scenario file to a result."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from umt_sim.analysis import Result
from umt_sim.bootstrap.worlds import Supply, open_world
from umt_sim.faults.actions import Crash, Kill
from umt_sim.journal.records import FaultRecord, Record
from umt_sim.runner.conduct import conduct
from umt_sim.runner.onlooker import Onlooker
from umt_sim.runner.phases import Progress
from umt_sim.scenario.loader import load
from umt_sim.scenario.plan import Plan, WorldName
from umt_sim.systems.finder import find_system

__all__ = ["run", "run_plan"]


def run(
    path: str | Path,
    *,
    seed: int | None = None,
    world: WorldName = "sim",
    overrides: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
    folder: str | Path | None = None,
    supply: Supply | None = None,
) -> Result:
    """
    Run a scenario file and return what happened.

    Args:
        path: The scenario file.
        seed: Instead of the scenario's own.
        world: Where to run it.
        overrides: Edits of the scenario, ``path=value`` each, as for ``umt-sim run --set``.
        progress: Told how far the run has come, from a thread that lives in real time.
        folder: Where to store journal and figure; nothing is stored when left out.
        supply: Where the live world's servers come from.

    Raises:
        ScenarioError: The file is wrong; carries every problem found.
        WorldError: A service is missing, or the world cannot do a fault.
    """
    plan = load(path, seed=seed, world=world, overrides=overrides)
    result = run_plan(plan, progress=progress, supply=supply)
    if folder is not None:
        result.save(folder)
    return result


def run_plan(
    plan: Plan,
    *,
    progress: Callable[[Progress], None] | None = None,
    supply: Supply | None = None,
    listener: Callable[[Record], None] | None = None,
) -> Result:
    """
    Run a frozen plan.

    Args:
        plan: The whole truth of the run.
        progress: Told how far the run has come, from a thread that lives in real time.
        supply: Where the live world's servers come from.
        listener: Told each record of the journal as it is written.

    Raises:
        WorldError: A service is missing, or the world cannot do a fault.
    """
    with Onlooker(progress or _silent) as onlooker:
        journal = conduct(
            plan,
            world=open_world(
                tuple(plan.services.values()),
                seed=plan.seed,
                world=plan.world,
                faults=plan.timeline.faults,
                supply=supply,
            ),
            system=find_system(plan.system),
            report=onlooker.report,
            listener=listener,
            supply=(supply or Supply()).as_dict() if plan.world == "live" else None,
        )
    if any(fault.kind in (Crash.kind, Kill.kind) for fault in journal.of(FaultRecord)):
        _free_the_dead()
    return Result(journal)


def _free_the_dead() -> None:
    """
    Free what crashed hosts held, now that nothing of the run refers to it.

    They closed nothing, as a machine without power does not; Python would warn of each
    connection and coroutine at some later moment, as if it were the caller's fault.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def _silent(_: Progress) -> None:
    """Nobody wants to know."""
