"""The drawing of a state machine, and heat maps of two parameters against each other."""

from __future__ import annotations

from enum import Enum

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from tests.fakes.pictures import cut_off, ink, overlapping
from umt_sim.analysis.grid import grid_figure
from umt_sim.analysis.state_diagram import state_diagram, steps_taken
from umt_sim.platform.resilience.breaker import LEGAL

TAKEN = {("closed", "open"): 2, ("open", "half_open"): 12, ("half_open", "closed"): 3}


class Light(Enum):
    """A machine of three states."""

    RED = "red"
    GREEN = "green"
    OFF = "off"


ONE_WAY = {
    Light.RED: (Light.GREEN, Light.OFF),
    Light.GREEN: (Light.RED, Light.OFF),
    Light.OFF: (Light.OFF,),
}


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def arrows(figure: Figure) -> int:
    return len(figure.findobj(FancyArrowPatch))


def test_the_drawing_follows_the_table() -> None:
    """A state each, a line for each pair that is legal either way, and what is illegal below."""
    figure = state_diagram(ONE_WAY)
    assert {"red", "green", "off", "not legal: off → red, off → green"} == set(words(figure))
    assert arrows(figure) == 3


def test_a_table_with_every_step_says_so() -> None:
    """Nothing is listed as illegal where nothing is."""
    assert "every step is legal" in words(state_diagram({light: tuple(Light) for light in Light}))


def test_steps_that_were_taken_are_counted_on_their_arrows() -> None:
    """One more arrow for each step taken, with its number."""
    plain, figure = state_diagram(LEGAL), state_diagram(LEGAL, TAKEN)
    assert arrows(figure) == arrows(plain) + len(TAKEN)
    assert {"2×", "12×", "3×"} == set(words(figure)) - set(words(plain))


def test_steps_are_counted_from_what_the_breaker_published() -> None:
    """Only transitions of the named breaker count."""
    rows = [
        ("api", "state_transition", "closed", "open"),
        ("api", "state_transition", "closed", "open"),
        ("other", "state_transition", "closed", "open"),
        ("api", "error", None, None),
    ]
    frame = pd.DataFrame(rows, columns=["breaker", "event", "from_state", "to_state"])
    assert {("closed", "open"): 2} == steps_taken(frame, "api")


RUNS = pd.DataFrame(
    [
        {"wait": wait, "failures": failures, "budget": budget, "late": wait * failures + budget}
        for wait in (1, 5)
        for failures in (2, 4, 8)
        for budget in (1, 10)
        if (wait, failures) != (5, 8)
    ]
)


def test_a_cell_for_each_pair_of_parameters_and_a_panel_for_the_third() -> None:
    """Each run's number stands in its cell; a pair nobody tried stays empty."""
    figure = grid_figure(RUNS, x="wait", y="failures", value="late", panel="budget")
    first = figure.axes[0]
    assert [text.get_text() for text in first.texts] == ["3", "11", "5", "21", "9"]
    assert ["budget: 1", "budget: 10"] == [axes.get_title() for axes in figure.axes[:2]]


@pytest.mark.parametrize(
    "figure",
    [
        pytest.param(state_diagram(LEGAL, TAKEN), id="states"),
        pytest.param(
            grid_figure(RUNS, x="wait", y="failures", value="late", panel="budget"), id="grid"
        ),
    ],
)
def test_figures_can_be_read(figure: Figure) -> None:
    """Nothing overlaps, nothing is cut off, and there is something to see."""
    assert [] == overlapping(figure)
    assert [] == cut_off(figure)
    assert ink(figure) > 0.02
