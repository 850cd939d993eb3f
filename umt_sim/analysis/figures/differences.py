"""Two policies compared: every difference with its interval, zero in the middle."""

from __future__ import annotations

import pandas as pd

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.palette import INK, MUTED, SERIES, WRONG
from umt_sim.analysis.panels import style

__all__ = ["differences"]


def differences(comparison: pd.DataFrame, title: str) -> RunFigure:
    """
    Draw what ``compare`` found: each number's difference, relative to its first value.

    Filled and coloured where the interval leaves out zero; hollow where it is noise.

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
    for index, row in rows.iterrows():
        scale = 100 / abs(row["first"])
        colour = MUTED if not row["clear"] else WRONG if row["difference"] > 0 else SERIES[1]
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
    axes.set_xlabel("difference, % of the first; line: 95 % interval", fontsize=9, color=INK)
    axes.set_title(title, loc="left", fontsize=11, color=INK, weight="bold")
    return figure
