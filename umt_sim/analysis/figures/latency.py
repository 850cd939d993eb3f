"""Latency over time as a heat map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from umt_sim.analysis import bands, panels
from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import INK, MUTED, NORMAL, SMALL, TITLE, WRONG
from umt_sim.analysis.scales import duration_axis, time_axis
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.wording import quantity
from umt_sim.measures.estimates import Floats, quantile_estimate
from umt_sim.measures.requests import Requests
from umt_sim.measures.series import latency_counts

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

__all__ = ["heat_map"]

_ROWS_PER_DECADE = 12
_GOOD = LinearSegmentedColormap.from_list("good", ["#c3d7ec", "#56B4E9", "#0072B2", "#0b2545"])
_BAD = LinearSegmentedColormap.from_list("bad", ["#f7d9c4", "#ee9a5d", WRONG, "#5e2900"])
_HALO = [withStroke(linewidth=4, foreground="white")]  # a line is seen on pale and dark cells


def heat_map(readings: Readings, operation: str) -> RunFigure:
    """
    Draw how many requests of *operation* took how long over time, faults shaded.

    Each cell is a count, in orange where most of these failed; the lines are the median and
    the 95th percentile of those that succeeded. Requests never answered have a row of their
    own on top, and whatever was much faster than usual is in the lowest one.
    """
    run = readings.run
    requests = readings.requests_in(operation, run)
    edges = panels.bins_of(run, 120)
    rows, marked = _rows(requests)
    above = bands.height(readings.faults, run)
    figure = RunFigure(figsize=(10.5, 4.0 + above), layout="constrained")
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=(above, 3.4))
    panels.style(axes, "latency")
    mesh, some_failed = _cells(axes, requests, edges, rows)
    lines = _percentiles(axes, readings, requests, edges)
    duration_axis(axes, "y", rows[0], rows[-1], marked)
    bands.draw(strip, readings.faults, [axes], run)
    time_axis(axes, run)
    _scale(figure, axes, mesh)
    if some_failed:
        lines.append(Patch(color=_BAD(0.6), label="most of them failed"))
    figure.legend(
        handles=lines, loc="upper right", ncols=3, frameon=False, fontsize=SMALL, labelcolor=INK
    )
    title = f"{shortened(operation, 40)}: latency"
    figure.suptitle(title, x=0.01, ha="left", fontsize=TITLE, color=INK, weight="bold")
    return figure


def _cells(axes: Axes, requests: Requests, edges: Floats, rows: Floats) -> tuple[QuadMesh, bool]:
    """Draw the counts; say whether there are cells in which most requests failed."""
    counts = latency_counts(requests, edges, rows)
    failed = latency_counts(requests.where(~requests.ok), edges, rows)
    norm = LogNorm(1, max([2.0, *counts.flat]))
    mostly = failed * 2 > counts
    for where, colours in ((mostly, _BAD), ((counts > 0) & ~mostly, _GOOD)):
        shown = np.where(where, counts, np.nan)
        mesh = axes.pcolormesh(edges, rows, shown, cmap=colours, norm=norm, rasterized=True)
    return mesh, bool(mostly.any())


def _percentiles(axes: Axes, readings: Readings, requests: Requests, edges: Floats) -> list[Artist]:
    """Median and 95th percentile over time; the lines that can be seen, for the legend."""
    cuts = panels.boundaries(readings)
    for q, count in panels.PERCENTILES:
        own = panels.filled(edges, len(requests) // count, cuts)
        name = f"p{q * 100:g}"
        panels.percentile_line(axes, requests, own, q, INK, name, path_effects=_HALO)
    return [line for line in axes.lines if np.isfinite(np.asarray(line.get_ydata(), float)).any()]


def _scale(figure: RunFigure, axes: Axes, mesh: QuadMesh) -> None:
    """What the shades count."""
    bar = figure.colorbar(mesh, ax=axes, pad=0.01)
    bar.ax.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:g}"))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.set_label("requests", color=INK, fontsize=NORMAL)
    bar.ax.tick_params(colors=MUTED, labelsize=SMALL)
    bar.outline.set_visible(False)


def _rows(requests: Requests) -> tuple[Floats, dict[float, str]]:
    """Ends of latency rows, evenly spaced on a logarithmic scale, and what some of them say."""
    usual = quantile_estimate(requests.where(requests.ok).sojourn_times(), 0.01).value
    low = 1e-4 if usual is None else max(1e-6, usual / 3)
    took = requests.completed[requests.answered] - requests.scheduled[requests.answered]
    high = max([low * 10, *took.tolist()]) * 1.1
    decades = float(np.log10(high / low))
    rows: Floats = np.geomspace(low, high, int(decades * _ROWS_PER_DECADE) + 2)
    step = rows[1] / rows[0]
    marked = {}
    if (took < low).any():
        marked[float(low * step**0.5)] = f"≤ {quantity(float(rows[1]), Unit.SECONDS)}"
    if not requests.answered.all():
        rows = np.append(rows, rows[-1] * step**2)
        marked[float(rows[-1] / step)] = "no answer"
    return rows, marked
