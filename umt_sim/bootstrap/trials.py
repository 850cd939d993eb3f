"""
Trials: one plan, one seed, one world, as plain data that travels between processes.

``trials_of`` makes them from a scenario file, ``run_trial`` carries one out, and
``search.pool.carry_out`` does many at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from umt_sim.analysis import Result
from umt_sim.analysis.reproduction import command_for, reproduction
from umt_sim.analysis.result import where
from umt_sim.bootstrap.running import run_plan
from umt_sim.bootstrap.worlds import Supply
from umt_sim.errors import JournalError, ScenarioError, UmtSimError, WorldError
from umt_sim.expectations.numbers import measured
from umt_sim.expectations.verdicts import ExitCode, Status, Verdict, exit_code
from umt_sim.journal.parquet import save_parquet
from umt_sim.journal.storage import new_folder
from umt_sim.journal.stream import event_stream
from umt_sim.measures.estimates import Estimate
from umt_sim.runner.interruption import held_back
from umt_sim.runner.phases import Progress
from umt_sim.scenario.loader import load, load_frozen
from umt_sim.scenario.plan import Plan, WorldName

__all__ = ["Trial", "TrialResult", "lost_trial", "run_trial", "trials_of"]

_WORTH_SAYING = 1.0
"""Seconds of warm-up that are worth a line of advice."""


@dataclass(frozen=True, slots=True)
class Trial:
    """
    One run to be carried out.

    Attributes:
        plan: The frozen plan, from ``Plan.as_dict``.
        world: Where it runs.
        source: The scenario file, as the user named it.
        overrides: The edits that are in the plan already, for the line that reproduces it.
        runs: Where run folders are kept; ``None`` keeps nothing.
        asked: Names of numbers to measure, in the language of ``expect``.
        draw_passed: Whether a kept run is drawn even if it passed.
        parquet: Whether a kept run has its tables as Parquet files too.
        events: File to which records are appended as JSON lines while they happen.
        supply: Where the live world's servers come from.
    """

    plan: Mapping[str, Any]
    world: WorldName
    source: str
    overrides: tuple[str, ...] = ()
    runs: Path | None = None
    asked: tuple[str, ...] = ()
    draw_passed: bool = True
    parquet: bool = False
    events: Path | None = None
    supply: Supply | None = None

    @property
    def title(self) -> str:
        """Scenario and seed."""
        return f"{self.plan['name']} seed {self.plan['seed']}"


@dataclass(frozen=True, slots=True)
class TrialResult:
    """
    What came of a trial: all that a table or a machine wants to know of it.

    Attributes:
        name: The scenario's name.
        seed: The run's seed.
        world: Where it ran.
        source: The scenario file.
        status: The verdict in a word.
        ended: ``completed``, ``aborted``, ``interrupted``, ``failed``, or ``refused``
            where the run could not begin.
        verdicts: The answer to everything expected.
        numbers: What was asked for, measured.
        versions: What it was run with.
        tape_hash: The same for every run of one plan and seed; ``None`` for a live run.
        folder: Where the run is kept, if it is.
        reproduce: The command that runs the same again, with versions.
        advice: What the scenario could do better, if anything.
        took_wall: Seconds on the clock on the wall.
        code: What the command line returns for it.
        error: Why the run could not be carried out, if so.
    """

    name: str
    seed: int
    world: str
    source: str
    status: Status
    ended: str
    verdicts: tuple[Verdict, ...]
    numbers: Mapping[str, Estimate]
    versions: Mapping[str, str]
    tape_hash: str | None
    folder: Path | None
    reproduce: str
    advice: str
    took_wall: float
    code: ExitCode
    error: str = ""

    @property
    def where(self) -> str:
        """The world in words, with who supplied its servers."""
        return where(self.world, self.versions)


def trials_of(
    path: str,
    *,
    seeds: Sequence[int] | None = None,
    world: WorldName = "sim",
    overrides: Sequence[str] = (),
    runs: Path | None = None,
    asked: Sequence[str] = (),
    supply: Supply | None = None,
) -> list[Trial]:
    """
    A trial for each seed of a scenario file.

    Args:
        path: The scenario file.
        seeds: Instead of the scenario's own.
        world: Where to run it.
        overrides: Edits of the scenario, ``path=value`` each.
        runs: Where run folders are kept; ``None`` keeps nothing.
        asked: Names of numbers to measure.
        supply: Where the live world's servers come from.

    Raises:
        ScenarioError: The file is wrong; carries every problem found.
    """
    wanted = seeds if seeds is not None else load(path, world=world, overrides=overrides).seeds
    plans = [load(path, seed=seed, world=world, overrides=overrides) for seed in wanted]
    return [
        Trial(
            plan.as_dict(),
            world,
            path,
            tuple(overrides),
            runs=runs,
            asked=tuple(asked),
            supply=supply,
        )
        for plan in plans
    ]


def run_trial(trial: Trial, tell: Callable[[Progress], None]) -> TrialResult:
    """
    Carry one trial out.

    A run that cannot be carried out is a result as well: among many it must not end the others.

    Args:
        trial: What to run, and what to keep of it.
        tell: Told how far the run has come, from a thread that lives in real time.
    """
    started = time.perf_counter()
    try:
        plan = load_frozen(trial.plan, world=trial.world)
        result, lacking = _run(trial, plan, tell)
    except UmtSimError as error:
        return _refused(trial, error, time.perf_counter() - started)
    code = ExitCode.FAILED if lacking else exit_code([result.status])
    interrupted = lacking is None or result.journal.header.get("ended") == "interrupted"
    return TrialResult(
        name=result.name,
        seed=result.seed,
        world=result.world,
        source=trial.source,
        status=result.status,
        ended=str(result.journal.header.get("ended")),
        verdicts=result.verdict.verdicts,
        numbers=_numbers(result, trial.asked),
        versions=result.journal.header.get("versions", {}),
        tape_hash=result.tape_hash,
        folder=result.folder,
        reproduce=reproduction(result, trial.source, trial.overrides),
        advice=_advice(result),
        took_wall=time.perf_counter() - started,
        code=ExitCode.INTERRUPTED if interrupted else code,
        error=lacking or "",
    )


def _run(trial: Trial, plan: Plan, tell: Callable[[Progress], None]) -> tuple[Result, str | None]:
    """The run, kept as soon as it is over, and what ``_keep`` says of that."""
    if trial.events is None:
        result = run_plan(plan, progress=tell, supply=trial.supply)
        return result, _keep(result, trial)
    with event_stream(trial.events, f"{plan.name}/{plan.seed}") as stream:
        stream.note("begin", {"world": plan.world, "plan": plan.as_dict()})
        result = run_plan(plan, progress=tell, supply=trial.supply, listener=stream.add)
        lacking = _keep(result, trial)
        stream.note("end", {"ended": result.journal.header["ended"], "status": result.status})
    return result, lacking


def lost_trial(trial: Trial, how: str) -> TrialResult:
    """What came of a trial that crashed, or whose process died; *how* says so."""
    return _nothing(trial, ExitCode.FAILED, how, took_wall=0.0)


def _refused(trial: Trial, error: UmtSimError, took_wall: float) -> TrialResult:
    match error:
        case ScenarioError() | JournalError():
            code = ExitCode.BAD_SCENARIO
        case WorldError():
            code = ExitCode.SERVICES_MISSING
        case _:
            code = ExitCode.FAILED
    kind = "error" if code is not ExitCode.FAILED else type(error).__name__
    return _nothing(trial, code, f"{kind}: {error}", took_wall=took_wall)


def _nothing(trial: Trial, code: ExitCode, error: str, *, took_wall: float) -> TrialResult:
    """The result of a trial that left nothing but an *error*."""
    seed = int(trial.plan["seed"])
    return TrialResult(
        name=str(trial.plan["name"]),
        seed=seed,
        world=trial.world,
        source=trial.source,
        status=Status.ERRORED,
        ended="refused",
        verdicts=(),
        numbers={},
        versions={},
        tape_hash=None,
        folder=None,
        reproduce=command_for(
            trial.source,
            world=trial.world,
            seed=seed,
            overrides=trial.overrides,
            supply=trial.supply.as_dict() if trial.supply and trial.world == "live" else None,
        ),
        advice="",
        took_wall=took_wall,
        code=code,
        error=error,
    )


def _numbers(result: Result, asked: Sequence[str]) -> dict[str, Estimate]:
    try:
        return measured(result.readings, asked)
    except JournalError:
        return {}  # the run ended before anything was measured


def _keep(result: Result, trial: Trial) -> str | None:
    """
    Store the run where that is asked for: why not, if not; ``None`` if it was interrupted.

    An interruption costs the figure and the tables as Parquet files, never the journal.
    """
    if trial.runs is None:
        return ""
    try:
        _store(result, trial, trial.runs)
    except OSError as error:
        result.folder = None
        return f"error: the run is not kept: {error}"
    except KeyboardInterrupt:
        return None
    return ""


def _store(result: Result, trial: Trial, runs: Path) -> None:
    started = datetime.now()  # noqa: DTZ005 - a folder's name, for people
    with held_back():
        folder = new_folder(runs, result.name, result.seed, started)
        result.save(folder, draw=False)
    if trial.draw_passed or not result.passed:
        result.save_figure(folder)
    if trial.parquet:
        save_parquet(result.journal, folder)


def _advice(result: Result) -> str:
    """Says so where more of the beginning should be left out than the scenario does."""
    try:
        advised, left_out = result.advised_warmup, result.readings.run.start
    except JournalError:
        return ""
    if advised is None or advised < left_out + _WORTH_SAYING:
        return ""
    return f"warm-up:   {left_out:g} s are left out; MSER-5 advises {advised:.3g} s"
