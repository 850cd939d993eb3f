"""
The parts of the figure of a run. Each draws one question's answer into given axes.

``faults`` what went wrong when, ``latency`` how long requests took, ``rates`` how many
were asked for, answered and refused, ``queues`` where work waited, ``breakers`` who
stopped calling.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from umt_sim.analysis.palette import FAULTS, GRID, INK, MUTED, SERIES, STATES, WRONG
from umt_sim.expectations.readings import Readings
from umt_sim.faults.timeline import Window
from umt_sim.journal.records import BreakerEvent
from umt_sim.measures.breakers import stays
from umt_sim.measures.counters import queue_depth
from umt_sim.measures.estimates import Floats, quantile_estimate
from umt_sim.measures.requests import Requests
from umt_sim.measures.series import quantile_series, rate_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "bins_of",
    "breakers",
    "fault_lanes",
    "faults",
    "filled",
    "lanes_of",
    "latency",
    "latency_scale",
    "legend",
    "percentile_line",
    "queues",
    "rates",
    "state_lane",
    "states_legend",
    "style",
]

_MOST_POINTS = 6_000  # more are invisible and make files slow


def bins_of(run: Window, most: int = 150) -> Floats:
    """Edges of equal stretches of a round length, at most *most* of them, over *run*."""
    rough = run.duration / most
    power = 10.0 ** math.floor(math.log10(rough))
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= rough)
    first = math.floor(run.start / width)
    last = math.ceil(run.end / width)
    edges: Floats = np.arange(first, last + 1, dtype=np.float64) * width
    return edges


def style(axes: Axes, label: str) -> None:
    """Give *axes* the common look, with *label* on its left."""
    axes.set_ylabel(label, color=INK, fontsize=9)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=8, length=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c9ccd1")


def fault_lanes(windows: Sequence[Window], run: Window) -> list[int]:
    """A lane for each fault so that neither bars nor names of two cover each other."""
    return lanes_of([_with_name(window, run) for window in windows])


def lanes_of(windows: Sequence[Window]) -> list[int]:
    """A lane for each window so that no two that overlap share one."""
    free: list[float] = []
    lanes = []
    for window in windows:
        lane = next((n for n, until in enumerate(free) if until <= window.start), len(free))
        if lane == len(free):
            free.append(0.0)
        free[lane] = window.end
        lanes.append(lane)
    return lanes


def faults(axes: Axes, windows: Sequence[Window], below: Sequence[Axes], run: Window) -> None:
    """Name each fault in a strip of its own and shade its window through *below*."""
    lanes = fault_lanes(windows, run)
    for index, (window, lane) in enumerate(zip(windows, lanes, strict=True)):
        colour = FAULTS[index % len(FAULTS)]
        width = max(window.duration, run.duration / 400)
        axes.barh(lane, width, left=window.start, height=0.86, color=colour)
        _name_of_fault(axes, window, lane, run)
        for panel in below:
            panel.axvspan(
                window.start, window.start + width, color=colour, alpha=0.45, lw=0, zorder=0
            )
    axes.set_ylim(max(lanes, default=0) + 0.6, -0.6)
    axes.axis("off")


def _name_of_fault(axes: Axes, window: Window, lane: int, run: Window) -> None:
    """Write the name into its bar, or beside it where the bar is too short."""
    taken = _with_name(window, run)
    if taken == window:
        x, align = (window.start + window.end) / 2, "center"
    elif taken.start < window.start:
        x, align = window.start - run.duration * 0.004, "right"
    else:
        x, align = window.end + run.duration * 0.004, "left"
    axes.text(x, lane, window.name, ha=align, va="center", fontsize=8, color=INK)


def _with_name(window: Window, run: Window) -> Window:
    """The stretch that a fault's bar and its name take."""
    room = (len(window.name) + 1) * run.duration * 0.0088
    if room <= window.duration:
        return window
    if window.end + room > run.end:
        return Window(window.name, window.start - room, window.end)
    return Window(window.name, window.start, window.end + room)


def latency(axes: Axes, readings: Readings, names: Sequence[str], edges: Floats) -> None:
    """Every request as a point, percentiles over them, on a logarithmic scale."""
    style(axes, "latency")
    several = len(names) > 1
    floor = _floor(readings.requests.where(np.isin(readings.requests.name, list(names))))
    for colour, name in zip(cycle(SERIES), names, strict=False):
        requests = readings.requests_of(name)
        good = requests.where(requests.ok)
        own = filled(edges, len(good.scheduled))
        _points(axes, good, floor, colour)
        percentile_line(axes, good, own, 0.5, colour, f"{name} p50" if several else "p50")
        percentile_line(axes, good, own, 0.95, colour, f"{name} p95" if several else "p95")
    bad = readings.requests.where(readings.requests.answered & ~readings.requests.ok)
    bad = bad.where(np.isin(bad.name, list(names)))
    _points(axes, bad, floor, WRONG, label="failed", marker="x")
    latency_scale(axes, floor)
    legend(axes)


def latency_scale(axes: Axes, floor: float) -> None:
    """A logarithmic scale of durations from *floor* seconds up."""
    axes.set_yscale("log")
    axes.set_ylim(bottom=floor * 0.8)
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 3.0), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(_duration_label))
    axes.yaxis.set_minor_locator(NullLocator())


