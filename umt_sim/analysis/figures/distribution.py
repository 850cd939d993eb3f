"""The share of requests that were answered within a time, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter

from umt_sim.analysis import panels
from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import INK, NORMAL, SERIES, TITLE
from umt_sim.analysis.scales import duration_axis
from umt_sim.expectations.readings import Readings
from umt_sim.faults.timeline import Window
from umt_sim.measures.estimates import quantile_estimate
from umt_sim.measures.requests import Requests
from umt_sim.measures.windows import RUN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["distribution"]

_QUANTILES = np.concatenate((np.linspace(0.02, 0.98, 49), [0.99]))
_MOST_WINDOWS = 7  # as many as there are colours


def distribution(readings: Readings, operation: str, windows: Sequence[str]) -> RunFigure:
    """
    Draw the share of successful requests of *operation* answered within a time, a line a window.

    The band is the 95 % interval of each quantile, from batches of consecutive requests.
    How many failed is in the legend: they have no latency.

    Args:
        readings: The run.
        operation: Whose.
        windows: Names of those to show; those without a request are left out.
    """
    figure = RunFigure(figsize=(9.5, 4.6), layout="constrained")
    axes = figure.subplots()
    panels.style(axes, "share of the successful")
    asked = [name for name in windows if len(_requests(readings, operation, name))]
    chosen = asked if len(asked) <= _MOST_WINDOWS else [*asked[: _MOST_WINDOWS - 1], asked[-1]]
    for colour, name in zip(cycle(SERIES), chosen, strict=False):
        requests = _requests(readings, operation, name)
        _curve(axes, readings, readings.windows[name], requests, colour)
    if np.isfinite(axes.dataLim.x0):
        duration_axis(axes, "x", axes.dataLim.x0 * 0.9, axes.dataLim.x1 * 1.1)
    else:
        panels.nothing(axes, "no request succeeded" if asked else "no request was due")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:g} %"))
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("latency from the scheduled arrival", color=INK, fontsize=NORMAL)
    left_out = len(asked) - len(chosen)
    panels.legend(axes, more=f"and {left_out} more windows" if left_out else "")
    title = f"{shortened(operation, 40)}: distribution of latency"
    axes.set_title(title, loc="left", fontsize=TITLE, color=INK, weight="bold")
    return figure


def _requests(readings: Readings, operation: str, window: str) -> Requests:
    return readings.requests_in(operation, readings.windows[window])


def _curve(axes: Axes, readings: Readings, window: Window, requests: Requests, colour: str) -> None:
    batching = readings.batching(window)
    sojourn = requests.sojourn_times()
    estimates = [quantile_estimate(sojourn, q, batching) for q in _QUANTILES]
    known = [(q, e) for q, e in zip(_QUANTILES, estimates, strict=True) if e.value is not None]
    values = [e.value for e in estimates if e.value is not None]
    axes.plot(
        values,
        [q for q, _ in known],
        color=colour,
        linewidth=1.8,
        drawstyle="steps-post",
        label=_words(window, requests),
    )
    bounded = [(q, e.low, e.high) for q, e in known if e.low is not None and e.high is not None]
    finite = [(q, low, high) for q, low, high in bounded if np.isfinite(high)]
    if finite:
        q, low, high = np.array(finite).T
        axes.fill_betweenx(q, low, high, color=colour, alpha=0.18, lw=0)


def _words(window: Window, requests: Requests) -> str:
    """What the legend says of a window: how many succeeded, failed, and never got an answer."""
    failed = int((requests.answered & ~requests.ok).sum())
    lost = int((~requests.answered).sum())
    words = [f"n = {int(requests.ok.sum())}"]
    words += [f"{failed} failed"] * bool(failed) + [f"{lost} unanswered"] * bool(lost)
    name = "whole run" if window.name == RUN else shortened(window.name, 24)
    return f"{name}: {', '.join(words)}"
