"""Results are handed over in the forms that people, scripts and CI servers read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click import UsageError

from umt_sim.bootstrap.trials import TrialResult
from umt_sim.cli.delivery import Delivery, plain
from umt_sim.cli.outcomes import replications_table, summary_table
from umt_sim.cli.tables import console, verdicts_table
from umt_sim.cli.writers import WRITERS, junit, markdown
from umt_sim.expectations.verdicts import ExitCode, Status, Verdict
from umt_sim.measures.estimates import Estimate


def result(*verdicts: Verdict, seed: int = 1, error: str = "") -> TrialResult:
    """What came of one run."""
    statuses = [verdict.status for verdict in verdicts]
    worst = next((s for s in (Status.ERRORED, Status.FAILED, Status.INCONCLUSIVE) if s in statuses),
                 Status.PASSED)  # fmt: skip
    return TrialResult(
        name="slow | strange", seed=seed, world="sim", source="s.yaml",
        status=Status.ERRORED if error else worst, ended="refused" if error else "completed",
        verdicts=verdicts, numbers={}, versions={}, tape_hash="c0ffee", folder=None,
        reproduce="umt-sim run s.yaml", advice="", took_wall=1.25, code=ExitCode.PASSED,
        error=error,
    )  # fmt: skip


HELD = Verdict("p95 < 1s", Status.PASSED, "in run", Estimate(0.5, 200, 0.4, math.inf), "s", 1.0)
FAILED = Verdict("errors | < 5%", Status.FAILED, "7 % \x07", Estimate(0.07, 90), "share", 0.05)
UNSURE = Verdict("p99 < 1s", Status.INCONCLUSIVE, "too few samples")
CRASHED = Verdict("checker", Status.ERRORED, "it crashed", traceback="Traceback: boom")


def test_json_holds_what_is_not_bounded_as_a_word() -> None:
    """Infinity is no JSON."""
    text = json.dumps(plain(result(HELD)), allow_nan=False)
    assert json.loads(text)["verdicts"][0]["estimate"]["high"] == "inf"


def test_junit_knows_failures_errors_and_never_calls_the_inconclusive_a_success(
    tmp_path: Path,
) -> None:
    """One suite a run; what XML cannot write is replaced."""
    junit.write([result(HELD, FAILED, UNSURE, CRASHED), result(error="no broker")], tmp_path / "j")
    whole, refused = ET.parse(tmp_path / "j").getroot()
    assert ("4", "1", "2") == tuple(whole.get(n) for n in ("tests", "failures", "errors"))
    kinds = [[(child.tag, child.get("type")) for child in case] for case in whole.iter("testcase")]
    assert [
        [("system-out", None)], [("failure", "failed")],
        [("error", "inconclusive")], [("error", "errored")],
    ] == kinds  # fmt: skip
    assert whole.find("testcase/failure").get("message") == "7 % \ufffd"  # type: ignore[union-attr]
    error = refused.find("testcase/error")
    assert error is not None
    assert error.get("message") == "no broker"


def test_markdown_keeps_its_tables_whole() -> None:
    """Bars are escaped, and only what did not hold is open."""
    text = markdown.text([result(HELD), result(FAILED, seed=2), result(error="no broker", seed=3)])
    assert "1 of 3 passed" in text
    assert "slow \\| strange" in text
    assert "`errors \\| < 5%`" in text
    assert [" open", " open"] == [line[8:13] for line in text.splitlines()
                                  if line.startswith("<details open")]  # fmt: skip


def test_the_job_page_is_appended_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other steps wrote stays; outside GitHub Actions the option is refused."""
    page = tmp_path / "page.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    Delivery(as_json=True, files={}, github_summary=True).deliver([result(HELD)])
    assert page.read_text().startswith("before\n## Chaos scenarios: 1 of 1 passed")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    with pytest.raises(UsageError, match="GITHUB_STEP_SUMMARY"):
        Delivery(as_json=True, files={}, github_summary=True).prepare()


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_every_format_writes_its_file(tmp_path: Path, writer) -> None:  # type: ignore[no-untyped-def]
    """Into a folder made for it."""
    writer.write([result(HELD, FAILED)], tmp_path / "deep" / "file")
    assert (tmp_path / "deep" / "file").stat().st_size > 100


def test_a_narrow_terminal_gets_the_numbers_in_the_evidence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 40 columns a table of five would be one word wide."""
    monkeypatch.setenv("COLUMNS", "40")
    console().print(verdicts_table([FAILED]))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert FAILED.evidence.split()[0] in " ".join(lines)
    assert len(lines) <= 6


def test_no_color_is_plain_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even bold, though the terminal could."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    console().print(verdicts_table([FAILED]))
    assert "\x1b" not in capsys.readouterr().out


def test_many_runs_fit_into_a_narrow_terminal(capsys: pytest.CaptureFixture[str],
                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """A line a run, a line an expectation over the seeds, nothing wider than 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    runs = [result(HELD, FAILED, seed=seed) for seed in (1, 2, 3)]
    out = console()
    out.print(summary_table(runs))
    out.print(replications_table(runs))
    printed = capsys.readouterr().out
    assert "0 of 3 runs passed" in printed
    assert "3 of 3" in printed
    assert max(map(len, printed.splitlines())) <= 80
