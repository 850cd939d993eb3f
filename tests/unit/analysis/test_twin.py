"""Two runs of one plan, one in each world, compared number by number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Answer

from tests.fakes.journals import fault, journal, request, steady
from umt_sim.analysis import Result
from umt_sim.analysis.twin import Comparison, Tolerances, Twin
from umt_sim.cli.app import app
from umt_sim.errors import JournalError, WorldUnavailable
from umt_sim.expectations.verdicts import Status
from umt_sim.journal import storage
from umt_sim.journal.records import (
    BreakerEvent,
    OperationRecord,
    Outcome,
    QueueSample,
    Record,
    SpanRow,
    UnhandledError,
)

CACHE_LOSS = Path(__file__).parents[3] / "scenarios" / "cache-loss.yaml"
PLAN = {
    "workload": [{"name": "ask", "arrivals": {"model": "open", "rate": "10/s"}}],
    "services": {"db": {"kind": "postgres", "query": "2ms"}},
}


def requests(latency: float = 0.1, during: float = 0.1) -> list[OperationRecord]:
    """A hundred seconds of ten requests a second; another latency from 40 s to 60 s."""
    everything = steady(0.0, 100.0, latency=latency)
    for row in steady(40.0, 60.0, latency=during):
        number = round(row.scheduled * 10)
        everything[number] = request(number, everything[number].scheduled, during)
    return everything


def transitions(*times: float) -> list[BreakerEvent]:
    """From closed to open, half-open and closed, as far as there are *times*."""
    states = ("closed", "open", "half_open", "closed")
    return [
        BreakerEvent(at, "guard", "state_transition", states[n], states[n + 1])
        for n, at in enumerate(times)
    ]


def depths(level: int) -> list[QueueSample]:
    return [QueueSample(at, "broker", "tasks", level, 0, 1) for at in range(0, 100, 3)]


def redelivered(count: int) -> list[SpanRow]:
    attributes = {"messaging.message.redelivered": True}
    return [
        SpanRow("t", str(n), None, "process", "consumer", "umt", 50.0, 51.0, "ok", None, attributes)
        for n in range(count)
    ]


def story(
    *,
    latency: float = 0.1,
    during: float = 0.1,
    opened: Sequence[float] = (45.0, 50.0, 60.0),
    depth: int = 4,
    again: int = 3,
) -> list[Record]:
    """A run with everything that is compared."""
    return [
        *requests(latency, during),
        *transitions(*opened),
        *depths(depth),
        *redelivered(again),
        fault("outage", 40.0, 60.0),
    ]


def result(world: str, records: Sequence[Record], **header: Any) -> Result:
    header = {"plan": PLAN, "ended": "completed", **header}
    return Result(journal(*records, world=world, **header))


def twin(sim: Sequence[Record], live: Sequence[Record], **more: Any) -> Twin:
    return Twin(result("sim", sim), result("live", live), **more)


def failed(twin: Twin) -> list[tuple[str, str, str]]:
    return [
        (found.subject, found.number, found.window)
        for found in twin.comparisons
        if found.status is Status.FAILED
    ]


def comparison(twin: Twin, subject: str, number: str, window: str = "run") -> Comparison:
    return next(
        found
        for found in twin.comparisons
        if (found.subject, found.number, found.window) == (subject, number, window)
    )


def test_equal_runs_agree_in_everything() -> None:
    """Latencies, errors, curves, transitions, queues and redelivered messages are all judged."""
    both = twin(story(), story())
    assert (Status.PASSED, True) == (both.status, both.agree)
    assert {"ask", "guard", "tasks", "messages"} == {found.subject for found in both.comparisons}
    assert {0.0} == {f.difference for f in both.comparisons if f.difference is not None}
    assert [
        "transitions", "1: closed → open", "2: open → half_open", "3: half_open → closed"
    ] == [found.number for found in both.comparisons if found.subject == "guard"]  # fmt: skip


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (
            {"latency": 0.129},
            [("ask", q, w) for w in ("baseline", "recovery") for q in ("p50", "p95")],
        ),
        ({"during": 0.129}, [("ask", "p50", "outage"), ("ask", "p95", "outage")]),
        ({"opened": (46.1, 50.0, 60.0)}, [("guard", "1: closed → open", "run")]),
        ({"opened": (45.0, 50.0, 61.1)}, [("guard", "3: half_open → closed", "run")]),
        ({"opened": (45.0, 50.0)}, [("guard", "transitions", "run")]),
        ({"opened": ()}, [("guard", "transitions", "run")]),
        ({"depth": 12}, [("tasks", "mean depth", "run")]),
        ({"again": 12}, [("messages", "redelivered", "run")]),
    ],
    ids=["latency", "one window", "opens late", "closes late", "stays open", "never opens",
         "longer queue", "more redelivered"],
)  # fmt: skip
def test_a_planted_difference_is_found_and_nothing_else(
    live: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    """Each thing that is compared, off by a little more than its tolerance."""
    both = twin(story(), story(**live))
    assert Status.FAILED is both.status
    assert expected == failed(both)


@pytest.mark.parametrize(
    "live",
    [
        {"latency": 0.122},
        {"opened": (45.9, 50.9, 60.9)},
        {"depth": 9},
        {"again": 9},
    ],
    ids=["latency", "transitions", "queue", "redelivered"],
)
def test_what_is_within_its_tolerance_agrees(live: dict[str, Any]) -> None:
    """15 % and 5 ms; one second; 15 % and five messages."""
    assert twin(story(), story(**live)).agree


def test_errors_count_in_their_window_and_on_the_curve() -> None:
    """Eleven seconds of failures in one world: 55 % of the window, eleven per cent of the run."""
    records = story()
    for number in range(400, 510):
        records[number] = request(number, number / 10, outcome=Outcome.FAIL)
    both = twin(story(), records)
    assert ("ask", "error rate", "outage") in failed(both)
    rate = comparison(both, "ask", "error rate", "outage")
    assert (0.0, 0.55) == (rate.sim, pytest.approx(rate.live))
    assert 0.05 + 1 / 20 == pytest.approx(rate.allowed)  # as many as arrive in a second, on top
    for curve in ("goodput curve", "error curve"):
        found = comparison(both, "ask", curve)
        assert Status.FAILED is found.status
        assert found.note == "110 apart at 51.0 s"


def test_the_same_answers_later_are_told_by_the_curve() -> None:
    """All requests are answered in both worlds, in one of them ten seconds late."""
    tolerances = Tolerances(latency=60.0)
    both = twin(story(), story(during=10.1), tolerances=tolerances)
    assert [("ask", "goodput curve", "run")] == failed(both)
    assert comparison(both, "ask", "goodput curve").note.startswith("100 apart")


def test_too_few_requests_are_shown_and_not_judged() -> None:
    """Twenty for a median, two hundred for a p95; if no window has them, nothing is proven."""
    few = [request(n, float(n)) for n in range(50)]
    both = twin(few, few)
    assert Status.INCONCLUSIVE is both.status
    assert Status.PASSED is comparison(both, "ask", "p50", "baseline").status
    shown, verdict = (f for f in both.comparisons if f.number == "p95")
    assert (None, "n = 50 and 50; 200 are needed") == (shown.status, shown.note)
    assert Status.INCONCLUSIVE is verdict.status
    assert verdict.note == "too few requests in every window; 200 are needed"


def test_a_queue_that_nobody_looked_at_is_not_judged() -> None:
    """Four samples are too few; five are not."""

    def sampled(times: Sequence[float], depth: int) -> list[Record]:
        others = [row for row in story() if not isinstance(row, QueueSample)]
        return [*others, *(QueueSample(at, "broker", "tasks", depth, 0, 1) for at in times)]

    times = (1.0, 41.0, 45.0, 50.0)
    both = twin(sampled(times, 4), sampled(times, 90))
    found = comparison(both, "tasks", "mean depth", "run")
    assert (None, "4 samples; 5 are needed") == (found.status, found.note)
    both = twin(sampled((*times, 58.0), 4), sampled((*times, 58.0), 90))
    assert [("tasks", "mean depth", "run")] == failed(both)


def test_a_queue_sampled_in_one_world_is_not_judged() -> None:
    """Its depth is shown where it is known."""
    records = [row for row in story() if not isinstance(row, QueueSample)]
    both = twin(story(), records)
    assert both.agree
    found = comparison(both, "tasks", "mean depth", "run")
    assert (4.0, None, "sampled in one world") == (found.sim, found.live, found.note)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"live": {"ended": "interrupted"}}, "interrupted before its end"),
        ({"fault": 0}, "touched no byte and no connection in the live world"),
        ({"moved": True}, "1000 and 1000 requests, not due at the same times"),
    ],
    ids=["interrupted", "untouched", "other arrivals"],
)
def test_what_spoils_the_comparison_is_said(change: dict[str, Any], note: str) -> None:
    """An interrupted run, a fault that met nothing, other arrivals prove nothing, and why."""
    records = story()
    if "fault" in change:
        records[-1] = fault("outage", 40.0, 60.0, met=0)
    if "moved" in change:
        records[0] = request(0, 0.05)
    both = Twin(result("sim", story()), result("live", records, **change.get("live", {})))
    assert Status.INCONCLUSIVE is both.status
    assert [note] == [f.note for f in both.comparisons if f.status is Status.INCONCLUSIVE]


def test_a_run_that_failed_is_an_error_and_its_reason_is_told() -> None:
    """Nothing is compared with it, not even drawn."""
    why = UnhandledError(0.0, "run", "Stalled", "nobody moves", "")
    both = Twin(result("sim", story()), result("live", [why], ended="failed"))
    assert Status.ERRORED is both.status
    assert ["Stalled: nobody moves"] == [found.note for found in both.comparisons]


@pytest.mark.parametrize(
    ("sim", "live", "message"),
    [
        ({}, {"seed": 2}, "had different arrivals; run both with one seed"),
        ({}, {"scenario": "other"}, "had different arrivals"),
        ({}, {"plan": {**PLAN, "policies": {}}}, "not of one plan; they differ in policies"),
        ({"world": "live"}, {"world": "sim"}, "not live and sim"),
    ],
    ids=["seed", "scenario", "plan", "worlds"],
)
def test_runs_that_are_no_twins_are_refused(
    sim: dict[str, Any], live: dict[str, Any], message: str
) -> None:
    """Another seed, scenario or plan, or the worlds mixed up."""
    first = {"plan": PLAN, "world": "sim", **sim}
    second = {"plan": PLAN, "world": "live", **live}
    with pytest.raises(JournalError, match=message):
        Twin(Result(journal(*story(), **first)), Result(journal(*story(), **second)))


def test_how_fast_services_are_may_differ() -> None:
    """Only the sim reads it: a stored live run is compared with newly calibrated services."""
    plan = {**PLAN, "services": {"db": {"kind": "postgres", "query": "3ms"}}}
    assert Twin(result("sim", story(), plan=plan), result("live", story())).agree


def test_tables_are_tidy_and_the_page_needs_no_network() -> None:
    """Numbers, curves and transitions as frames; figure and table as one HTML fragment."""
    both = twin(story(), story(opened=(45.0, 50.0, 62.0)))
    assert len(both.comparisons) == len(both.numbers)
    assert {"sim", "live", "allowed", "status", "unit"} <= set(both.numbers.columns)
    assert ["sim"] * 3 + ["live"] * 3 == both.transitions.world.tolist()
    assert [45.0, 50.0, 62.0] == both.transitions.at_s.tolist()[3:]
    assert both.curves.goodput_sim_per_s.equals(both.curves.goodput_live_per_s)
    page = both._repr_html_()
    assert "DISAGREE" in page
    assert "3: half_open → closed" in page
    assert 'src="http' not in page
    assert repr(both) == "<Twin made-by-hand seed=1: failed>"


def test_the_figure_overlays_both_worlds() -> None:
    """A panel for each question, both worlds in each, two lanes for the breaker."""
    figure = twin(story(), story()).plot()
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert ["latency of\nask", "goodput / s", "errors / s", "depth of\ntasks"] == labels[1:5]
    lanes = [label.get_text() for label in figure.axes[5].get_yticklabels()]
    assert ["guard, sim", "guard, live"] == lanes


def stored(folder: Path, live: Sequence[Record]) -> tuple[str, str]:
    """Both runs on disk, without their figures."""
    for run in (result("sim", story()), result("live", live)):
        (folder / run.world).mkdir(parents=True)
        storage.save(run.journal, folder / run.world)
    return str(folder / "sim"), str(folder / "live")


def cli(*arguments: str) -> Answer:
    return CliRunner().invoke(app, ["twin", *arguments], env={"COLUMNS": "200"})


def test_the_command_compares_stored_runs(tmp_path: Path) -> None:
    """0 where they agree, 1 where not; the number that differs stands out; a figure is drawn."""
    agreeing = cli("--folders", *stored(tmp_path / "one", story()))
    assert (0, True) == (agreeing.exit_code, "AGREE" in agreeing.output)
    figure = tmp_path / "figure.png"
    other = stored(tmp_path / "two", story(opened=(46.5, 50.0, 60.0)))
    differing = cli("--folders", *other, "--figure", str(figure))
    assert 1 == differing.exit_code
    verdict, number, *_ = [line for line in differing.output.splitlines() if line.startswith("✗")]
    assert verdict.startswith("✗ DISAGREE  made-by-hand")
    assert ["✗", "guard", "1:", "closed", "→", "open", "run", "45", "s", "46.5", "s"] == (
        number.split()[:11]
    )
    assert figure.stat().st_size > 10_000


def test_the_command_speaks_json(tmp_path: Path) -> None:
    """The same as is stored beside runs and figure; 4 where nothing is proven."""
    few = [request(n, float(n)) for n in range(30)]
    Twin(result("sim", few), result("live", few)).save(tmp_path)
    answer = cli("--folders", str(tmp_path / "sim"), str(tmp_path / "live"), "--json")
    assert 4 == answer.exit_code
    assert (tmp_path / "twin.png").exists()
    assert json.loads((tmp_path / "twin.json").read_text()) == json.loads(answer.output)


@pytest.mark.parametrize("arguments", [(), ("one.yaml", "--folders", "a", "b")])
def test_the_command_wants_a_scenario_or_two_folders(arguments: Sequence[str]) -> None:
    """Neither and both are usage errors."""
    assert 2 == cli(*arguments).exit_code


def test_missing_servers_are_their_own_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """3, with the server that is missing and how it is had; the sim is not run for nothing."""

    def choose(*_: Any, **__: Any) -> None:
        raise WorldUnavailable("rabbitmq", "not found", remedy="apt install rabbitmq-server")

    monkeypatch.setattr("umt_sim.worlds.live.providers.choosing.choose", choose)
    answer = cli(str(CACHE_LOSS), "-q")
    assert 3 == answer.exit_code
    assert "apt install rabbitmq-server" in answer.stderr


def test_what_the_live_world_cannot_do_is_a_problem_of_the_scenario() -> None:
    """2, before anything is started."""
    cut = "faults={cut: {at: 8s, for: 1s, between: [redis, redis-server], partition: true}}"
    answer = cli(str(CACHE_LOSS), "-q", "--set", cut, "--set", "expect=[]")
    assert 2 == answer.exit_code
    assert "partition needs the simulated network" in answer.stderr


def test_an_interrupted_twin_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """130, and the other world is not run."""
    worlds = []

    def run_plan(plan: Any, **_: Any) -> Result:
        worlds.append(plan.world)
        return result(plan.world, story(), ended="interrupted")

    monkeypatch.setattr("umt_sim.bootstrap.twin.run_plan", run_plan)
    assert 130 == cli(str(CACHE_LOSS), "-q").exit_code
    assert ["live"] == worlds
