"""The undo log: written first, replayed for whoever was killed, harmless to everybody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from umt_sim.errors import WorldError, WorldUnavailable
from umt_sim.worlds.live.ledger import Ledger, ledgers, replay
from umt_sim.worlds.live.processes import Process, end, inhabitants
from umt_sim.worlds.live.undo import EndProcess, RemoveFolder


def _abandoned(*steps: EndProcess | RemoveFolder) -> Ledger:
    """A ledger as its killed owner leaves it."""
    ledger = Ledger.new()
    for step in steps:
        ledger.note(step)
    ledger.leave()
    return ledger


def _sleeper(cwd: Path | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    return subprocess.Popen(command, cwd=cwd, start_new_session=True)


def test_a_step_is_in_the_file_before_its_change(ledger: Ledger, tmp_path: Path) -> None:
    """Whoever is killed between the two leaves a step that has nothing to do."""
    ledger.note(RemoveFolder(str(tmp_path / "made")))
    entries = [json.loads(line) for line in ledger.path.read_text().splitlines()]
    assert [{"number": 0, "kind": "folder", "path": str(tmp_path / "made")}] == entries


def test_what_is_settled_is_not_done_again(tmp_path: Path) -> None:
    """A crossed-out step stays crossed out for the next reader."""
    folder = tmp_path / "made"
    ledger = Ledger.new()
    number = ledger.note(RemoveFolder(str(folder)))
    folder.mkdir()
    ledger.settle(number)
    ledger.leave()
    folder.mkdir()
    assert [] == replay()
    assert folder.is_dir()


def test_steps_are_undone_latest_first_and_the_file_goes(tmp_path: Path, state: Path) -> None:
    """Leaving a ledger leaves nothing."""
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    with Ledger.new() as ledger:
        ledger.note(RemoveFolder(str(outer)))
        ledger.note(RemoveFolder(str(inner)))
        inner.mkdir(parents=True)
    assert not outer.exists()
    assert [] == list(state.iterdir())


def test_a_killed_owner_s_steps_are_replayed(tmp_path: Path, state: Path) -> None:
    """Its process ends, its folder goes, its ledger with them."""
    folder = tmp_path / "made"
    folder.mkdir()
    sleeper = _sleeper()
    process = Process.of(sleeper.pid)
    assert process is not None
    _abandoned(RemoveFolder(str(folder)), EndProcess(process.pid, process.started, 15))
    assert [f"end process {sleeper.pid}", f"remove folder {folder}"] == replay()
    assert -15 == sleeper.wait(5)
    assert not folder.exists()
    assert [] == list(state.iterdir())


def test_a_living_owner_is_left_alone(ledger: Ledger, tmp_path: Path) -> None:
    """Its ledger is locked; two runs side by side do not undo each other."""
    ledger.note(RemoveFolder(str(tmp_path / "made")))
    (tmp_path / "made").mkdir()
    assert [] == replay()
    assert (tmp_path / "made").is_dir()


def test_a_process_id_that_was_given_again_is_not_ended() -> None:
    """A process is known by its start as well."""
    sleeper = _sleeper()
    _abandoned(EndProcess(sleeper.pid, "another time", 9))
    replay()
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


def test_a_line_cut_off_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    """What it announced did not happen yet; the lines before it count."""
    (tmp_path / "made").mkdir()
    ledger = _abandoned(RemoveFolder(str(tmp_path / "made")))
    with ledger.path.open("a") as file:
        file.write('{"number": 1, "kind": "proc')
    assert 1 == len(replay())
    assert not (tmp_path / "made").exists()


def test_standing_servers_are_not_swept(tmp_path: Path) -> None:
    """They were asked to stay; only ``down`` undoes them."""
    (tmp_path / "made").mkdir()
    ledger = Ledger.new(standing=True)
    ledger.note(RemoveFolder(str(tmp_path / "made")))
    ledger.leave()
    assert [] == replay()
    (standing,) = ledgers(standing=True)
    standing.undo()
    assert not (tmp_path / "made").exists()


def test_a_folder_is_removed_with_whoever_works_in_it(tmp_path: Path) -> None:
    """A process that nobody wrote down is found by its working folder."""
    folder = tmp_path / "made"
    folder.mkdir()
    sleeper = _sleeper(cwd=folder)
    assert [sleeper.pid] == [process.pid for process in inhabitants(folder)]
    RemoveFolder(str(folder)).undo()
    assert -9 == sleeper.wait(5)
    assert not folder.exists()


def test_a_frozen_process_hears_its_signal() -> None:
    """It is let go, so that it can end in good order."""
    sleeper = _sleeper()
    process = Process.of(sleeper.pid)
    assert process is not None
    process.send(19)
    end(process, 15)
    assert -15 == sleeper.wait(5)
    assert not process.alive


def test_what_cannot_be_undone_stays_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what is left and how to try again."""
    (tmp_path / "made").mkdir()
    ledger = Ledger.new()
    ledger.note(RemoveFolder(str(tmp_path / "made")))

    def fails(_: RemoveFolder) -> None:
        raise OSError("no way")

    with monkeypatch.context() as patch:
        patch.setattr(RemoveFolder, "undo", fails)
        with pytest.raises(WorldError) as caught:
            ledger.undo()
    assert "doctor --clean" in str(caught.value)
    assert f"remove folder {tmp_path / 'made'}: no way" in str(caught.value)
    assert 1 == len(replay())


