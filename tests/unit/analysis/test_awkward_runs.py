"""Figures of runs that nobody draws in a manual: nothing collides, nothing misleads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.text import Text

from tests.fakes.journals import fault, journal, request, span, steady
from tests.fakes.pictures import cut_off, overlapping
from umt_sim.analysis import Result
from umt_sim.analysis.bands import draw
from umt_sim.analysis.comparison import compare
from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.figures.differences import differences
from umt_sim.analysis.grid import grid_figure
from umt_sim.analysis.names import shortened
from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Journal, Recorder
from umt_sim.journal.records import BreakerEvent, Outcome, QueueSample

LONG = "the-name-that-a-committee-gave-to-the-service-after-long-debate"
HOUR = 3600.0


def long_names() -> Journal:
    """Of operations, faults, queues, breakers and the scenario."""
    return journal(
        *steady(0, 100, name=f"{LONG}-1"),
        *steady(0, 100, name=f"{LONG}-2"),
        *(QueueSample(at, "broker", LONG, int(at), 0, 1) for at in range(100)),
        BreakerEvent(41.0, LONG, "state_transition", "closed", "open"),
        fault(f"{LONG}-1", 40, 42),
        fault(f"{LONG}-2", 95, 96),
        scenario=LONG,
    )


def many_faults() -> Journal:
    """More than a hundred, too close for their names."""
    faults = (fault(f"f{n:03}", n / 1.2, n / 1.2 + 0.2) for n in range(120))
    return journal(*steady(0, 100), *faults)


def hours() -> Journal:
    """A request a minute for six hours, and an outage in which all fail at once."""
    calm = [request(n, 60.0 * n, 0.05) for n in range(360) if not 120 <= n < 140]
    down = [request(n, 60.0 * n, 0.0, outcome=Outcome.FAIL) for n in range(120, 140)]
    return journal(
        *calm, *down, fault("outage", 2 * HOUR, 2 * HOUR + 1200), measured=(0.0, 6 * HOUR)
    )


def one() -> Journal:
    """A single request."""
    return journal(request(0, 50.0, 0.03))


def swift() -> Journal:
    """Thirty microseconds each, to the last digit."""
    return journal(*steady(0, 100, latency=30e-6))


def hanging() -> Journal:
    """A server that stands still, and never answers again."""
    lost = [request(500 + n, 50 + n / 2, None) for n in range(100)]
    return journal(*steady(0, 50), *lost, fault("pause", 50, 90))


AWKWARD = (long_names, many_faults, hours, one, swift, hanging)
FIGURES: dict[str, Callable[[Result], RunFigure]] = {
    "overview": lambda result: result.figures.overview(),
    "heat map": lambda result: result.figures.heat_map(str(result.operations.name[0])),
    "distribution": lambda result: result.figures.distribution(str(result.operations.name[0])),
}


def words(figure: RunFigure) -> list[str]:
    """Everything that is written in *figure*."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("run", AWKWARD, ids=lambda run: run.__name__)
def test_no_words_collide_or_are_cut_off(run: Callable[[], Journal], figure: str) -> None:
    """Whatever the run was like."""
    drawn = FIGURES[figure](Result(run()))
    assert [] == overlapping(drawn)
    assert [] == cut_off(drawn)


def test_a_run_without_requests_says_so() -> None:
    """Where latency and rates would be."""
    found = words(Result(journal()).figures.overview())
    assert 2 == found.count("no request was due")


def test_faults_too_many_to_name_are_counted() -> None:
    """Their bars are drawn, and how many they are is written."""
    assert "120 faults, too many to name" in words(Result(many_faults()).figures.overview())


def test_a_long_run_is_counted_in_hours() -> None:
    """Nobody reads 7200 seconds."""
    found = words(Result(hours()).figures.overview())
    assert "hours since the load began" in found
    assert {"1", "2", "6"} <= set(found)


def test_what_failed_at_once_stands_at_a_mark_of_its_own() -> None:
    """A logarithmic axis has no room for no time at all; its end says that it is an end."""
    assert any(text.startswith("≤ ") for text in words(Result(hours()).figures.overview()))
    assert any(text.startswith("≤ ") for text in words(Result(hours()).figures.heat_map("ask")))


def test_what_was_never_answered_is_seen() -> None:
    """At the top, named on the axis: it has no latency, and must not be left out."""
    for figure in (
        Result(hanging()).figures.overview(),
        Result(hanging()).figures.heat_map("ask"),
    ):
        assert "no answer" in words(figure)


def test_a_short_peak_is_not_left_out() -> None:
    """One request of 10 ms in hours: some moment had it in flight."""
    figure = Result(journal(request(0, 1000.0, 0.01), measured=(0.0, 6 * HOUR))).figures.overview()
    (level,) = [p for axes in figure.axes if axes.get_ylabel() == "in flight" for p in axes.patches]
    assert 1.0 == np.max(level.get_data().values)  # type: ignore[attr-defined]


