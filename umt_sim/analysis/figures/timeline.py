"""What a plan would do, over time: its load, its faults, what is measured."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from umt_sim.analysis import bands
from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import GRID, INK, MUTED, SERIES, SMALL, TITLE
from umt_sim.analysis.panels import legend, nothing, style
from umt_sim.analysis.scales import time_axis
from umt_sim.faults.timeline import Window
from umt_sim.measures.windows import fault_of
from umt_sim.scenario.plan import Plan
from umt_sim.workload.values import ClosedUsers, Load, OpenArrivals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["timeline"]


def timeline(plan: Plan) -> RunFigure:
    """
    Draw the plan: offered load, faults shaded, warm-up and drain grey.

    Users who wait for their answers have no rate of their own; they are named in the legend.
    """
    whole = Window(plan.name, 0.0, plan.clock.duration + plan.clock.drain)
    faults: dict[str, list[Window]] = {}
    for fault in plan.timeline.faults:
        window = Window(fault.name, fault.at, fault.until)
        faults.setdefault(fault_of(fault.name), []).append(window)
    above = bands.height(faults, whole) if faults else 0.2
    figure = RunFigure(figsize=(10.5, 2.5 + above), layout="constrained")
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=(above, 1.9))
    axes.axvspan(0, plan.clock.warmup, color=GRID, alpha=0.7, lw=0)
    axes.axvspan(plan.clock.duration, whole.end, color=GRID, alpha=0.7, lw=0)
    _load(axes, plan)
    bands.draw(strip, faults, [axes], whole)
    if not faults:
        strip.text(0.0, 0.0, "no faults", va="center", fontsize=SMALL, color=MUTED)
    time_axis(axes, whole, "since the load begins; warm-up and drain are grey")
    title = shortened(plan.name, 60)
    figure.suptitle(title, x=0.01, ha="left", fontsize=TITLE, color=INK, weight="bold")
    return figure


def _load(axes: Axes, plan: Plan) -> None:
    style(axes, "requests / s")
    for colour, load in zip(cycle(SERIES), plan.workload, strict=False):
        times, rates = _rates(load, plan.clock.duration)
        axes.plot(times, rates, color=colour, linewidth=1.8, label=_name(load))
    if not np.isfinite(axes.dataLim.x0):
        nothing(axes, "no rate of its own: users who wait, or arrivals that were recorded")
    axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
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
    name = shortened(load.name)
    match load.arrivals:
        case OpenArrivals():
            return name
        case ClosedUsers(users=users):
            return f"{name} ({users} users)"
        case _:
            return f"{name} (recorded)"
