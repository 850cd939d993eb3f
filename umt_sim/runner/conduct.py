"""Conducts one run: a frozen plan, in one world, to a closed journal."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from umt_sim.errors import ScenarioError, WorldError
from umt_sim.journal.logs import logs_recorded
from umt_sim.journal.recorder import Journal, Recorder
from umt_sim.journal.records import Record
from umt_sim.runner.clock import RunClock
from umt_sim.runner.interruption import held_back
from umt_sim.runner.phases import Progress, Run, perform
from umt_sim.scenario.plan import Plan
from umt_sim.systems.base import System
from umt_sim.worlds.base import World

__all__ = ["conduct"]


def conduct(
    plan: Plan,
    *,
    world: World,
    system: System,
    report: Callable[[Progress], None],
    listener: Callable[[Record], None] | None = None,
    supply: Mapping[str, Any] | None = None,
) -> Journal:
    """
    Carry *plan* out and return what happened.

    A failure of the run itself is written to the journal, where the verdict
    finds it; Ctrl-C ends the run early and keeps what was recorded. So does whatever goes
    wrong once the run is over: nothing that happens while it is undone can lose its journal.

    Args:
        plan: The whole truth of the run.
        world: Supplies services, faults and time; entered here, left on return.
        system: What is tested.
        report: Told once a second of the run how far it has come.
        listener: Told each record of the journal as it is written.
        supply: Who was asked for the world's servers, for the header.

    Returns:
        The journal. Its header holds the plan, seed, world, versions, tape hash
        and ``ended``: ``completed``, ``aborted``, ``interrupted`` or ``failed``; after an
        abort, ``abort`` says which condition came true, when, and what was seen. Where the
        run could not be undone, ``left_behind`` says what is left and what to do.

    Raises:
        ScenarioError: The plan asks for what the system does not offer.
        WorldError: A service is missing, or the world cannot do a fault.
    """
    clock = RunClock()
    recorder = Recorder(clock.now, listener)
    run = Run(plan, world, system.load(), clock, recorder, report)
    supplied = {"supply": supply} if supply is not None else {}
    journal: Journal | None = None
    try:
        with world, logs_recorded(recorder):
            ended = _ended(run)
            # Closed before the world is left: then Python runs what a crashed host left open.
            with held_back():
                journal = recorder.close(_header(run, ended) | supplied)
    except KeyboardInterrupt:
        if journal is None:
            raise
        journal.header["ended"] = "interrupted"
    except Exception as error:
        if journal is None:
            raise
        journal.header["left_behind"] = _sentence(error)
    return journal


def _ended(run: Run) -> str:
    """Carry the run out and say how it ended."""
    try:
        run.world.run(perform(run))
    except KeyboardInterrupt:
        return "interrupted"
    except Exception as error:
        if isinstance(error, (ScenarioError, WorldError)) and not run.is_set_up:
            raise  # nothing has happened yet that a journal could tell of
        run.unhandled("run", _cause(error))
        return "failed"
    return "completed" if run.abort is None else "aborted"


def _cause(error: Exception) -> Exception:
    """The one exception in a task group's bundle, where there is but one."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, WorldError) else f"{type(error).__qualname__}: {error}"


def _header(run: Run, ended: str) -> dict[str, Any]:
    plan, world = run.plan, run.world
    return {
        "scenario": plan.name,
        "seed": plan.seed,
        "world": world.name,
        "ended": ended,
        **({"abort": asdict(run.abort)} if run.abort is not None else {}),
        "tape_hash": world.fingerprint(),
        "plan": plan.as_dict(),
        "versions": {
            "umt-sim": version("umt-sim"),
            "python": platform.python_version(),
            **world.versions(),
        },
    }