def _floor(requests: Requests) -> float:
    """
    The least latency shown, in seconds; what is faster is drawn there.

    A refusal takes no time at all, and a logarithmic axis has no room for that.
    """
    fastest = quantile_estimate(requests.where(requests.ok).sojourn_times(), 0.01).value
    return 1e-4 if fastest is None else max(1e-6, fastest / 5)


def _points(
    axes: Axes,
    requests: Requests,
    floor: float,
    colour: str,
    *,
    label: str | None = None,
    marker: str = "o",
) -> None:
    if not len(requests):
        return
    stride = -(-len(requests) // _MOST_POINTS)
    axes.scatter(
        requests.scheduled[::stride],
        np.maximum(requests.completed - requests.scheduled, floor)[::stride],
        s=9 if marker == "x" else 5,
        marker=marker,
        color=colour,
        alpha=0.45 if marker == "x" else 0.16,
        linewidths=0.7 if marker == "x" else 0,
        label=label,
        rasterized=True,
        zorder=2,
    )


def filled(edges: Floats, count: int) -> Floats:
    """*edges* thinned until *count* observations put some twenty into a bin on average."""
    bins = len(edges) - 1
    step = max(1, math.ceil(bins * 20 / max(count, 20)))
    thinned: Floats = edges[::step]
    return thinned if thinned[-1] == edges[-1] else np.append(thinned, edges[-1])


def percentile_line(
    axes: Axes, requests: Requests, edges: Floats, q: float, colour: str, label: str
) -> None:
    """The *q* quantile of *requests* in each stretch between *edges*; a tail is drawn heavier."""
    values = quantile_series(requests, edges, q)
    centres = (edges[:-1] + edges[1:]) / 2
    heavy = q > 0.5
    axes.plot(
        centres,
        values,
        color=colour,
        linewidth=1.9 if heavy else 1.1,
        linestyle="-" if heavy else (0, (4, 1.5)),
        label=label,
        zorder=3,
    )


def rates(axes: Axes, readings: Readings, names: Sequence[str], edges: Floats) -> None:
    """Requests asked for, answered well, and failed, per second."""
    style(axes, "requests / s")
    requests = readings.requests.where(np.isin(readings.requests.name, list(names)))
    offered = rate_series(requests.scheduled, edges)
    good = rate_series(requests.completed[requests.ok], edges)
    bad = rate_series(requests.completed[~requests.ok], edges)
    axes.stairs(good, edges, fill=True, color=SERIES[1], alpha=0.28, label="goodput")
    axes.stairs(good, edges, baseline=None, color=SERIES[1], linewidth=1.2)
    axes.stairs(bad, edges, fill=True, color=WRONG, alpha=0.45, label="errors")
    axes.stairs(
        offered,
        edges,
        baseline=None,
        color=INK,
        linewidth=1.0,
        linestyle=(0, (4, 1.5)),
        label="offered",
    )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    legend(axes)


def queues(axes: Axes, readings: Readings, names: Sequence[str], edges: Floats) -> None:
    """The longest queues over time; requests in flight where no queue was sampled."""
    style(axes, "queue depth" if names else "in flight")
    moments = np.unique(np.concatenate((edges, np.linspace(edges[0], edges[-1], 600))))
    for colour, name in zip(SERIES, names, strict=False):
        steps = queue_depth(readings.journal, name)
        values = [steps.at(moment) for moment in moments]
        axes.step(moments, values, where="post", color=colour, linewidth=1.3, label=name)
    if not names:
        steps = readings.in_flight(None)
        values = [steps.at(moment) for moment in moments]
        axes.step(moments, values, where="post", color=INK, linewidth=1.2)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    if names:
        legend(axes)


def breakers(axes: Axes, readings: Readings, names: Sequence[str], run: Window) -> None:
    """A lane for each breaker, coloured by its state."""
    shown: dict[str, None] = {}
    for lane, name in enumerate(names):
        shown |= state_lane(axes, lane, readings.transitions(name), run)
    states_legend(axes, names, shown)


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


def states_legend(axes: Axes, names: Sequence[str], shown: Collection[str]) -> None:
    """Name each lane, and say which colour is which of the states *shown*."""
    style(axes, "")
    axes.grid(visible=False)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    patches = [
        Patch(color=colour, label=state.replace("_", "-"))
        for state, colour in STATES.items()
        if state in shown
    ]
    legend(axes, patches)


def legend(axes: Axes, handles: Sequence[Patch] | None = None) -> None:
    """A legend to the right of *axes*, where it hides nothing."""
    given = {"handles": handles} if handles is not None else {}
    legend = axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.005, 1.02),
        frameon=False,
        fontsize=8,
        handlelength=1.6,
        labelcolor=INK,
        borderaxespad=0.0,
        **given,
    )
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_alpha(1)  # one point must be seen; those in the panel are many


def _duration_label(seconds: float, _: int) -> str:
    if seconds >= 1:
        return f"{seconds:g} s"
    return f"{seconds * 1e3:g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:g} µs"
