"""
The parts of the figure of a run. Each draws one question's answer into given axes.

``latency`` how long requests took, ``rates`` how many were asked for, answered and
refused, ``queues`` where work waited, ``breakers`` who stopped calling.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import GRID, INK, MUTED, NORMAL, SERIES, SMALL, STATES, WRONG
from umt_sim.analysis.scales import duration_axis, round_below
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.expectations.wording import quantity
from umt_sim.faults.timeline import Window
from umt_sim.journal.records import BreakerEvent
from umt_sim.measures.breakers import stays
from umt_sim.measures.counters import queue_depth
from umt_sim.measures.estimates import Floats, quantile_estimate
from umt_sim.measures.requests import Requests
from umt_sim.measures.series import quantile_series, rate_series
from umt_sim.measures.steps import Steps

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = [
    "PERCENTILES",
    "bins_of",
    "boundaries",
    "breakers",
    "counted",
    "filled",
    "latency",
    "legend",
    "level",
    "nothing",
    "percentile_line",
    "queues",
    "rates",
    "state_lane",
    "states_legend",
    "style",
]

_MOST_POINTS = 6_000  # more are invisible and make files slow
_FEW_POINTS = 300  # so many can be drawn boldly
_MOST_CUTS = 30
_MOST_LEVELS = 600  # stretches in which a level is shown

PERCENTILES = ((0.5, 1), (0.95, 3))
"""Those drawn, and how many times the median's observations each needs not to be noise."""


def bins_of(run: Window, most: int = 150) -> Floats:
    """Edges of equal stretches of a round length, at most *most* of them, over *run*."""
    rough = run.duration / most
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
    inner = np.arange(math.floor(run.start / width) + 1, math.ceil(run.end / width)) * width
    edges: Floats = np.concatenate(([run.start], inner, [run.end]))
    return edges


def filled(edges: Floats, count: int, cuts: Sequence[float] = ()) -> Floats:
    """
    *edges* thinned until *count* observations put some thirty into a stretch on average.

    Args:
        edges: Of equal stretches.
        count: Observations in all of them.
        cuts: Moments that are edges, too, instead of those near them: then no stretch is half
            inside a fault and half outside. Too many are left alone.
    """
    bins = len(edges) - 1
    step = min(bins, math.ceil(bins * 30 / max(count, 1)))
    thinned: Floats = np.append(edges[:-1:step], edges[-1])
    inside = [cut for cut in cuts if edges[0] < cut < edges[-1]]
    if len(inside) > _MOST_CUTS:
        return thinned
    near = (thinned[1] - thinned[0]) / 2
    kept = [e for e in thinned[1:-1] if all(abs(e - cut) >= near for cut in inside)]
    return np.unique([thinned[0], *kept, *inside, thinned[-1]])


def boundaries(readings: Readings) -> list[float]:
    """When faults began and ended."""
    parts = [part for parts in readings.faults.values() for part in parts]
    return [moment for part in parts for moment in (part.start, part.end)]


def style(axes: Axes, label: str) -> None:
    """Give *axes* the common look, with *label* on its left."""
    axes.set_ylabel(label, color=INK, fontsize=NORMAL)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=SMALL, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c9ccd1")


def nothing(axes: Axes, words: str) -> None:
    """Say in *axes* why it is empty."""
    axes.set_yticks([])
    axes.text(
        0.5,
        0.5,
        words,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=NORMAL,
        color=MUTED,
    )


