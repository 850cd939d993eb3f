"""Faults in a figure: a strip with their names, and a band through every panel below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import FAULTS, INK, MUTED, SMALL
from umt_sim.faults.timeline import Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Faults", "draw", "height"]

Faults = Mapping[str, Sequence[Window]]
"""When each fault is in force, by its name."""

_Stretch = tuple[float, float]  # beginning and length

_LANE = 0.26  # inches
_LETTER = 0.0105  # of the axis' length that a letter takes
_LONGEST = 28  # letters of a name
_MOST_LANES = 8
_LEAST = 1 / 300  # of the axis' length; a shorter bar could not be seen


def height(faults: Faults, run: Window) -> float:
    """Inches that the strip needs."""
    lanes, named = _lanes(_inside(faults, run), run)
    return _LANE * max(max(lanes, default=-1) + 1 + (not named), 0.1)


def draw(strip: Axes, faults: Faults, below: Sequence[Axes], run: Window) -> None:
    """Name each of *faults* in *strip* and shade when it was in force through *below*."""
    faults = _inside(faults, run)
    lanes, named = _lanes(faults, run)
    bars: dict[tuple[str, int], list[_Stretch]] = {}
    shades: dict[str, list[_Stretch]] = {}
    for (name, parts), lane, colour in zip(faults.items(), lanes, cycle(FAULTS), strict=False):
        stretches = [(part.start, max(part.duration, run.duration * _LEAST)) for part in parts]
        bars.setdefault((colour, lane), []).extend(stretches)
        shades.setdefault(colour, []).extend(stretches)
        if named:
            _write(strip, name, parts, lane, run)
    for (colour, lane), stretches in bars.items():
        strip.broken_barh(stretches, (lane - 0.43, 0.86), facecolor=colour, edgecolor=MUTED, lw=0.4)
    for panel in below:
        for colour, stretches in shades.items():
            _shade(panel, stretches, colour)
    rows = max(lanes, default=0) + 1
    if not named:
        words = f"{len(faults)} faults, too many to name"
        strip.text(run.start, rows, words, va="center", fontsize=SMALL, color=MUTED)
    strip.set_ylim(rows - 0.4 + (not named), -0.6)
    strip.axis("off")


def _shade(panel: Axes, stretches: Sequence[_Stretch], colour: str) -> None:
    """From the lower end of *panel* to its upper one."""
    panel.broken_barh(
        stretches,
        (0, 1),
        transform=panel.get_xaxis_transform(),
        facecolor=colour,
        alpha=0.5,
        lw=0,
        zorder=0,
    )


def _inside(faults: Faults, run: Window) -> Faults:
    """What of each fault falls into *run*."""
    found = {
        name: [
            Window(name, max(part.start, run.start), min(part.end, run.end))
            for part in parts
            if part.start < run.end and part.end >= run.start
        ]
        for name, parts in faults.items()
    }
    return {name: parts for name, parts in found.items() if parts}


def _lanes(faults: Faults, run: Window) -> tuple[list[int], bool]:
    """A lane for each fault, so that neither bars nor names collide; whether names find room."""
    lanes = _free_lanes([_with_name(name, parts, run) for name, parts in faults.items()])
    if max(lanes, default=0) < _MOST_LANES:
        return lanes, True
    spans = [Window(name, parts[0].start, parts[-1].end) for name, parts in faults.items()]
    return [lane % _MOST_LANES for lane in _free_lanes(spans)], False


def _free_lanes(windows: Sequence[Window]) -> list[int]:
    """The first lane for each window that no other it overlaps is in."""
    free: list[float] = []
    lanes = []
    for window in windows:
        lane = next((n for n, until in enumerate(free) if until <= window.start), len(free))
        if lane == len(free):
            free.append(0.0)
        free[lane] = window.end
        lanes.append(lane)
    return lanes


def _write(strip: Axes, name: str, parts: Sequence[Window], lane: int, run: Window) -> None:
    """Write the name into its only bar, or beside its bars where that is too short."""
    taken, gap = _with_name(name, parts, run), run.duration * 0.006
    first, last = parts[0], parts[-1]
    if taken.start < first.start:
        x, align = first.start - gap, "right"
    elif taken.end > last.end:
        x, align = max(last.end, last.start + run.duration * _LEAST) + gap, "left"
    else:
        x, align = (first.start + last.end) / 2, "center"
    words = shortened(name, _LONGEST)
    strip.text(x, lane, words, ha=align, va="center", fontsize=SMALL, color=INK)


def _with_name(name: str, parts: Sequence[Window], run: Window) -> Window:
    """The stretch that a fault's bars and its name take."""
    room = (len(shortened(name, _LONGEST)) + 2) * run.duration * _LETTER
    start, end = parts[0].start, max(part.end for part in parts)
    if len(parts) == 1 and room <= parts[0].duration:
        return Window(name, start, end)
    if end + room <= run.end:
        return Window(name, start, end + room)
    return (
        Window(name, start - room, end) if start - room >= run.start else Window(name, start, end)
    )
