"""Every figure is drawn, has something in it, and its words cover each other nowhere."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.text import Text

from tests.fakes.journals import brownout, fault, journal, order_trace, request, steady
from tests.fakes.pictures import cut_off, ink, overlapping
from umt_sim.analysis import Result
from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.figures.differences import differences
from umt_sim.analysis.figures.gallery import Gallery
from umt_sim.journal.records import FaultRecord, OperationRecord, PhaseRecord, SpanRow

RUN = brownout()
TRACED = journal(
    *(RUN.of(PhaseRecord)[:0]),
    *(RUN.of(OperationRecord)[:200]),
    *(RUN.of(FaultRecord)),
    *(span for n in range(40) for span in order_trace(f"{n:032}", at=30 + n * 0.25)),
    OperationRecord(
        *(getattr(request(9, 30.0, 9.0), f) for f in OperationRecord.__slots__[:8]),
        trace_id="0" * 32,
    ),
)

FIGURES: dict[str, Callable[[Gallery], RunFigure]] = {
    "overview": lambda gallery: gallery.overview(),
    "heat_map": lambda gallery: gallery.heat_map("ask"),
    "distribution": lambda gallery: gallery.distribution("ask"),
}
TRACES: dict[str, Callable[[Gallery], RunFigure]] = {
    "topology": lambda gallery: gallery.topology(),
    "waterfall": lambda gallery: gallery.waterfall(),
    "sequence": lambda gallery: gallery.sequence(),
}


def looked_at(figure: RunFigure) -> None:
    """What an eye would object to at once."""
    assert ink(figure) > 0.005
    assert [] == overlapping(figure)
    assert [] == cut_off(figure)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_run(name: str) -> None:
    """Of a run with three faults."""
    looked_at(FIGURES[name](Result(RUN).figures))


@pytest.mark.parametrize("name", TRACES)
def test_figures_of_traces(name: str) -> None:
    """Of a request over a cache, a broker, a worker, a database and a mail server."""
    looked_at(TRACES[name](Result(TRACED).figures))


def test_figures_show_themselves_in_a_notebook() -> None:
    """As a PNG picture."""
    assert Result(TRACED).figures.topology()._repr_png_().startswith(b"\x89PNG")


def test_the_sequence_is_mermaid_text_too() -> None:
    """Calls have answers, messages have none; a failed call ends in a cross."""
    assert [
        "sequenceDiagram",
        "    participant p0 as shop",
        "    participant p1 as redis",
        "    participant p2 as rabbitmq",
        "    participant p3 as worker",
        "    participant p4 as db",
        "    participant p5 as smtp",
        "    p0->>p1: GET",
        "    p1-->>p0: 100 ms",
        "    p0->>p2: publish",
        "    p2->>p3: deliver",
        "    p3->>p4: INSERT",
        "    p4--xp3: error after 250 ms",
        "    p3->>p5: mail",
        "    p5-->>p3: 300 ms",
    ] == Result(TRACED).figures.mermaid("0" * 32).splitlines()


def test_what_a_run_does_not_have_is_named() -> None:
    """A misspelt operation, window or trace is an error that says what there is."""
    figures = Result(TRACED).figures
    with pytest.raises(ValueError, match="no operation 'aks' in this run; there are ask"):
        figures.heat_map("aks")
    with pytest.raises(ValueError, match="no window 'brwnout' in this run; there are run"):
        figures.topology("brwnout")
    with pytest.raises(ValueError, match="no span of trace abc"):
        figures.waterfall("abc")
    with pytest.raises(ValueError, match="no request of this run has a trace"):
        Result(RUN).figures.sequence()


def test_differences_are_drawn_with_their_intervals() -> None:
    """Clear ones and noise alike; a number without an interval is a point."""
    rows = pd.DataFrame(
        {
            "operation": ["buy", "buy", "buy"],
            "number": ["p95_ms", "error_percent", "p50_ms"],
            "first": [100.0, 2.0, 50.0],
            "second": [80.0, 2.1, 51.0],
            "difference": [-20.0, 0.1, 1.0],
            "low": [-25.0, -0.2, None],
            "high": [-15.0, 0.4, None],
            "pairs": [10, 10, 1],
            "clear": [True, False, False],
        }
    )
    looked_at(differences(rows, "without and with a breaker"))


def test_impact_names_whom_a_fault_reached() -> None:
    """Each fault and operation has a row; a breaker's refusals are counted by their use."""
    impact = Result(RUN).impact().set_index(["fault", "operation"])
    assert impact.loc[("brownout", "ask"), "reached"]
    assert 14.0 == impact.loc[("brownout", "ask"), "detected_s"]
    worth = Result(RUN).breaker_worth().set_index("breaker")
    assert [1, 0, 0] == worth.loc["content-creation"].tolist()


def test_what_nobody_was_called_for_says_so() -> None:
    """A topology and a sequence without calls are not empty pictures."""
    alone = SpanRow("a" * 32, "b" * 16, None, "think", "internal", "shop", 1.0, 2.0, "unset", None)
    figures = Result(journal(*steady(0, 10), alone)).figures
    for figure, words in (
        (figures.topology(), "no span tells of a call to another program or server"),
        (figures.sequence("a" * 32), "it called nobody"),
    ):
        assert any(text.get_text().startswith(words) for text in figure.findobj(Text))
        assert [] == cut_off(figure)


def test_names_of_short_faults_have_room() -> None:
    """Faults one after the other whose names are longer than their bars."""
    names = ("brand", "strategy", "creation", "ads", "reporting")
    faults = (fault(name, 20 + 7 * n, 23 + 7 * n) for n, name in enumerate(names))
    looked_at(Result(journal(*steady(0, 70), *faults, measured=(5.0, 70.0))).figures.overview())