def test_no_step_is_taken_that_cannot_be_written_down(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: said with its remedy, and what was done before is undone all the same."""
    made = tmp_path / "made"
    ledger.note(RemoveFolder(str(made)))
    made.mkdir()
    monkeypatch.setattr(os, "write", lambda *_: 3)
    with pytest.raises(WorldUnavailable, match=r"cannot be written to .*No space left.*UMT_SIM_ST"):
        ledger.note(RemoveFolder(str(tmp_path / "more")))
    ledger.undo()
    assert not made.exists()
    assert not ledger.path.exists()


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_folder_for_ledgers_that_is_none(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which folder, why not, and the setting for another one."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("UMT_SIM_STATE", str(tmp_path / folder))
    with pytest.raises(WorldUnavailable, match=rf"written to {tmp_path}/{folder} \(.*or set UMT_S"):
        replay()


@pytest.mark.parametrize(
    "line", ['{"number": 0, "kind": "flying"}', "[1]", '{"number": 0, "kind": "folder", "x": 1}']
)
def test_a_ledger_of_another_version_is_left_alone(line: str, state: Path) -> None:
    """Nobody can know what it undoes; the file and its line are named."""
    state.mkdir()
    (state / "1-aa.jsonl").write_text(line + "\n")
    with pytest.raises(WorldError, match=r"1-aa.jsonl has a line that this version cannot read"):
        replay()
    assert (state / "1-aa.jsonl").exists()


def test_ctrl_c_while_undoing_leaves_no_process(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes time is left for whoever comes next; what runs is killed on the spot."""

    def interrupted(_: RemoveFolder) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "made"
    sleeper = _sleeper()
    process = Process.of(sleeper.pid)
    assert process is not None
    ledger = Ledger.new()
    ledger.note(EndProcess(process.pid, process.started, 15))
    ledger.note(RemoveFolder(str(folder)))
    folder.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(RemoveFolder, "undo", interrupted)
        with pytest.raises(KeyboardInterrupt), ledger:
            pass
    assert -9 == sleeper.wait(10)
    assert [f"remove folder {folder}", f"end process {process.pid}"] == replay()
    assert not folder.exists()
    assert [] == list(state.iterdir())


def test_a_refusal_is_said_even_where_undoing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why the run did not begin comes first, then what is left of it."""

    def failing(_: RemoveFolder) -> None:
        raise OSError("busy")

    monkeypatch.setattr(RemoveFolder, "undo", failing)
    ledger = Ledger.new()
    ledger.note(RemoveFolder(str(tmp_path / "made")))
    with (
        pytest.raises(WorldError, match=r"(?s)redis: not here; get it.*could not undo.*busy"),
        ledger,
    ):
        raise WorldUnavailable("redis", "not here", remedy="get it")
