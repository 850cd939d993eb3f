"""Latency over time as a heat map, and its distribution with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from umt_sim.analysis import panels
from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.palette import INK, MUTED, ORANGE, SERIES
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.wording import quantity
from umt_sim.faults.timeline import BASELINE, RECOVERY, Window
from umt_sim.measures.estimates import Floats, quantile_estimate
from umt_sim.measures.requests import Requests
from umt_sim.measures.series import latency_counts, quantile_series
from umt_sim.measures.windows import RUN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["distribution", "heat_map"]

_ROWS_PER_DECADE = 12
_SHADES = LinearSegmentedColormap.from_list("counts", ["#c3d7ec", "#56B4E9", "#0072B2", "#0b2545"])
_QUANTILES = np.concatenate((np.linspace(0.02, 0.98, 49), [0.99]))


def heat_map(readings: Readings, operation: str) -> RunFigure:
    """
    Draw how many requests of *operation* took how long over time, faults shaded.

    Each cell is a count; the lines are the median and the 95th percentile. Requests never
    answered are in the topmost row.
    """
    requests = readings.requests_of(operation)
    run = readings.run
    edges = panels.bins_of(run, 120)
    rows = _rows(requests)
    figure = RunFigure(figsize=(10.5, 4.2), layout="constrained")
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=(0.28, 3.4))
    panels.style(axes, "latency")
    counts = latency_counts(requests, edges, rows)
    mesh = axes.pcolormesh(
        edges,
        rows,
        np.where(counts > 0, counts, np.nan),
        cmap=_SHADES,
        norm=LogNorm(1, max([2.0, *counts.flat])),
        rasterized=True,
    )
    own = panels.filled(edges, len(requests))
    centres = (own[:-1] + own[1:]) / 2
    for q, style in ((0.5, (0, (4, 1.5))), (0.95, "-")):
        values = quantile_series(requests, own, q)
        axes.plot(centres, values, color=ORANGE, lw=1.7, linestyle=style, label=f"p{q * 100:g}")
    axes.set_yscale("log")
    _durations(axes)
    broken = [w for w in readings.windows.values() if w.name not in (RUN, BASELINE, RECOVERY)]
    panels.faults(strip, broken, [axes], run)
    axes.set_xlim(run.start, run.end)
    axes.set_xlabel("seconds since the load began", color=INK, fontsize=9)
    axes.legend(loc="lower left", frameon=False, fontsize=8, labelcolor=INK, ncols=2)
    bar = figure.colorbar(mesh, ax=axes, pad=0.01)
    bar.ax.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:g}"))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.set_label("requests", color=INK, fontsize=9)
    bar.ax.tick_params(colors=MUTED, labelsize=8)
    figure.suptitle(
        f"{operation}: latency", x=0.01, ha="left", fontsize=11, color=INK, weight="bold"
    )
    return figure


def distribution(readings: Readings, operation: str, windows: Sequence[str]) -> RunFigure:
    """
    Draw the share of requests of *operation* answered within a time, one line a window.

    The band is the 95 % interval of each quantile, from batches of consecutive requests.

    Args:
        readings: The run.
        operation: Whose.
        windows: Names of those to show; those without a request are left out.
    """
    figure = RunFigure(figsize=(8.8, 4.4), layout="constrained")
    axes = figure.subplots()
    panels.style(axes, "share answered within")
    for colour, name in zip(cycle(SERIES), windows, strict=False):
        window = readings.windows[name]
        requests = readings.requests_in(operation, window)
        if len(requests):
            _curve(axes, readings, window, requests, colour)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0), numticks=30))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: quantity(x, Unit.SECONDS)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:g} %"))
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("latency from the scheduled arrival", color=INK, fontsize=9)
    panels.legend(axes)
    axes.set_title(
        f"{operation}: distribution of latency", loc="left", fontsize=11, color=INK, weight="bold"
    )
    return figure


def _curve(axes: Axes, readings: Readings, window: Window, requests: Requests, colour: str) -> None:
    batching = readings.batching(window)
    sojourn = requests.sojourn_times()
    estimates = [quantile_estimate(sojourn, q, batching) for q in _QUANTILES]
    known = [(q, e) for q, e in zip(_QUANTILES, estimates, strict=True) if e.value is not None]
    values = [e.value for e in estimates if e.value is not None]
    name = "whole run" if window.name == RUN else window.name
    label = f"{name}, n = {len(sojourn)}" if known else f"{name}: no answer to {len(requests)}"
    axes.plot(
        values,
        [q for q, _ in known],
        color=colour,
        linewidth=1.8,
        drawstyle="steps-post",
        label=label,
    )
    bounded = [(q, e.low, e.high) for q, e in known if e.low is not None and e.high is not None]
    finite = [(q, low, high) for q, low, high in bounded if np.isfinite(high)]
    if finite:
        q, low, high = np.array(finite).T
        axes.fill_betweenx(q, low, high, color=colour, alpha=0.18, lw=0)


def _rows(requests: Requests) -> Floats:
    """
    Ends of latency rows, evenly spaced on a logarithmic scale.

    A refusal takes no time at all; what is far below the usual is put into the lowest row.
    """
    good = requests.where(requests.ok).sojourn_times()
    usual = quantile_estimate(good, 0.01).value
    low = 1e-4 if usual is None else max(1e-6, usual / 3)
    answered = requests.completed[requests.answered] - requests.scheduled[requests.answered]
    high = max([low * 10, *answered.tolist()]) * 1.1
    decades = float(np.log10(high / low))
    rows: Floats = np.geomspace(low, high, int(decades * _ROWS_PER_DECADE) + 2)
    return rows


def _durations(axes: Axes) -> None:
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0), numticks=30))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: quantity(y, Unit.SECONDS)))
    axes.yaxis.set_minor_locator(NullLocator())
