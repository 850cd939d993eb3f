"""One run, opened for people."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.fakes.journals import brownout, fault, journal, request, steady
from umt_sim.analysis import Result
from umt_sim.errors import JournalError
from umt_sim.expectations.verdicts import Status
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import Outcome

EXPECTED = ["latency(ask).p95 < 800ms during baseline", "error_rate(ask) < 5% during brownout"]
RESULT = Result(brownout(expect=EXPECTED))


def test_a_result_knows_its_origin_and_its_verdict() -> None:
    """Name, seed, world and tape hash come from the header; the verdict from the plan."""
    assert (RESULT.name, RESULT.seed, RESULT.world) == ("made-by-hand", 1, "sim")
    assert RESULT.tape_hash == "5f2c" * 16
    assert [Status.PASSED, Status.FAILED] == [v.status for v in RESULT.verdict.verdicts]
    assert (RESULT.status, RESULT.passed) == (Status.FAILED, False)
    assert repr(RESULT) == "<Result made-by-hand seed=1 world=sim: failed, 9952 requests>"


def test_operations_have_units_in_their_columns() -> None:
    """Times in seconds, latency in milliseconds from the scheduled arrival."""
    found = Result(
        journal(
            request(0, 50.0, 0.25, waited=0.05),
            request(1, 60.0, None),
            fault("slow", 55, 70),
        )
    ).operations
    first, second = (found.iloc[n] for n in (0, 1))
    assert first["latency_ms"] == pytest.approx(250.0)
    assert first["service_ms"] == pytest.approx(200.0)
    assert math.isnan(second["latency_ms"])
    assert ["baseline", "slow"] == found["window"].tolist()
    assert [False, True] == found["outcome"].isna().tolist()


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("spans", ["start_s", "end_s", "duration_ms"]),
        ("breakers", ["at_s", "breaker", "event", "from_state", "to_state"]),
        ("messages", ["at_s", "fate", "queue", "size_bytes"]),
        ("faults", ["name", "kind", "target", "started_s", "ended_s", "connections_touched"]),
        ("queues", ["at_s", "server", "queue", "ready", "unacked", "consumers", "oldest_s"]),
        ("resources", ["at_s", "server", "busy", "waiting", "workers"]),
        ("retries", ["at_s", "policy", "attempt", "delay_s", "error"]),
        ("logs", ["at_s", "logger", "level", "message"]),
    ],
)
def test_every_table_is_there_even_when_empty(name: str, columns: list[str]) -> None:
    """A notebook does not fail on a run without retries."""
    for result in (RESULT, Result(journal())):
        assert set(columns) <= set(getattr(result, name).columns)


def test_the_summary_has_each_operation_in_each_window() -> None:
    """With sample sizes and intervals."""
    rows = Result(journal(*steady(0.0, 100.0), fault("slow", 40, 60))).summary()
    assert ["whole run", "baseline", "slow", "recovery"] == rows["window"].tolist()
    assert [1000, 400, 200, 400] == rows["n"].tolist()
    whole = rows.iloc[0]
    assert whole["goodput_per_s"] == pytest.approx(10.0, rel=0.01)
    assert whole["p95_ms_low"] <= whole["p95_ms"] <= whole["p95_ms_high"]


def test_a_stored_run_is_judged_and_drawn_again(tmp_path: Path) -> None:
    """Nothing but the folder is needed."""
    RESULT.save(tmp_path / "run")
    again = Result.load(tmp_path / "run")
    assert again.verdict == RESULT.verdict
    assert again.operations.equals(RESULT.operations)
    assert (tmp_path / "run" / "figure.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_figure_has_a_panel_for_each_question() -> None:
    """Faults, latency, rates, queues, breakers, sharing one time axis."""
    figure = RESULT.plot()
    assert [None, "latency", "requests / s", "queue depth", ""] == [
        axes.get_ylabel() or (None if axes.axison is False else "") for axes in figure.axes
    ]
    assert (20.0, 300.0) == figure.axes[-1].get_xlim()
    names = [text.get_text() for text in figure.axes[0].texts]
    assert ["brownout", "outage", "crash"] == names


def test_overlapping_faults_have_lanes_of_their_own() -> None:
    """So no name hides another."""
    heights = [text.get_position()[1] for text in RESULT.plot().axes[0].texts]
    assert [0, 0, 1] == heights


def test_the_figure_can_be_of_chosen_operations() -> None:
    """And says which there are."""
    labels = RESULT.plot("read_dashboard").axes[1].get_legend_handles_labels()[1]
    assert labels == ["p50", "p95"]
    with pytest.raises(ValueError, match="no operation 'sk' in this run; there are ask, read_"):
        RESULT.plot("sk")


def test_drawing_leaves_no_global_state() -> None:
    """No pyplot figure is opened."""
    import sys

    RESULT.plot()
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_a_figure_without_faults_queues_and_breakers_is_drawn() -> None:
    """The smallest run has latency, rates and requests in flight."""
    figure = Result(journal(*steady(0.0, 100.0))).plot()
    assert [axes.get_ylabel() for axes in figure.axes[1:]] == [
        "latency",
        "requests / s",
        "in flight",
    ]
    assert figure._repr_png_()[:4] == b"\x89PNG"


def test_a_figure_of_failures_only_is_drawn() -> None:
    """Nothing succeeded, nothing is averaged."""
    failed = steady(0.0, 100.0, outcome=Outcome.FAIL)
    assert Result(journal(*failed)).plot().axes


def test_a_notebook_shows_verdict_evidence_and_figure() -> None:
    """Escaped, and with no need of the network."""
    html = RESULT._repr_html_()
    assert "FAILED" in html
    assert "latency(ask).p95 &lt; 800ms during baseline" in html
    assert "data:image/png;base64," in html
    assert "http" not in html.replace("http://www.w3.org", "")


def test_a_run_that_measured_nothing_still_shows_itself(tmp_path: Path) -> None:
    """It says why there is no figure, and can be stored."""
    empty = Result(Recorder(lambda: 0.0).close({"scenario": "x", "ended": "interrupted"}))
    assert "nothing to judge" in empty._repr_html_()
    with pytest.raises(JournalError):
        empty.plot()
    empty.save(tmp_path / "x")
    assert Result.load(tmp_path / "x").status is Status.INCONCLUSIVE


def test_the_advice_on_warm_up_looks_at_the_time_before_the_first_fault() -> None:
    """Ten seconds of slow requests at the beginning; nothing later counts."""
    records = [
        *steady(0.0, 10.0, latency=2.0),
        *(request(n, n * 0.1, 0.1 + n % 7 * 0.001) for n in range(100, 600)),
        *steady(60.0, 100.0, latency=9),
    ]
    found = Result(journal(*records, fault("slow", 60, 100), measured=(5.0, 100.0)))
    assert 10.0 <= (found.advised_warmup or 0.0) <= 12.0
