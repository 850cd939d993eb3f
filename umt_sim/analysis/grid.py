"""Two parameters against each other: one number of many runs as heat maps side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import INK, MUTED, NORMAL, SMALL
from umt_sim.expectations.wording import number
from umt_sim.measures.estimates import over_replications

__all__ = ["grid_figure"]

_COLOURS = "cividis"  # dark is low; the same to everybody's eyes


def grid_figure(
    runs: pd.DataFrame,
    *,
    x: str,
    y: str,
    value: str,
    panel: str | None = None,
    words: Callable[[float], str] = number,
) -> RunFigure:
    """
    Draw the mean of *value* over *x* and *y*, one panel for each value of *panel*.

    All panels share one scale. A cell without runs stays empty.

    Args:
        runs: One row for each run.
        x: Column of the parameter to the right; its name is the axis' label.
        y: Column of the parameter upwards.
        value: Column of the number.
        panel: Column of a third parameter, where there is one.
        words: Writes a number into its cell.

    Raises:
        ValueError: No run has that number.
    """
    if not runs[value].notna().any():
        raise ValueError(f"no run has a number for {value!r}")
    panels = [""] if panel is None else list(dict.fromkeys(runs[panel]))
    tables = [_table(_part(runs, panel, chosen), x, y, value) for chosen in panels]
    finite = [n for table in tables for n in table.to_numpy().flat if np.isfinite(n)] or [0.0]
    low, high = min(finite), max(finite)
    across = max(3.0, 0.62 * len(tables[0].columns))
    up = max(2.8, 0.3 * len(tables[0].index))
    figure = RunFigure(
        figsize=(2.0 + across * len(panels), 0.7 + up),
        layout=ConstrainedLayoutEngine(w_pad=0.06, wspace=0.02),
    )
    all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, table, chosen in zip(all_axes, tables, panels, strict=True):
        image = _draw(axes, table, low, high, words)
        if panel is not None:
            axes.set_title(f"{panel}: {chosen}", fontsize=NORMAL, color=INK)
        axes.set_xlabel(shortened(x, int(across / 0.07)), fontsize=NORMAL, color=INK)
    all_axes[0].set_ylabel(shortened(y), fontsize=NORMAL, color=INK)
    bar = figure.colorbar(image, ax=list(all_axes), shrink=0.9, pad=0.02)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda at, _: words(at)))
    bar.set_label(value, fontsize=NORMAL, color=INK)
    bar.ax.tick_params(labelsize=SMALL, colors=MUTED)
    bar.outline.set_visible(False)
    return figure


def _part(runs: pd.DataFrame, panel: str | None, chosen: object) -> pd.DataFrame:
    return runs if panel is None else runs[runs[panel] == chosen]


def _table(runs: pd.DataFrame, x: str, y: str, value: str) -> pd.DataFrame:
    """Mean of *value* over the runs of each cell, *y* down and *x* across."""
    known = runs.dropna(subset=[value])
    groups = known.groupby([y, x])
    cells = {at: over_replications(rows[value].tolist()).value for at, rows in groups}
    return pd.Series(cells).unstack().reindex(index=_order(runs[y]), columns=_order(runs[x]))


def _order(values: pd.Series[Any]) -> list[Any]:
    """Numbers by size; texts such as ``2s`` and ``10s`` as they come."""
    found = list(dict.fromkeys(values))
    return sorted(found) if pd.api.types.is_numeric_dtype(values) else found


def _tick(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value:g}"


def _draw(
    axes: Axes, table: pd.DataFrame, low: float, high: float, words: Callable[[float], str]
) -> AxesImage:
    room = 0.0 if high > low else abs(high) / 2 or 0.5
    image = axes.imshow(
        np.clip(table.to_numpy(), low, high),
        cmap=_COLOURS,
        vmin=low - room,
        vmax=high + room,
        origin="lower",
        aspect="auto",
    )
    axes.set_xticks(range(len(table.columns)), [_tick(at) for at in table.columns], fontsize=SMALL)
    axes.set_yticks(range(len(table.index)), [_tick(at) for at in table.index], fontsize=SMALL)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    for (row, column), found in np.ndenumerate(table.to_numpy()):
        if not np.isnan(found):
            bright = found > (low + high) / 2
            axes.text(
                column,
                row,
                words(found),
                ha="center",
                va="center",
                fontsize=SMALL,
                color=INK if bright else "white",
            )
    return image