def latency(
    axes: Axes, readings: Readings, names: Sequence[str], edges: Floats, more: str = ""
) -> None:
    """
    Every request as a point, percentiles over them, on a logarithmic scale.

    A refusal takes no time at all, and a logarithmic axis has no room for that: what is
    faster than its lower end is drawn there. What was never answered is drawn at the upper one.
    """
    style(axes, "latency")
    requests = readings.requests.scheduled_in(readings.run)
    requests = requests.where(np.isin(requests.name, list(names)))
    if not len(requests):
        nothing(axes, "no request was due")
        return
    low, high, marked = _latency_ends(requests)
    for colour, name in zip(cycle(SERIES), names, strict=False):
        good = requests.named(name)
        good = good.where(good.ok)
        words = f"{shortened(name)} " if len(names) > 1 else ""
        _points(axes, good, (low, high), colour)
        for q, count in PERCENTILES:
            own = filled(edges, len(good) // count, boundaries(readings))
            percentile_line(axes, good, own, q, colour, f"{words}p{q * 100:g}")
    bad = requests.where(requests.answered & ~requests.ok)
    _points(axes, bad, (low, high), WRONG, label="failed", marker="x")
    lost = requests.where(~requests.answered)
    _points(axes, lost, (low, high), WRONG, label="never answered", marker="^")
    duration_axis(axes, "y", low * 0.85, high * 1.2, marked)
    legend(axes, more=more)


def _latency_ends(requests: Requests) -> tuple[float, float, dict[float, str]]:
    """The least and the largest latency that are shown, and what their marks say."""
    fastest = quantile_estimate(requests.where(requests.ok).sojourn_times(), 0.01).value
    took = requests.completed[requests.answered] - requests.scheduled[requests.answered]
    low = round_below(1e-4 if fastest is None else max(1e-6, fastest / 5))
    high = max([low * 2, *took.tolist()])
    marked = {}
    if (took < low).any():
        marked[low] = f"≤ {quantity(low, Unit.SECONDS)}"
    if not requests.answered.all():
        high *= 2
        marked[high] = "no answer"
    return low, high, marked


def _points(
    axes: Axes,
    requests: Requests,
    ends: tuple[float, float],
    colour: str,
    *,
    label: str | None = None,
    marker: str = "o",
) -> None:
    if not len(requests):
        return
    stride = -(-len(requests) // _MOST_POINTS)
    bold = len(requests) <= _FEW_POINTS
    crowd = marker == "o"
    axes.scatter(
        requests.scheduled[::stride],
        np.clip(requests.completed - requests.scheduled, *ends)[::stride],
        s=(9 if bold else 5) if crowd else 12,
        marker=marker,
        color=colour,
        alpha=(0.5 if bold else 0.16) if crowd else 0.5,
        linewidths=0 if crowd else 0.8,
        label=label,
        rasterized=True,
        zorder=2,
    )


def percentile_line(
    axes: Axes, requests: Requests, edges: Floats, q: float, colour: str, label: str, **look: Any
) -> None:
    """The *q* quantile of *requests* in each stretch between *edges*; a tail is drawn heavier."""
    values = quantile_series(requests, edges, q)
    heavy = q > 0.5
    axes.plot(
        edges,
        np.append(values, values[-1]),
        drawstyle="steps-post",
        color=colour,
        linewidth=1.9 if heavy else 1.1,
        linestyle="-" if heavy else (0, (4, 1.5)),
        label=label,
        zorder=3,
        **look,
    )


def rates(axes: Axes, requests: Requests, edges: Floats, cuts: Sequence[float]) -> None:
    """Requests asked for, answered well, and failed, per second, in stretches cut at *cuts*."""
    style(axes, "requests / s")
    if not len(requests):
        nothing(axes, "no request was due")
        return
    own = filled(edges, len(requests), cuts)
    offered = rate_series(requests.scheduled, own)
    good = rate_series(requests.completed[requests.ok], own)
    bad = rate_series(requests.completed[~requests.ok], own)
    axes.stairs(good, own, fill=True, color=SERIES[1], alpha=0.28, label="goodput")
    axes.stairs(good, own, baseline=None, color=SERIES[1], linewidth=1.2)
    if bad.any():
        axes.stairs(bad, own, fill=True, color=WRONG, alpha=0.7, label="errors")
    axes.stairs(
        offered,
        own,
        baseline=None,
        color=INK,
        linewidth=1.0,
        linestyle=(0, (4, 1.5)),
        label="offered",
    )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    legend(axes)


def queues(axes: Axes, readings: Readings, names: Sequence[str], more: str = "") -> None:
    """The longest queues over time; requests in flight where no queue was sampled."""
    style(axes, "queue depth" if names else "in flight")
    for colour, name in zip(SERIES, names, strict=False):
        depth = queue_depth(readings.journal, name)
        level(axes, depth, readings.run, colour, shortened(name))
    if not names:
        level(axes, readings.in_flight(None), readings.run, INK)
    counted(axes)
    legend(axes, more=more)


def level(
    axes: Axes,
    steps: Steps,
    run: Window,
    colour: str,
    label: str | None = None,
    linewidth: float = 1.3,
) -> None:
    """The largest value in each of some hundred stretches: a peak is never left out."""
    edges = bins_of(run, _MOST_LEVELS)
    peaks = steps.peaks(edges)
    axes.stairs(peaks, edges, baseline=None, color=colour, linewidth=linewidth, label=label)


def counted(axes: Axes) -> None:
    """An axis of whole numbers from zero."""
    axes.set_ylim(0, max(1.1, axes.get_ylim()[1]))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))


def breakers(axes: Axes, readings: Readings, names: Sequence[str], more: str = "") -> None:
    """A lane for each breaker, coloured by its state."""
    shown: dict[str, None] = {}
    for lane, name in enumerate(names):
        shown |= state_lane(axes, lane, readings.transitions(name), readings.run)
    states_legend(axes, names, shown, more)


def state_lane(
    axes: Axes, lane: int, changes: Sequence[BreakerEvent], run: Window
) -> dict[str, None]:
    """Draw the states of one breaker into *lane*, and return them in order of appearance."""
    shown: dict[str, None] = {}
    for stay in stays(changes, run):
        shown[stay.state] = None
        axes.barh(
            lane,
            max(stay.end - stay.start, run.duration / 500),
            left=stay.start,
            height=0.62,
            color=STATES.get(stay.state, MUTED),
            zorder=2 if stay.state == "closed" else 3,
        )
    return shown


def states_legend(axes: Axes, names: Sequence[str], shown: Collection[str], more: str = "") -> None:
    """Name each lane, and say which colour is which of the states *shown*."""
    style(axes, "")
    axes.grid(visible=False)
    axes.set_yticks(range(len(names)), [shortened(name, 34) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    patches = [
        Patch(color=colour, label=state.replace("_", "-"))
        for state, colour in STATES.items()
        if state in shown
    ]
    legend(axes, patches, more)


def legend(axes: Axes, handles: Sequence[Artist] | None = None, more: str = "") -> None:
    """
    A legend to the right of *axes*, where it hides nothing.

    Args:
        axes: Whose.
        handles: What it explains; everything with a label when left out.
        more: A last line, about what is not shown.
    """
    found = list(handles) if handles is not None else axes.get_legend_handles_labels()[0]
    if more:
        found.append(Line2D([], [], linestyle="none", label=more))
    if not found:
        return
    legend = axes.legend(
        handles=found,
        loc="upper left",
        bbox_to_anchor=(1.005, 1.02),
        frameon=False,
        fontsize=SMALL,
        handlelength=1.6,
        labelcolor=INK,
        borderaxespad=0.0,
    )
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_alpha(1)  # one point must be seen; those in the panel are many
