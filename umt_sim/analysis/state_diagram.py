"""A state machine drawn from its table of legal steps, with the steps a run took on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations, permutations
from math import cos, pi, sin
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.palette import GRID, INK, MUTED, STATES, WRONG

__all__ = ["state_diagram", "steps_taken"]

Table = Mapping[Enum, Sequence[Enum]]
Taken = Mapping[tuple[str, str], int]

_WIDE, _HIGH = 1.5, 1.0  # half axes of the ellipse the states stand on
_BEND = (
    0.22  # of the arrow of a step that was taken, so that there and back do not cover each other
)
_DARK = ("forced_open", "open")
_LINE = "#b4bac1"


@dataclass(frozen=True, slots=True)
class _Node:
    """A state in the drawing."""

    x: float
    y: float
    label: Text


def steps_taken(breakers: pd.DataFrame, breaker: str) -> dict[tuple[str, str], int]:
    """
    How often *breaker* went from one state to another.

    Args:
        breakers: What breakers published in a run: ``result.breakers``.
        breaker: Its name.
    """
    steps = breakers[(breakers.event == "state_transition") & (breakers.breaker == breaker)]
    pairs = list(zip(steps.from_state, steps.to_state, strict=True))
    return {pair: pairs.count(pair) for pair in pairs}


def state_diagram(table: Table, taken: Taken | None = None) -> RunFigure:
    """
    Draw the states of *table* and its legal steps.

    A grey line is legal both ways, a grey arrow only one way; bold arrows are the steps of
    *taken*, each with how often. What is illegal is written below. Steps to the same state
    are left out.

    Args:
        table: Each state with those it may become.
        taken: Steps of a run, by the values of both states; see ``steps_taken``.
    """
    figure = RunFigure(figsize=(7.6, 5.4))
    axes = figure.add_axes((0.02, 0.08, 0.96, 0.9))
    axes.set_axis_off()
    axes.set_xlim(-_WIDE - 0.4, _WIDE + 0.4)
    axes.set_ylim(-_HIGH - 0.2, _HIGH + 0.3)
    nodes = _nodes(axes, list(table))
    for one, other in combinations(table, 2):
        _legal(axes, nodes[one], nodes[other], other in table[one], one in table[other])
    for one, other in permutations(table, 2):
        times = (taken or {}).get((one.value, other.value), 0)
        if times:
            _taken(axes, nodes[one], nodes[other], times)
    figure.text(0.5, 0.03, _missing(table), ha="center", fontsize=9, color=MUTED)
    return figure


def _nodes(axes: Axes, states: list[Enum]) -> dict[Enum, _Node]:
    """On an ellipse, clockwise, the second one on top."""
    nodes = {}
    for number, state in enumerate(states):
        angle = pi / 2 - 2 * pi * (number - 1) / len(states)
        x, y = _WIDE * cos(angle), _HIGH * sin(angle)
        nodes[state] = _Node(x, y, _label(axes, x, y, str(state.value)))
    return nodes


def _label(axes: Axes, x: float, y: float, name: str) -> Text:
    return axes.text(
        x,
        y,
        name.replace("_", " "),
        ha="center",
        va="center",
        fontsize=11,
        zorder=2,  # before the arrows, which are cut where the boxes begin
        color="white" if name in _DARK else INK,
        bbox={
            "boxstyle": "round,pad=0.5",
            "facecolor": STATES.get(name, GRID),
            "edgecolor": INK,
            "linewidth": 0.8,
        },
    )


def _legal(axes: Axes, one: _Node, other: _Node, there: bool, back: bool) -> None:
    style = {(True, True): "-", (True, False): "-|>", (False, True): "<|-"}.get((there, back))
    if style is not None:
        _arrow(axes, one, other, arrowstyle=style, color=_LINE, linewidth=1.0, zorder=3)


def _taken(axes: Axes, start: _Node, end: _Node, times: int) -> None:
    _arrow(
        axes,
        start,
        end,
        arrowstyle="-|>",
        color=INK,
        linewidth=2.2,
        zorder=4,
        connectionstyle=f"arc3,rad={-_BEND}",
    )
    # The curve passes half-way between the straight line and its control point.
    x = (start.x + end.x) / 2 - _BEND / 2 * (end.y - start.y)
    y = (start.y + end.y) / 2 + _BEND / 2 * (end.x - start.x)
    axes.text(
        x,
        y,
        f"{times}×",
        ha="center",
        va="center",
        fontsize=10,
        color=WRONG,
        weight="bold",
        zorder=5,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
    )


def _arrow(axes: Axes, start: _Node, end: _Node, **style: Any) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (start.x, start.y),
            (end.x, end.y),
            patchA=start.label.get_bbox_patch(),
            patchB=end.label.get_bbox_patch(),
            shrinkA=2,
            shrinkB=2,
            mutation_scale=14,
            **style,
        )
    )


def _missing(table: Table) -> str:
    steps = [
        f"{one.value} → {other.value}".replace("_", " ")
        for one, other in permutations(table, 2)
        if other not in table[one]
    ]
    return "not legal: " + ", ".join(steps) if steps else "every step is legal"
