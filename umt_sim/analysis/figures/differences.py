"""Two policies compared: every difference with its interval, zero in the middle."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.names import heading, shortened
from umt_sim.analysis.palette import GRID, INK, MUTED, NORMAL, SERIES, SMALL, TITLE, WRONG
from umt_sim.analysis.panels import nothing, style
from umt_sim.expectations.wording import number

__all__ = ["differences"]

_MORE_IS_BETTER = ("goodput", "throughput")
_LOOKS: dict[str, dict[str, Any]] = {
    "better": {"color": SERIES[1], "marker": "o"},
    "worse": {"color": WRONG, "marker": "X"},
    "may be chance": {"color": MUTED, "marker": "o", "markerfacecolor": "white"},
}


def differences(comparison: pd.DataFrame, title: str) -> RunFigure:
    """
    Draw what ``compare`` found: each number's difference, relative to its first value.

    Both values stand at the right; where the first is zero there is no relative difference,
    and they stand alone. What has no interval that leaves out zero may be chance, and a
    single pair of runs has no interval.

    Args:
        comparison: Its rows.
        title: Above the figure.
    """
    figure = RunFigure(figsize=(10.5, 1.4 + 0.3 * max(len(comparison), 2)), layout="constrained")
    axes = figure.subplots()
    style(axes, "")
    axes.set_title(shortened(title, 50), loc="left", fontsize=TITLE, color=INK, weight="bold")
    if comparison.empty:
        axes.set_xticks([])
        nothing(axes, "no number was measured in both")
        return figure
    axes.grid(visible=True, axis="x", color=GRID)
    axes.axvline(0, color=MUTED, linewidth=1)
    looks = {_row(axes, index, row) for index, (_, row) in enumerate(comparison.iterrows())}
    pairs = zip(comparison["operation"], comparison["number"], strict=True)
    labels = [f"{shortened(operation)}: {heading(name)}" for operation, name in pairs]
    axes.set_yticks(range(len(comparison)), labels)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(comparison) - 0.5, -0.5)
    if axes.dataLim.width < 1e-6:
        axes.set_xlim(-1, 1)
    axes.set_xlabel(_below(comparison), fontsize=NORMAL, color=INK)
    axes.legend(
        handles=[
            Line2D([], [], ls="", label=look, **drawn)
            for look, drawn in _LOOKS.items()
            if look in looks
        ],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=3,
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
    )
    return figure


def _row(axes: Axes, index: int, row: pd.Series[Any]) -> str:
    """Draw one difference with its interval and both values; say how it looks."""
    look = _look(row)
    colour = _LOOKS[look]["color"]
    if row["first"] or not row["difference"]:
        scale = 100 / (abs(row["first"]) or 1.0)
        if pd.notna(row["low"]):
            axes.plot([row["low"] * scale, row["high"] * scale], [index] * 2, color=colour, lw=2)
        axes.plot(row["difference"] * scale, index, markersize=7, ls="", **_LOOKS[look])
    axes.annotate(
        f"{number(row['first'])} → {number(row['second'])}",
        (1, index),
        xycoords=("axes fraction", "data"),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
        color=INK if look == "may be chance" else colour,
    )
    return look


def _look(row: pd.Series[Any]) -> str:
    """Of one difference: for throughput more is better, for everything else less."""
    if not row["clear"]:
        return "may be chance"
    more_is_better = str(row["number"]).startswith(_MORE_IS_BETTER)
    return "better" if (row["difference"] > 0) == more_is_better else "worse"


def _below(comparison: pd.DataFrame) -> str:
    if comparison["low"].notna().any():
        return "difference in % of the first, with its 95 % interval"
    return "difference in % of the first; one pair of runs has no interval"
