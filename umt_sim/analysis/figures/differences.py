"""Two policies compared: every difference with its interval, zero in the middle."""

from __future__ import annotations

from typing import Any

import pandas as pd

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.palette import INK, MUTED, SERIES, WRONG
from umt_sim.analysis.panels import style

__all__ = ["differences"]

_MORE_IS_BETTER = ("goodput", "throughput")


def differences(comparison: pd.DataFrame, title: str) -> RunFigure:
    """
    Draw what ``compare`` found: each number's difference, relative to its first value.

    Filled where the interval leaves out zero, green for better and orange for worse; hollow and
    grey where it is noise.

    Args:
        comparison: Its rows.
        title: Above the figure.
    """
    rows = comparison[comparison["first"].abs() > 0].reset_index(drop=True)
    figure = RunFigure(figsize=(8.5, 1.2 + 0.3 * max(len(rows), 1)), layout="constrained")
    axes = figure.subplots()
    style(axes, "")
    axes.grid(visible=True, axis="x", color="#eef0f2")
    axes.axvline(0, color=MUTED, linewidth=1)
    for index, (_, row) in enumerate(rows.iterrows()):
        scale = 100 / abs(row["first"])
        colour = _colour(row)
        if pd.notna(row["low"]):
            axes.plot([row["low"] * scale, row["high"] * scale], [index] * 2, color=colour, lw=2)
        axes.plot(
            row["difference"] * scale,
            index,
            "o",
            color=colour,
            markerfacecolor=colour if row["clear"] else "white",
            markersize=6,
        )
    axes.set_yticks(range(len(rows)), [f"{r.operation}  {r.number}" for r in rows.itertuples()])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(
        "difference, % of the first; line: 95 % interval; green better, orange worse, grey noise",
        fontsize=9,
        color=INK,
    )
    axes.set_title(title, loc="left", fontsize=11, color=INK, weight="bold")
    return figure


def _colour(row: pd.Series[Any]) -> str:
    """Of one difference: for throughput more is better, for everything else less."""
    if not row["clear"]:
        return MUTED
    more_is_better = str(row["number"]).startswith(_MORE_IS_BETTER)
    return SERIES[1] if (row["difference"] > 0) == more_is_better else WRONG
