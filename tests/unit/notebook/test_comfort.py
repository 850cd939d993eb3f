"""What a notebook shows by itself: plans, comparisons, and a panel with sliders."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import umt_sim
from tests.fakes.journals import brownout
from tests.fakes.pictures import cut_off, ink, overlapping
from umt_sim.analysis import Result
from umt_sim.notebook.comparing import Comparison
from umt_sim.notebook.panel import Panel
from umt_sim.notebook.progress import remaining

ROOT = Path(__file__).parents[3]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
BROWNOUT = ROOT / "scenarios" / "broker-brownout.yaml"
QUICK = """
version: 1
name: quick
clock: {duration: 10s, drain: 1s}
system: tests.unit.notebook.test_comfort:nothing
workload:
  - {name: rest, arrivals: {model: open, process: constant, stages: [{rate: 20/s, for: 10s}]}}
policies:
  calm: {timeout: 2s, breaker: {window: 20, failure_rate: 50%, open_for: 5s}}
expect: [error_rate(rest) < 5%]
"""


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_every_shipped_scenario_shows_its_timeline(file: Path) -> None:
    """Nothing collides and nothing is cut off."""
    figure = umt_sim.plan(file).plot()
    assert ink(figure) > 0.005
    assert [] == overlapping(figure)
    assert [] == cut_off(figure)


def test_a_plan_shows_itself() -> None:
    """Timeline, description and what is expected; edits apply."""
    view = umt_sim.plan(BROWNOUT, seed=5, overrides=["faults.brownout.for=9s"])
    page = view._repr_html_()
    assert "data:image/png" in page
    assert "error_rate(read_dashboard) &lt; 1% during brownout" in page
    assert "<plan broker-brownout seed=5: brownout>" == repr(view)
    assert 9.0 == view.plan.timeline.faults[0].duration


def test_a_comparison_shows_itself(tmp_path: Path) -> None:
    """As a table, a figure and a file of its own; equal runs do not differ."""
    runs = [Result(brownout(seed)) for seed in (7, 8)]
    found = umt_sim.compare(runs, runs, names=("before", "after"))
    assert isinstance(found, Comparison)
    assert "before against after: 0 of" in repr(found)
    assert "<table" in found._repr_html_()
    assert ink(found.plot()) > 0.005
    assert "before against after" in found.report(tmp_path / "c.html").read_text()


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    """A panel for a scenario that costs nothing."""
    file = tmp_path / "quick.yaml"
    file.write_text(QUICK)
    return Panel(file)


def nothing(setting: object) -> object:
    """A system that answers at once."""
    from contextlib import asynccontextmanager

    from umt_sim.workload.operations import Operations

    async def rest(_: object) -> None:
        return None

    @asynccontextmanager
    async def start():  # type: ignore[no-untyped-def]
        yield Operations({"rest": rest})

    return start()


def stopping(setting: object) -> object:
    """A system in whose 50th request somebody presses Interrupt."""
    from contextlib import asynccontextmanager

    from umt_sim.workload.operations import Operations

    seen: list[None] = []

    async def rest(_: object) -> None:
        seen.append(None)
        if len(seen) == 50:
            signal.raise_signal(signal.SIGINT)

    @asynccontextmanager
    async def start():  # type: ignore[no-untyped-def]
        yield Operations({"rest": rest})

    return start()


def test_a_panel_has_a_slider_for_every_number(panel: Panel) -> None:
    """With its unit; nothing is an edit until a slider is moved."""
    shown = panel.overridden()
    assert ("2s", "20", "50%") == tuple(
        shown[f"policies.calm.{path}"]
        for path in ("timeout", "breaker.window", "breaker.failure_rate")
    )
    assert [] == panel.edits()
    panel.controls["policies.calm.timeout"].value = 3.5
    assert ["policies.calm.timeout=3.5s"] == panel.edits()


def test_a_panel_runs_what_it_shows(panel: Panel) -> None:
    """The button runs the edited scenario; the result is kept."""
    panel.controls["policies.calm.breaker.window"].value = 33
    panel.seed.value = 4
    panel.button.click()
    assert panel.result is not None
    assert (4, 33) == (
        panel.result.seed,
        panel.result.plan["policies"]["calm"]["breaker"]["window"],
    )
    assert panel.button.disabled is False


def test_a_panel_says_what_is_wrong_with_a_value(panel: Panel) -> None:
    """A value the scenario may not have is an error message in the panel, not an exception."""
    panel.controls["policies.calm.breaker.window"].value = 0
    panel.button.click()
    assert panel.result is None
    assert panel.button.disabled is False


def test_a_panel_shows_how_far_a_run_has_come(panel: Panel) -> None:
    """In a widget of its own, which is empty again at the end."""
    seen: list[str] = []
    panel.progress.observe(lambda change: seen.append(change["new"]), "value")
    panel.button.click()
    assert "starting services" in seen[0]
    assert "" == seen[-1]


@pytest.mark.parametrize(
    ("share", "elapsed", "words"),
    [
        (0.01, 1.0, ""),
        (0.25, 5.0, ", about 15 s left"),
        (0.5, 300.0, ", about 5 min left"),
        (1.0, 9.0, ""),
    ],
)
def test_the_end_is_estimated_once_there_is_something_to_go_by(
    share: float, elapsed: float, words: str
) -> None:
    """From the share that is done and the time on the wall that it took."""
    assert words == remaining(share, elapsed)


def test_an_interrupted_run_keeps_what_it_has(tmp_path: Path) -> None:
    """Interrupt in the midst of a run: a result that can be looked at, which proves nothing."""
    file = tmp_path / "stopped.yaml"
    file.write_text(QUICK.replace(":nothing", ":stopping"))
    result = umt_sim.run(file)
    assert "interrupted" == result.journal.header["ended"]
    assert 10 < len(result.operations) < 200
    assert not result.passed
    assert "<table" in result._repr_html_()
