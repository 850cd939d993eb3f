"""Axes that people read: moments of a run in a unit that suits it, durations on a log scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, MultipleLocator, NullLocator

from umt_sim.analysis.palette import INK, NORMAL
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.wording import quantity
from umt_sim.faults.timeline import Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

__all__ = ["duration_axis", "round_below", "time_axis"]

_MINUTE, _HOUR = 60.0, 3600.0
_ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440)  # steps of minutes and hours
_MOST_MARKS = 10
_NARROW = 4.0  # ends of a duration axis are at least so many times apart


def time_axis(axes: Axes, run: Window, words: str = "since the load began") -> None:
    """Show moments of *run* below *axes*: in seconds or, of a long run, in minutes or hours."""
    axes.set_xlim(run.start, run.end)
    unit, name = _unit(run.duration)
    axes.set_xlabel(f"{name} {words}", color=INK, fontsize=NORMAL)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at / unit:g}"))
    if name == "seconds":
        axes.xaxis.set_major_locator(MaxNLocator(_MOST_MARKS, steps=[1, 2, 5, 10]))
        return
    rough = run.duration / _MOST_MARKS / _MINUTE
    step = next((step for step in _ROUND if step >= rough), math.ceil(rough / 1440) * 1440)
    axes.xaxis.set_major_locator(MultipleLocator(step * _MINUTE))


def _unit(duration: float) -> tuple[float, str]:
    if duration <= 10 * _MINUTE:
        return 1.0, "seconds"
    return (_MINUTE, "minutes") if duration <= 3 * _HOUR else (_HOUR, "hours")


def duration_axis(
    axes: Axes, side: str, low: float, high: float, marked: Mapping[float, str] | None = None
) -> None:
    """
    Give *axes* a logarithmic scale of durations with a few round numbers on it.

    Args:
        axes: Where.
        side: ``x`` or ``y``.
        low: Its lower end, in seconds.
        high: Its upper end.
        marked: What is written at which duration, beside the round numbers.
    """
    room = math.sqrt(max(1.0, _NARROW * low / high))
    low, high = low / room, high * room
    axis: Axis = axes.xaxis if side == "x" else axes.yaxis
    axes.set(**{f"{side}scale": "log", f"{side}lim": (low, high)})
    words = dict(marked or {})
    apart = (high / low) ** 0.05
    ticks = [at for at in _round_durations(low, high) if all(_far(at, m, apart) for m in words)]
    axis.set_major_locator(FixedLocator([*ticks, *words]))
    axis.set_major_formatter(
        FuncFormatter(lambda at, _: words.get(at) or quantity(at, Unit.SECONDS))
    )
    axis.set_minor_locator(NullLocator())


def _far(one: float, other: float, apart: float) -> bool:
    return not 1 / apart < one / other < apart


def _round_durations(low: float, high: float) -> list[float]:
    """Some ten round numbers between the two."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**decade for decade in decades for step in steps]
        inside = [at for at in found if low <= at <= high]
        if len(inside) <= _MOST_MARKS:
            break
    return inside


def round_below(seconds: float) -> float:
    """The largest of 1, 2 and 5 with zeros that is not above *seconds*."""
    decade = 10.0 ** math.floor(math.log10(seconds))
    return max(step * decade for step in (1, 2, 5) if step * decade <= seconds)
