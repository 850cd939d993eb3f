"""The HTML report: whole, self-contained, and saying what the numbers say."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from tests.fakes.journals import brownout, fault, journal, steady
from umt_sim.analysis import Result
from umt_sim.analysis.report import comparison_report, run_report
from umt_sim.analysis.report.advice import advise
from umt_sim.bootstrap.trials import TrialResult
from umt_sim.cli.app import app
from umt_sim.cli.writers import html
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.verdicts import ExitCode, Status
from umt_sim.expectations.wording import number
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import BreakerEvent, OperationRecord, Outcome, ResourceSample

EXPECT = ("error_rate(ask) < 50% during brownout", "latency(ask).p95 < 1ms during baseline")


class Page(HTMLParser):
    """Tags that are open, addresses that are referred to, and the words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [str(value) for key, value in attrs if key in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_report_needs_nothing_from_elsewhere() -> None:
    """Every picture is inside, there is no script, and every tag is closed."""
    text = run_report(Result(brownout(expect=EXPECT)), "scenarios/brownout.yaml")
    page = Page(text)
    assert [] == page.open
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "<script" not in text
    assert "http" not in text


def test_a_report_says_what_was_expected_seen_and_how_to_repeat_it() -> None:
    """Hypothesis, each verdict with its evidence, the command."""
    words = Page(run_report(Result(brownout(expect=EXPECT)), "scenarios/brownout.yaml")).words
    for expected in (
        "RabbitMQ answers late, then PostgreSQL dies",
        *EXPECT,
        "FAILED",
        "umt-sim run scenarios/brownout.yaml --world sim --seed 1",
    ):
        assert expected in words


def test_a_run_without_anything_to_measure_still_has_a_report() -> None:
    """It says how it ended; there are no figures."""
    header = {"scenario": "broken", "seed": 1, "world": "sim", "ended": "failed"}
    text = run_report(Result(Journal(header, {})))
    assert "the run failed" in Page(text).words


def test_a_comparison_has_a_report_too() -> None:
    """With its table and its figure."""
    rows = {"operation": "buy", "number": "p95_ms", "first": 100.0, "second": 80.0}
    rows |= {"difference": -20.0, "low": -25.0, "high": -15.0, "pairs": 10, "clear": True}
    text = comparison_report(pd.DataFrame([rows]), "breaker on", first="without", second="with")
    for words in ("first: without", "second: with", "1 of 1 numbers differ by more than chance"):
        assert words in Page(text).words
    assert 1 == text.count("data:image/png")


def test_a_single_pair_of_runs_tells_nothing_of_chance() -> None:
    """And the report says so, instead of calling every difference noise."""
    rows = {"operation": "buy", "number": "p95_ms", "first": 100.0, "second": 80.0}
    rows |= {"difference": -20.0, "low": None, "high": None, "pairs": 1, "clear": False}
    text = comparison_report(pd.DataFrame([rows]), "breaker on", first="without", second="with")
    assert "one pair of runs, so no interval" in Page(text).words


def test_every_number_has_its_interval_beside_it() -> None:
    """In the table of operations, where the sample is large enough for one."""
    page = Page(run_report(Result(brownout()))).words
    row = Result(brownout()).summary().query("operation == 'ask' and window == 'baseline'").iloc[0]
    low, high = number(row.p95_ms_low), number(row.p95_ms_high)
    assert f"{number(row.p95_ms)} ({low} to {high})" in page


def test_a_long_table_is_cut_and_says_so() -> None:
    """Of a hundred faults sixty rows are shown."""
    faults = (fault(f"f{n}", 10.0 + n / 2, 10.2 + n / 2) for n in range(100))
    page = Page(run_report(Result(journal(*steady(0, 70), *faults, measured=(0.0, 70.0))))).words
    assert "and 40 more rows" in page


def test_the_command_writes_it_into_the_run_folder(tmp_path: Path) -> None:
    """``umt-sim report RUN`` makes RUN/report.html."""
    Result(brownout()).save(tmp_path)
    answer = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert (0, f"report: {tmp_path / 'report.html'}\n") == (answer.exit_code, answer.output)
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def bad(start: float, end: float) -> list[OperationRecord]:
    return steady(start, end, outcome=Outcome.FAIL)


HEALTHY = (*steady(0, 40), fault("outage", 40, 60))


@pytest.mark.parametrize(
    ("records", "headline"),
    [
        ((*HEALTHY, *bad(40, 60), *steady(60, 100)), "No breaker opened during outage"),
        (
            (
                *HEALTHY, *bad(40, 60), *steady(60, 100),
                BreakerEvent(52.0, "db", "state_transition", "closed", "open"),
            ),
            "outage was noticed late",
        ),
        ((*HEALTHY, *bad(40, 78), *steady(78, 100)), "ask recovered slowly from outage"),
        ((*HEALTHY, *bad(40, 100)), "ask recovered slowly from outage"),
        (
            (*HEALTHY, *steady(40, 100), BreakerEvent(10.0, "db", "not_permitted")),
            "The breaker db refused more good calls than bad ones",
        ),
        (
            (*HEALTHY, *steady(40, 100), ResourceSample(0.0, "db", 9, 3, 10)),
            "db has little room even without a fault",
        ),
    ],
)  # fmt: skip
def test_each_rule_speaks_where_it_should(records: tuple[object, ...], headline: str) -> None:
    """And says it with evidence."""
    found = advise(Readings(journal(*records)))  # type: ignore[arg-type]
    assert headline in [advice.headline for advice in found]
    assert all(advice.evidence and advice.suggestion for advice in found)


def test_rules_are_silent_where_all_is_well() -> None:
    """A fault that nobody felt gives no advice."""
    assert [] == advise(Readings(journal(*HEALTHY, *steady(40, 100))))


def test_compare_writes_it_too(tmp_path: Path) -> None:
    """``umt-sim compare A B --html FILE`` has the table and the figure of the differences."""
    for name in ("before", "after"):
        Result(brownout()).save(tmp_path / name, draw=False)
    page = tmp_path / "sub" / "compared.html"
    words = ["compare", str(tmp_path / "before"), str(tmp_path / "after"), "--html", str(page)]
    assert 0 == CliRunner().invoke(app, words).exit_code
    text = page.read_text()
    assert "made-by-hand: before against after" in Page(text).words
    assert 1 == text.count("data:image/png")


def test_run_writes_a_report_of_each_run(tmp_path: Path) -> None:
    """One into the file named; of several, each beside it; what never began says why."""
    kept = trial_result(1, tmp_path / "run")
    Result(brownout()).save(tmp_path / "run", draw=False)
    for results in ([kept], [kept, trial_result(2, None)]):
        html.write(results, tmp_path / "report.html")
    assert ["report-made-by-hand-1.html", "report-made-by-hand-2.html", "report.html"] == sorted(
        path.name for path in tmp_path.glob("*.html")
    )
    assert "umt-sim run s.yaml" in (tmp_path / "report.html").read_text()


def trial_result(seed: int, folder: Path | None) -> TrialResult:
    """What came of a run kept in *folder*."""
    return TrialResult(
        name="made-by-hand", seed=seed, world="sim", source="s.yaml", status=Status.PASSED,
        ended="completed", verdicts=(), numbers={}, versions={}, tape_hash=None, folder=folder,
        reproduce="", advice="", took_wall=1.0, code=ExitCode.PASSED,
    )  # fmt: skip
