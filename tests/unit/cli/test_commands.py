"""The command line prints what people need and returns the codes that scripts need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.fakes.journals import brownout, fault, journal, steady
from umt_sim import analysis, bootstrap
from umt_sim.bootstrap import trials
from umt_sim.cli import borders
from umt_sim.cli.app import _COMMANDS, app
from umt_sim.errors import Nondeterminism, Stalled, WorldUnavailable
from umt_sim.expectations.verdicts import ExitCode
from umt_sim.runner.phases import Progress

SCENARIO = """\
version: 1
name: slow-database
description: A database that answers late
seed: 7
clock: {duration: 100s}
system: tests.unit.cli.test_commands:nothing
services:
  db: {kind: postgres}
workload:
  - {name: ask, arrivals: {model: open, rate: 10/s}}
faults:
  slow: {at: 40s, for: 20s, target: db, toxic: {type: latency, latency: 1s}}
expect:
  - latency(ask).p95 < 500ms during baseline
invariants: [no_unhandled_errors]
"""


def nothing(setting: Any) -> None:
    """A system that is named by the scenario and never started."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one scenario in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(SCENARIO)
    return tmp_path


def cli(*words: str) -> Result:
    """Run ``umt-sim`` with these words."""
    return CliRunner().invoke(app, words, prog_name="umt-sim")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand in for the runner: a run leaves a journal made by hand, as these settings say."""
    settings: dict[str, Any] = {"latency": 0.1, "header": {}, "plans": [], "raises": None}

    def run_plan(plan: Any, *, progress: Any, supply: Any) -> analysis.Result:
        settings["plans"].append(plan)
        if settings["raises"] is not None:
            raise settings["raises"]
        progress(Progress(at=50.0, total=100.0, answered=400, in_flight=3))
        header = {"plan": plan.as_dict(), "tape_hash": "c0ffee", "versions": {"umt-sim": "0.1.0"}}
        records = [*steady(0.0, 100.0, latency=settings["latency"]), fault("slow", 40, 60)]
        made = journal(*records, **header | {"ended": "completed"} | settings["header"])
        made.header.update(scenario=plan.name, seed=plan.seed, world=plan.world)
        return analysis.Result(made)

    monkeypatch.setattr(trials, "run_plan", run_plan)
    return settings


def test_help_lists_every_command_without_importing_any() -> None:
    """The list is known; a command's own help comes from its module."""
    found = cli("--help")
    assert found.exit_code == 0
    for name, line in _COMMANDS.items():
        assert f"{name} " in found.output
        assert line[:30] in found.output
        assert cli(name, "--help").exit_code == 0


