"""The real command ends with the code that scripts rely on, and leaves what CI reads."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.commands.conftest import Command, scenario


def test_a_scenario_that_holds_ends_with_0_and_its_run_folder(
    umt_sim: Command, folder: Path
) -> None:
    """``latest`` leads to the folder, whose frozen plan can be run and replayed as it is."""
    found = umt_sim("run", "good.yaml", "-q", "--events", "run.ndjson", "--parquet")
    assert (0, "") == (found.returncode, found.stderr)
    assert "✓ PASSED  good" in found.stdout
    latest = folder / "runs" / "good" / "latest"
    files = {path.name for path in latest.iterdir()}
    assert {"run.json", "scenario.yaml", "figure.png", "operation_record.csv.gz",
            "operation_record.parquet"} <= files  # fmt: skip
    assert umt_sim("validate", str(latest / "scenario.yaml")).returncode == 0
    lines = [json.loads(line) for line in (folder / "run.ndjson").read_text().splitlines()]
    assert ("begin", "end") == (lines[0]["record"], lines[-1]["record"])
    assert {"good/7"} == {line["run"] for line in lines}
    requests = [line for line in lines if line["record"] == "OperationRecord"]
    assert len(requests) > 150
    replayed = umt_sim("replay", str(latest), "-q")
    assert (0, True) == (replayed.returncode, "the same path" in replayed.stdout)


def test_many_runs_end_with_the_worst_code(umt_sim: Command, folder: Path) -> None:
    """One of two fails: 1, with a line that reproduces it, and files for CI."""
    found = umt_sim("run", "good.yaml", "bad.yaml", "-j2", "-q", "--no-save",
                    "--junit", "ci/junit.xml", "--markdown", "ci/summary.md")  # fmt: skip
    assert (1, "") == (found.returncode, found.stderr)
    assert "1 of 2 runs passed" in found.stdout
    assert "reproduce: umt-sim run bad.yaml --world sim --seed 7  # umt-sim" in found.stdout
    good, bad = ET.parse(folder / "ci" / "junit.xml").getroot()
    assert ("good[s7]", "0") == (good.get("name"), good.get("failures"))
    assert ("bad[s7]", "1") == (bad.get("name"), bad.get("failures"))
    failure = bad.find("testcase/failure")
    assert failure is not None
    assert "in slow" in failure.get("message", "")
    assert "1 of 2 passed" in (folder / "ci" / "summary.md").read_text()


def test_a_bad_scenario_or_usage_ends_with_2(umt_sim: Command, folder: Path) -> None:
    """Nothing is run; every problem of every file is named."""
    (folder / "a.yaml").write_text(scenario("a").replace("at: 10s", "att: 10s"))
    found = umt_sim("run", "a.yaml", "nowhere.yaml")
    assert found.returncode == 2
    assert 'a.yaml:14:10: faults.slow.att: unknown field, did you mean "at"?' in found.stderr
    assert "nowhere.yaml: No such file" in found.stderr
    assert umt_sim("run", "good.yaml", "--jobs", "0").returncode == 2
    assert umt_sim("show", "runs").returncode == 2


def test_missing_services_end_with_3(umt_sim: Command) -> None:
    """No broker answers at the address that was given."""
    found = umt_sim("run", "good.yaml", "-q", "--world", "live", "--provider", "external",
                    "--endpoint", "toxiproxy=localhost:1",
                    "--endpoint", "api=localhost:1")  # fmt: skip
    assert found.returncode == 3
    assert "Traceback" not in found.stderr


def test_a_run_that_cannot_tell_ends_with_4(umt_sim: Command, folder: Path) -> None:
    """A window too short for its percentile is inconclusive."""
    (folder / "few.yaml").write_text(scenario("few").replace("p50", "p99.9"))
    found = umt_sim("run", "few.yaml", "-q", "--no-save")
    assert found.returncode == 4
    assert "too few samples" in found.stdout


def test_a_baseline_is_saved_and_compared_with(umt_sim: Command, folder: Path) -> None:
    """The same code is unchanged; a slower upstream is a regression, whatever the seed."""
    assert umt_sim("baseline", "save", "good.yaml", "-q", "--seeds", "1..2").returncode == 0
    unchanged = umt_sim("baseline", "check", "good.yaml", "-q")
    assert (0, True) == (unchanged.returncode, "unchanged" in unchanged.stdout)
    slower = ["good.yaml", "-q", "--set", "services.api.request=200ms"]
    worse = umt_sim("baseline", "check", *slower)
    assert (1, True) == (worse.returncode, "failed: good against base.json" in worse.stdout)


def test_a_comparison_is_told_to_machines_as_well(umt_sim: Command, folder: Path) -> None:
    """JSON on standard output, and a suite in which a regression is a failure."""
    umt_sim("baseline", "save", "good.yaml", "-q", "--seeds", "1..2")
    found = umt_sim("baseline", "check", "good.yaml", "-q", "--json", "--junit", "ci/base.xml",
                    "--set", "services.api.request=200ms")  # fmt: skip
    told = json.loads(found.stdout)
    assert (1, "", "failed") == (found.returncode, found.stderr, told["status"])
    assert ("good", "base.json", [1, 2]) == (told["scenario"], told["baseline"], told["seeds"])
    assert ["failed"] == [verdict["status"] for verdict in told["verdicts"]]
    (suite,) = ET.parse(folder / "ci" / "base.xml").getroot()
    assert ("good against base.json", "1") == (suite.get("name"), suite.get("failures"))
    refused = umt_sim("baseline", "check", "good.yaml", "--junit", "good.yaml/x")
    assert (2, True) == (refused.returncode, "--junit good.yaml/x" in refused.stderr)


def test_a_sweep_runs_every_point_with_every_seed(umt_sim: Command, folder: Path) -> None:
    """Two timeouts and two seeds are four trials, one of them run twice."""
    found = umt_sim("sweep", "good.yaml", "-q", "-j2", "--seeds", "1,2", "--csv", "sweep.csv",
                    "--measure", "error_rate during slow")  # fmt: skip
    assert (0, "") == (found.returncode, found.stderr)
    header, *rows = (folder / "sweep.csv").read_text().splitlines()
    assert header.startswith("policies.api.timeout,seed,status,error_rate(ask) during slow,")
    assert [["200ms", "1"], ["200ms", "2"], ["1s", "1"], ["1s", "2"]] == [
        row.split(",")[:2] for row in rows
    ]
    assert "1 of 4 trials were run twice and went the same way" in found.stdout


def test_what_cannot_be_written_is_a_sentence(umt_sim: Command) -> None:
    """A full disk and a folder that is a file: which, and why, and no traceback."""
    full = umt_sim("run", "good.yaml", "-q", "--no-save", "--junit", "/dev/full")
    assert (1, "error: No space left on device\n") == (full.returncode, full.stderr)
    assert "✓ PASSED  good" in full.stdout
    blocked = umt_sim("schema", "-o", "good.yaml/x")
    assert (1, "error: good.yaml/x: Not a directory\n") == (blocked.returncode, blocked.stderr)


def test_a_terminal_without_our_signs_gets_plain_ones(
    umt_sim: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ASCII locale is no reason to fall."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    found = umt_sim("run", "good.yaml", "-q", "--no-save")
    assert (0, "") == (found.returncode, found.stderr)
    assert "+ PASSED  good" in found.stdout


def test_completion_knows_the_commands(umt_sim: Command) -> None:
    """Each shell gets its script."""
    for shell in ("bash", "zsh", "fish"):
        found = umt_sim("completion", shell)
        assert (0, True) == (found.returncode, "_UMT_SIM_COMPLETE" in found.stdout)
