"""What a plan would do, over time: its load, its faults, what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.palette import FAULTS, GRID, INK, MUTED, SERIES
from umt_sim.analysis.panels import lanes_of, legend, style
from umt_sim.faults.timeline import Window
from umt_sim.measures.windows import fault_of
from umt_sim.scenario.plan import Plan
from umt_sim.workload.values import ClosedUsers, Load, OpenArrivals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["timeline"]


def timeline(plan: Plan) -> RunFigure:
    """
    Draw the plan: offered load above, faults as bars below, warm-up and drain shaded.

    Users who wait for their answers have no rate of their own; they are named in the legend.
    """
    end = plan.clock.duration + plan.clock.drain
    faults: dict[str, list[Window]] = {}
    for fault in plan.timeline.faults:
        window = Window(fault.name, fault.at, fault.until)
        faults.setdefault(fault_of(fault.name), []).append(window)
    lanes = lanes_of([_room(name, parts, end) for name, parts in faults.items()])
    rows = max(lanes, default=0) + 1
    figure = RunFigure(figsize=(10.5, 2.5 + 0.3 * rows), layout="constrained")
    load, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.0, 0.3 * rows + 0.1))
    for axes in (load, below):
        axes.axvspan(0, plan.clock.warmup, color=GRID, alpha=0.7, lw=0)
        axes.axvspan(plan.clock.duration, end, color=GRID, alpha=0.7, lw=0)
    _load(load, plan)
    for index, ((name, parts), lane) in enumerate(zip(faults.items(), lanes, strict=True)):
        _fault(below, name, parts, lane, FAULTS[index % len(FAULTS)], end)
    style(below, "")
    below.grid(visible=False)
    below.set_yticks([])
    below.spines["left"].set_visible(False)
    below.set_ylim(rows - 0.4, -0.6)
    below.set_xlim(0, end)
    below.set_xlabel("seconds; warm-up and drain are grey", color=INK, fontsize=9)
    figure.suptitle(plan.name, x=0.01, ha="left", fontsize=12, color=INK, weight="bold")
    return figure


def _load(axes: Axes, plan: Plan) -> None:
    style(axes, "requests / s")
    for colour, load in zip(cycle(SERIES), plan.workload, strict=False):
        times, rates = _rates(load, plan.clock.duration)
        axes.plot(times, rates, color=colour, linewidth=1.8, label=_name(load))
    axes.set_ylim(bottom=0)
    legend(axes)


def _rates(load: Load, until: float) -> tuple[list[float], list[float]]:
    """The corners of the offered rate; nothing for loads that have none."""
    if not isinstance(load.arrivals, OpenArrivals):
        return [], []
    times, rates, at = [], [], 0.0
    stages = load.arrivals.stages
    for stage in cycle(stages) if load.arrivals.repeat else stages:
        times += [at, min(at + stage.duration, until)]
        rates += [stage.start_rate, stage.end_rate]
        at += stage.duration
        if at >= until:
            break
    if times and times[-1] < until:
        times.append(until)
        rates.append(rates[-1])
    return times, rates


def _name(load: Load) -> str:
    match load.arrivals:
        case OpenArrivals():
            return load.name
        case ClosedUsers(users=users):
            return f"{load.name} ({users} users)"
        case _:
            return f"{load.name} (recorded)"


def _fault(
    axes: Axes, name: str, parts: Sequence[Window], lane: int, colour: str, end: float
) -> None:
    """A bar for each part of a fault, its name inside the only one or after the last."""
    for part in parts:
        width = max(part.duration, end / 300)
        axes.barh(lane, width, left=part.start, height=0.8, color=colour, edgecolor=MUTED, lw=0.5)
    inside = len(parts) == 1 and _wide(name, end) < parts[0].duration
    last = parts[-1]
    axes.text(
        (last.start + last.end) / 2 if inside else last.end + end * 0.006,
        lane,
        name,
        ha="center" if inside else "left",
        va="center",
        fontsize=8,
        color=INK,
    )


def _room(name: str, parts: Sequence[Window], end: float) -> Window:
    """The stretch that a fault and its name take."""
    return Window(name, parts[0].start, parts[-1].end + _wide(name, end))


def _wide(name: str, end: float) -> float:
    """About how many seconds of the axis *name* covers."""
    return (len(name) + 2) * end * 0.0085