def test_help_does_not_wait_for_the_library() -> None:
    """Neither numpy nor pydantic nor matplotlib is imported for a help text."""
    code = (
        "import sys\n"
        "from umt_sim.cli.app import app\n"
        "app(['--help'], standalone_mode=False)\n"
        "heavy = {'numpy', 'pandas', 'pydantic', 'matplotlib', 'rich', 'asyncpg'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("[]\n")


def test_exit_codes_are_those_of_the_verdicts() -> None:
    """They are written twice, for the sake of a fast help, and are the same."""
    assert (borders.FAILED, borders.BAD_SCENARIO) == (ExitCode.FAILED, ExitCode.BAD_SCENARIO)
    assert (borders.SERVICES_MISSING, borders.INTERRUPTED) == (
        ExitCode.SERVICES_MISSING,
        ExitCode.INTERRUPTED,
    )


def test_a_run_that_passes_prints_its_evidence(folder: Path, runs: dict[str, Any]) -> None:
    """Verdict, expectations with numbers, tape, and where journal and figure lie."""
    found = cli("run", "s.yaml")
    assert found.exit_code == 0
    assert "✓ PASSED  slow-database  sim world, seed 7" in found.stdout
    assert "latency(ask).p95 < 500ms during baseline" in found.stdout
    assert "100 ms" in found.stdout
    assert "400" in found.stdout
    assert "tape:      c0ffee" in found.stdout
    assert "reproduce:" not in found.stdout
    (kept,) = folder.glob("runs/slow-database/*-7")
    assert f"journal:   {kept.relative_to(folder)}" in found.stdout
    assert (kept / "figure.png").exists()
    assert "slow-database seed 7: 50 %, 400 answered" in found.stderr


def test_a_run_that_fails_prints_the_line_that_reproduces_it(
    folder: Path, runs: dict[str, Any]
) -> None:
    """With seed, world, edits and versions."""
    runs["latency"] = 0.9
    found = cli("run", "s.yaml", "--set", "clock.drain=5s", "--no-save", "-q")
    assert found.exit_code == 1
    assert (
        "reproduce: umt-sim run s.yaml --world sim --seed 7 --set clock.drain=5s"
        "  # umt-sim 0.1.0" in found.stdout
    )
    assert found.stderr == ""
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("header", "code"),
    [({"ended": "interrupted"}, 130), ({"ended": "failed"}, 1), ({"plan": {}}, 4)],
)
def test_other_endings_have_codes_of_their_own(
    folder: Path, runs: dict[str, Any], header: dict[str, Any], code: int
) -> None:
    """Interrupted 130, failed in itself 1, nothing expected 4."""
    runs["header"] = header
    assert code == cli("run", "s.yaml", "-q", "--no-save").exit_code


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            WorldUnavailable("postgres", "no PostgreSQL was found", remedy="install it"),
            3,
            "error: postgres: no PostgreSQL was found; install it",
        ),
        (Stalled(3.5, ["agent waits for a reply"]), 1, "Stalled: stalled at 3.5 s of virtual time"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_are_messages_not_tracebacks(
    folder: Path, runs: dict[str, Any], error: BaseException, code: int, message: str
) -> None:
    """With the code that says whose business it is."""
    runs["raises"] = error
    found = cli("run", "s.yaml", "-q")
    assert code == found.exit_code
    assert message in found.stderr
    assert "Traceback" not in found.output


def test_json_is_for_machines(folder: Path, runs: dict[str, Any]) -> None:
    """Nothing else is printed to standard output."""
    found = cli("run", "s.yaml", "--json", "--no-save")
    plain = json.loads(found.stdout)
    assert (plain["status"], plain["seed"], plain["tape_hash"]) == ("passed", 7, "c0ffee")
    assert plain["verdicts"][0]["estimate"]["n"] == 400


@pytest.mark.parametrize("option", ["--junit", "--html", "--events", "--runs"])
def test_where_nothing_can_be_written_nothing_is_run(
    folder: Path, runs: dict[str, Any], option: str
) -> None:
    """Minutes of a run are not spent before the path is found to be wrong."""
    found = cli("run", "s.yaml", option, "s.yaml/below/x")
    assert (2, []) == (found.exit_code, runs["plans"])
    assert f"{option} s.yaml/below/x: Not a directory" in found.stderr


def test_events_go_to_a_device_that_stays(folder: Path, runs: dict[str, Any]) -> None:
    """The file of events is emptied, never removed: it may be a link."""
    (folder / "real").write_text("old")
    (folder / "link").symlink_to(folder / "real")
    cli("run", "s.yaml", "--no-save", "--events", "link")
    assert (folder / "link").is_symlink()
    assert "old" not in (folder / "real").read_text()


@pytest.mark.parametrize(
    ("error", "code"), [(OSError(28, "No space left on device"), 1), (KeyboardInterrupt(), 130)]
)
def test_a_verdict_survives_a_run_that_cannot_be_kept(
    folder: Path, runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
    error: BaseException, code: int,
) -> None:  # fmt: skip
    """A full disk, or Ctrl-C while the figure is drawn, takes nothing back."""

    def save(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(analysis.Result, "save", save)
    found = cli("run", "s.yaml", "-q")
    assert (code, True) == (found.exit_code, "✓ PASSED" in found.output)


def test_several_seeds_are_several_runs(folder: Path, runs: dict[str, Any]) -> None:
    """Each expectation is summed up over them."""
    found = cli("run", "s.yaml", "--set", "seed=", "--set", "seeds=1..3", "--no-save", "-q")
    assert [1, 2, 3] == [plan.seed for plan in runs["plans"]]
    assert "over 3 seeds" in found.stdout
    assert "3 of 3" in found.stdout
    assert found.exit_code == 0


def test_determinism_is_checked_before_the_run(
    folder: Path, runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal paths are reported and the run follows."""
    monkeypatch.setattr(bootstrap, "check_determinism", lambda plan: f"tape of {plan.seed}")
    found = cli("run", "s.yaml", "--check-determinism", "--no-save", "-q")
    assert (
        found.stderr == "slow-database seed 7: two processes took the same path, tape tape of 7\n"
    )
    assert (found.exit_code, len(runs["plans"])) == (0, 1)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Nondeterminism(3, 1.5, "a", "b"), "two runs of one seed differ from entry 3 of the tape"),
        (RuntimeError("the run with PYTHONHASHSEED=1 failed:\nboom"), "Error: the run with PYTHON"),
    ],
)
def test_a_run_that_differs_from_itself_is_not_judged(
    folder: Path,
    runs: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    message: str,
) -> None:
    """The difference is the message, and nothing is run after it."""

    def check(plan: Any) -> str:
        raise error

    monkeypatch.setattr(bootstrap, "check_determinism", check)
    found = cli("run", "s.yaml", "--check-determinism", "--no-save", "-q")
    assert found.exit_code == 1
    assert message in found.stderr
    assert runs["plans"] == []


def test_validate_says_ok_or_everything_that_is_wrong(folder: Path) -> None:
    """Over all files; exit code 2 if one of them is wrong."""
    assert cli("validate", "s.yaml").output == "s.yaml: ok\n"
    (folder / "bad.yaml").write_text(SCENARIO.replace("for: 20s", "fro: 20s"))
    found = cli("validate", "s.yaml", "bad.yaml")
    assert found.exit_code == 2
    assert found.stdout == "s.yaml: ok\n"
    assert 'bad.yaml:12:19: faults.slow.fro: unknown field, did you mean "for"?' in found.stderr


def test_validate_speaks_json(folder: Path) -> None:
    """For editors and pipelines."""
    found = cli("validate", "s.yaml", "--set", "clock.duration=10", "--json")
    (problem,) = json.loads(found.stdout)
    assert (problem["pointer"], found.exit_code) == ("clock.duration", 2)


def test_a_broken_scenario_is_not_run(folder: Path, runs: dict[str, Any]) -> None:
    """Its problems are counted."""
    found = cli("run", "s.yaml", "--set", "clock.duration=10")
    assert found.exit_code == 2
    assert found.stderr.endswith("1 problem found\n")
    assert runs["plans"] == []


def test_plan_shows_what_would_happen(folder: Path) -> None:
    """Services, load, the timeline and what is expected; nothing is run."""
    found = cli("plan", "s.yaml")
    assert found.exit_code == 0
    assert "ask                    poisson, 10/s, about 1000 requests" in found.stdout
    assert "40-60 s  latency of db" in found.stdout
    assert "no_unhandled_errors" in found.stdout


def test_plan_as_json_is_a_scenario(folder: Path) -> None:
    """It validates again."""
    (folder / "frozen.yaml").write_text(cli("plan", "s.yaml", "--json", "--seed", "9").stdout)
    assert cli("validate", "frozen.yaml").exit_code == 0


def test_list_names_scenarios_and_runs(folder: Path) -> None:
    """With what they are about."""
    stored = folder / "runs" / "slow-database" / "20261122T180000-7"
    analysis.Result(brownout()).save(stored)
    found = cli("list", ".").output
    assert "A database that answers late" in found
    assert "seed 1, sim world, completed" in found


def test_list_as_json(folder: Path) -> None:
    """The same for programs."""
    stored = Path("runs") / "slow-database" / "20261122T180000-7"
    analysis.Result(brownout()).save(stored)
    found = json.loads(cli("list", ".", "--json").stdout)
    assert [{"path": "s.yaml", "description": "A database that answers late"}] == found["scenarios"]
    (run,) = found["runs"]
    assert (str(stored), 1, "sim", "completed") == (
        run["folder"],
        run["seed"],
        run["world"],
        run["ended"],
    )
    assert {"scenarios": [], "runs": []} == json.loads(
        cli("list", "none", "--runs", "none", "--json").stdout
    )


def test_list_of_nothing_says_how_to_begin(folder: Path) -> None:
    """An empty folder, and one that holds a pipe instead of a scenario."""
    (folder / "none").mkdir()
    os.mkfifo(folder / "none" / "pipe.yaml")
    found = cli("list", "none")
    assert "no scenario in none, no run in runs; umt-sim init" in found.stderr


def test_show_judges_a_stored_run_again(folder: Path) -> None:
    """And returns its exit code."""
    expected = ["latency(ask).p95 < 1ms during baseline"]
    analysis.Result(brownout(expect=expected)).save(folder / "run")
    found = cli("show", "run", "--figure", "again.png")
    assert found.exit_code == 1
    assert "FAILED" in found.output
    assert "read_dashboard" in found.output
    assert (folder / "again.png").exists()


def test_show_as_json(folder: Path) -> None:
    """Verdicts as ``run`` tells them, the numbers of the tables, and the same exit code."""
    expected = ["latency(ask).p95 < 1ms during baseline"]
    analysis.Result(brownout(expect=expected)).save(folder / "run")
    shown = cli("show", "run", "--json", "--figure", "again.png")
    found = json.loads(shown.stdout)
    assert (1, "failed", "completed", "run") == (
        shown.exit_code,
        found["status"],
        found["ended"],
        found["folder"],
    )
    assert expected[0] == found["verdicts"][0]["name"]
    assert {"read_dashboard"} <= {row["operation"] for row in found["numbers"]}
    assert (folder / "again.png").exists()


def test_replay_names_what_is_different_now(
    folder: Path, runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another path is exit code 1, and the versions are told, for people and for programs."""
    told = json.loads(cli("run", "s.yaml", "-q", "--json").stdout)
    runs["header"] = {"tape_hash": "cafe", "versions": {"umt-sim": "0.2.0"}}
    again = partial(trials.run_plan, supply=None)
    monkeypatch.setattr(bootstrap, "run_plan", again)
    found = cli("replay", told["folder"], "-q", "--json")
    assert 1 == found.exit_code
    assert {
        "scenario": "slow-database",
        "seed": 7,
        "same": False,
        "then": {"tape_hash": "c0ffee", "status": "passed"},
        "now": {"tape_hash": "cafe", "status": "passed"},
        "changed_versions": {"umt-sim": {"then": "0.1.0", "now": "0.2.0"}},
    } == json.loads(found.stdout)
    assert "umt-sim: 0.1.0 then, 0.2.0 now\n" in cli("replay", told["folder"], "-q").stdout


def test_compare_sets_runs_of_one_seed_side_by_side(folder: Path) -> None:
    """A clear difference is marked."""
    for plan, slower in (("first", 0.0), ("second", 0.05)):
        for seed in (1, 2, 3):
            records = steady(0.0, 100.0, latency=0.1 + seed / 10 + slower)
            stored = analysis.Result(journal(*records, seed=seed))
            stored.save(folder / plan / str(seed))
    found = cli("compare", "first", "second")
    assert found.exit_code == 0
    (line,) = (line for line in found.output.splitlines() if "p95_ms" in line)
    assert line.split() == ["≠", "ask", "p95_ms", "300", "350", "50", "50", "to", "50", "3"]
    assert cli("compare", "first", "nowhere").exit_code == 2
    told = json.loads(
        cli("compare", "first", "second", "--json", "--fail-on", "latency.p95:10ms").output
    )
    assert 50 == pytest.approx(told["differences"][1]["difference"])
    assert ["failed"] == [verdict["status"] for verdict in told["verdicts"]]


def test_compare_refuses_what_has_nothing_to_compare(folder: Path) -> None:
    """Neither the wrong window nor runs of several scenarios is an empty table."""
    for name in ("one", "two"):
        stored = analysis.Result(journal(*steady(0.0, 100.0, latency=0.1), scenario=name, seed=1))
        stored.save(folder / "runs" / name / "1")
    found = cli("compare", "runs", "runs/two")
    assert (2, True) == (found.exit_code, "runs of 2 scenarios; name the folder" in found.stderr)
    found = cli("compare", "runs/one", "runs/two", "--window", "brownuot")
    assert (2, True) == (found.exit_code, "share no operation in brownuot" in found.stderr)


def test_show_refuses_what_is_no_run(folder: Path) -> None:
    """With a sentence."""
    found = cli("show", "nowhere")
    assert (found.exit_code, found.stderr) == (
        2,
        "error: nowhere is not a run folder: it has no run.json\n",
    )


@pytest.mark.parametrize(
    ("topic", "text"),
    [
        ("latency", "Time from the scheduled arrival"),
        ("no_lost_messages", "No message that was confirmed to its publisher"),
        ("crash", "Power cut"),
        ("slicer", "Cut each chunk into pieces"),
        ("inconclusive", "never counts as a pass"),
        ("exit-codes", "130  interrupted"),
        ("4", "the run cannot tell"),
        ("faults", "lost_commit"),
        ("postgres", "max_connections"),
        ("workload", "``open``, ``closed`` or ``trace``"),
        ("version", "Of this language"),
        ("expect", "The language of ``expect``"),
    ],
)
def test_explain_knows_every_word_of_a_scenario(topic: str, text: str) -> None:
    """From the place where it is defined."""
    assert text in cli("explain", topic).output


def test_explain_lists_its_topics_and_suggests_one() -> None:
    """Without a topic, and with a wrong one."""
    assert "metrics: latency, service_time" in cli("explain").output
    found = cli("explain", "latncy")
    assert found.exit_code == 2
    assert 'did you mean "latency"?' in found.stderr


def test_schema_is_printed_or_written(folder: Path) -> None:
    """The same text either way."""
    printed = cli("schema").output
    cli("schema", "-o", "x.json")
    assert (folder / "x.json").read_text() == printed


def test_doctor_names_what_is_there_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to get it; without an engine the sim world cannot run."""
    monkeypatch.setenv("UMT_SIM_POSTGRES_BIN", "/nowhere")
    found = cli("doctor")
    assert found.exit_code == 3
    assert "python" in found.output
    assert "UMT_SIM_POSTGRES_BIN" in found.output.replace("\n", "")


def test_an_unknown_command_is_a_mistake_of_use() -> None:
    """Exit code 2."""
    assert cli("rnu").exit_code == 2