def test_one_request_is_no_burst() -> None:
    """Its rate is one in the time that was measured, not one in the shortest stretch drawn."""
    figure = Result(one()).figures.overview()
    (axes,) = [axes for axes in figure.axes if axes.get_ylabel() == "requests / s"]
    assert axes.get_ylim()[1] < 0.02


def test_the_legend_tells_what_is_not_shown() -> None:
    """Of seven operations five have lines; the rates are those of all."""
    runs = [request(n, n / 10, name=f"op{n % 7}") for n in range(700)]
    figure = Result(journal(*runs)).figures.overview()
    assert "and 2 more operations" in words(figure)
    (axes,) = [axes for axes in figure.axes if axes.get_ylabel() == "requests / s"]
    assert axes.get_ylim()[1] > 9.9


def bands(*parts: Window) -> Iterator[tuple[float, float]]:
    """Where the panels are shaded for a fault that has *parts*."""
    figure = RunFigure()
    strip, panel = figure.subplots(2)
    draw(strip, {"flaps": parts}, [panel], Window("run", 0.0, 100.0))
    for collection in panel.findobj(PolyCollection):
        for path in collection.get_paths():
            yield float(path.vertices[:, 0].min()), float(path.vertices[:, 0].max())


def test_a_fault_of_several_parts_is_shaded_only_while_it_lasts() -> None:
    """Between its parts all was well."""
    assert [(10.0, 20.0), (60.0, 61.0)] == list(
        bands(Window("flaps", 10.0, 20.0), Window("flaps", 60.0, 61.0))
    )


def test_a_distribution_counts_those_that_have_no_latency() -> None:
    """A refusal is an answer; nobody may read that half of them were answered in time."""
    found = words(Result(hours()).figures.distribution("ask"))
    assert "outage: n = 0, 20 failed" in found
    assert "share of the successful" in found


def test_a_refused_request_has_a_waterfall() -> None:
    """It took no time at all, and there is still an axis."""
    figure = Result(journal(span("refused", 1.0, 1.0))).figures.waterfall("t" * 32)
    assert [] == overlapping(figure)


def test_long_names_keep_both_ends() -> None:
    """Names that differ in their last letters are still told apart."""
    assert "content" == shortened("content", 10)
    first, second = (shortened(f"{LONG}-{n}", 20) for n in (1, 2))
    assert 20 == len(first) == len(second)
    assert first != second


def test_a_difference_from_nothing_is_shown() -> None:
    """From no errors to some is no percentage, and must not be left out."""
    fine = Result(journal(*steady(0, 100), seed=1))
    failing = Result(journal(*steady(0, 100, outcome=Outcome.FAIL), seed=1))
    found = words(differences(compare([fine], [failing]), "a fault"))
    assert "0 → 100" in found
    assert any("one pair of runs has no interval" in text for text in found)


def test_comparing_nothing_is_a_sentence() -> None:
    """Two runs without a request have no number in common, and the table its columns."""
    empty = Result(journal(seed=1))
    found = compare([empty], [empty])
    assert found.empty
    assert "no number was measured in both" in words(differences(found, "nothing"))


def test_a_heat_map_writes_its_numbers_as_they_are() -> None:
    """Small numbers are not rounded to nothing; an unbounded one is a cell, too."""
    rows = [{"x": x, "y": 1, "n": n} for x, n in enumerate((0.0077, 0.25, float("inf")))]
    found = words(grid_figure(pd.DataFrame(rows), x="x", y="y", value="n"))
    assert {"0.0077", "0.25", "no bound"} <= set(found)


def test_a_heat_map_of_nothing_is_refused() -> None:
    """In a sentence that names the number."""
    rows = pd.DataFrame({"x": [1, 2], "y": [1, 1], "p95": [None, None]})
    with pytest.raises(ValueError, match="no run has a number for 'p95'"):
        grid_figure(rows, x="x", y="y", value="p95")


def test_a_run_that_was_stopped_in_its_warm_up_shows_its_requests() -> None:
    """They belong to no window, and are there all the same."""
    recorder = Recorder(lambda: 0.0)
    for record in steady(0, 5):
        recorder.add(record)
    stopped = Result(recorder.close({"scenario": "stopped", "ended": "interrupted"}))
    assert 50 == len(stopped.operations)
    assert {""} == set(stopped.operations.window)


def test_a_map_of_a_choice_of_traces_says_so() -> None:
    """All errors and a tenth of the rest were kept: the share of errors is not the run's."""
    call = span("GET", 1.0, 2.0, kind="client", server_address="db")
    chosen = journal(call, plan={"spans": {"keep": ["errors"], "sample": "10%"}})
    assert any(
        "of the traces that were kept" in text for text in words(Result(chosen).figures.topology())
    )
