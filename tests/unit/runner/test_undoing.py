"""Whatever goes wrong while a run is undone, what it recorded is kept."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import pytest

from umt_sim.analysis import Result
from umt_sim.bootstrap import running
from umt_sim.bootstrap.trials import TrialResult, run_trial, trials_of
from umt_sim.errors import ToxiproxyError, WorldError, WorldUnavailable
from umt_sim.expectations.verdicts import ExitCode, Status
from umt_sim.journal.records import OperationRecord
from umt_sim.runner.interruption import held_back
from umt_sim.systems.base import Setting
from umt_sim.workload.operations import Arrival, Operations
from umt_sim.worlds.base import Touched
from umt_sim.worlds.sim import SimWorld

SCENARIO = """\
version: 1
name: sticky
clock: {duration: 20s, drain: 1s}
system: tests.unit.runner.test_undoing:idle
services:
  api: {kind: http, app: llm}
workload:
  - {name: look, arrivals: {model: closed, users: 2, think: 1s}}
faults:
  early: {at: 2s, for: 1s, target: api, down: true}
  late: {at: 5s, for: 10s, target: api, toxic: {type: latency, latency: 1s}}
expect:
  - error_rate(look) < 5%
"""
SENTENCE = "could not undo everything; try `umt-sim doctor --clean`"


@asynccontextmanager
async def idle(setting: Setting) -> AsyncIterator[Operations]:
    """A system that answers at once."""

    async def look(arrival: Arrival) -> None: ...

    yield Operations({"look": look})


class Sticky(SimWorld):
    """A world whose end goes wrong."""

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        raise WorldError(SENTENCE)


class Deaf(SimWorld):
    """A world in which the second fault cannot be taken back."""

    async def end(self, fault: str) -> Touched:
        touched = await super().end(fault)
        if fault == "late":
            raise ToxiproxyError("Toxiproxy did not answer within 30 s")
        return touched


class Stubborn(SimWorld):
    """A world whose servers do not stop."""

    async def tear_down(self) -> None:
        await super().tear_down()
        raise WorldError("the server does not stop")


class Impatient(SimWorld):
    """A world that somebody leaves by Ctrl-C."""

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        signal.raise_signal(signal.SIGINT)


class Absent(SimWorld):
    """A world that cannot be had."""

    def __enter__(self) -> Self:
        raise WorldUnavailable("api", "not here", remedy="get it")


Ran = Callable[[type[SimWorld]], TrialResult]


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Runs the scenario in a world of some kind, and keeps it."""

    def run(kind: type[SimWorld]) -> TrialResult:
        monkeypatch.setattr(
            running, "open_world", lambda services, *, seed, **_: kind(services, seed=seed)
        )
        path = tmp_path / "sticky.yaml"
        path.write_text(SCENARIO)
        (trial,) = trials_of(str(path), runs=tmp_path / "runs")
        return run_trial(trial, lambda _: None)

    return run


def answered(result: TrialResult) -> int:
    """How many requests the stored journal tells of."""
    assert result.folder is not None
    return len(Result.load(result.folder).journal.of(OperationRecord))


def test_a_run_that_cannot_be_undone_keeps_its_journal_and_says_what_to_do(ran: Ran) -> None:
    """It ended as it ended; that something is left is an error of its own."""
    result = ran(Sticky)
    assert ("completed", ExitCode.FAILED) == (result.ended, result.code)
    assert 38 == answered(result)
    verdicts = {verdict.name: verdict for verdict in result.verdicts}
    assert Status.PASSED is verdicts["error_rate(look) < 5%"].status
    assert (Status.ERRORED, SENTENCE) == (
        verdicts["clean-up"].status,
        verdicts["clean-up"].evidence,
    )


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Deaf, "ToxiproxyError: Toxiproxy did not answer within 30 s"),
        (Stubborn, "WorldError: the server does not stop"),
    ],
)
def test_what_fails_once_the_load_has_begun_is_a_failed_run_with_a_journal(
    ran: Ran, kind: type[SimWorld], sentence: str
) -> None:
    """Only a world that is missing from the start leaves nothing to tell of."""
    result = ran(kind)
    assert ("failed", ExitCode.FAILED) == (result.ended, result.code)
    assert answered(result) > 0
    (run,) = [verdict for verdict in result.verdicts if verdict.name == "run"]
    assert f"the run itself failed: {sentence}" == run.evidence


def test_servers_are_stopped_where_a_fault_cannot_be_ended(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step that fails does not spare the others."""
    stopped: list[str] = []
    tear_down = SimWorld.tear_down

    async def noted(world: SimWorld) -> None:
        await tear_down(world)
        stopped.append(world.name)

    monkeypatch.setattr(SimWorld, "tear_down", noted)
    ran(Deaf)
    assert ["sim"] == stopped


def test_a_world_that_is_not_there_is_still_refused(ran: Ran) -> None:
    """Nothing has happened, so there is nothing to keep."""
    result = ran(Absent)
    assert ("refused", ExitCode.SERVICES_MISSING, None) == (
        result.ended,
        result.code,
        result.folder,
    )


def test_ctrl_c_while_a_run_is_undone_keeps_its_journal(ran: Ran) -> None:
    """The clean-up is cut short, the record is not."""
    result = ran(Impatient)
    assert ("interrupted", ExitCode.INTERRUPTED) == (result.ended, result.code)
    assert 38 == answered(result)


def test_ctrl_c_while_a_journal_is_written_costs_the_figure_only(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal is written whole or not begun."""
    save = Result.save

    def saved(result: Result, folder: Path, *, draw: bool = True) -> None:
        signal.raise_signal(signal.SIGINT)
        save(result, folder, draw=draw)

    monkeypatch.setattr(Result, "save", saved)
    result = ran(SimWorld)
    assert ("completed", ExitCode.INTERRUPTED) == (result.ended, result.code)
    assert 38 == answered(result)
    assert result.folder is not None
    assert not (result.folder / "figure.png").exists()


def test_an_interruption_that_was_held_back_comes_afterwards() -> None:
    """Once, however often it was asked for; and the handler is the old one."""
    done: list[str] = []
    before = signal.getsignal(signal.SIGINT)

    def write() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert ["all of it"] == done
    assert before is signal.getsignal(signal.SIGINT)


def test_nothing_is_held_back_in_other_threads() -> None:
    """Signals are none of their business."""

    def inside() -> str:
        with held_back():
            return "done"

    assert "done" == asyncio.run(asyncio.to_thread(inside))
