"""The run over time: latency, rates, queues and breakers, with the faults shaded through all."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from umt_sim.analysis import panels
from umt_sim.analysis.palette import INK, MUTED, VERDICTS
from umt_sim.expectations.readings import Readings
from umt_sim.faults.timeline import BASELINE, RECOVERY
from umt_sim.measures.breakers import breakers_of
from umt_sim.measures.counters import queue_depth, queues_of
from umt_sim.measures.windows import RUN

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["RunFigure", "head", "run_figure"]

_WIDTH = 10.5  # inches
_HEAD = 0.36  # inches kept for the title and the verdict
_MOST_OPERATIONS = 5
_MOST_QUEUES = 4
_MOST_BREAKERS = 8


class RunFigure(Figure):
    """A figure that shows itself in a notebook, without pyplot and its global state."""

    def _repr_png_(self) -> bytes:
        return self.png(110)

    def png(self, dpi: float) -> bytes:
        """The figure as a PNG file."""
        image = io.BytesIO()
        FigureCanvasAgg(self)
        self.savefig(image, format="png", dpi=dpi)
        return image.getvalue()


def run_figure(result: Result, operations: Sequence[str] = ()) -> RunFigure:
    """
    Draw *result*.

    Args:
        result: The run.
        operations: Those to show; the first few of all when none is named.

    Raises:
        JournalError: The run ended before anything was measured.
        ValueError: An operation is named that the run did not have.
    """
    readings = result.readings
    run, windows = readings.run, readings.windows
    names = _chosen(readings, operations)
    broken = [w for w in windows.values() if w.name not in (RUN, BASELINE, RECOVERY)]
    lanes = max(panels.fault_lanes(broken, run), default=-1) + 1
    breakers = _telling_breakers(readings)
    heights = [0.24 * max(lanes, 0.1), 2.5, 1.4, 1.2]
    if breakers:
        heights.append(0.3 + 0.26 * len(breakers))
    height = sum(heights) + 1.1
    below_head = (0, 0, 1, 1 - _HEAD / height)
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.03, hspace=0.02, rect=below_head)
    figure = RunFigure(figsize=(_WIDTH, height), layout=layout)
    axes = list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))
    strip, latency, rates, queues = axes[:4]
    edges = panels.bins_of(run)
    panels.latency(latency, readings, names, edges)
    panels.rates(rates, readings, names, edges)
    panels.queues(queues, readings, _longest_queues(readings), edges)
    if breakers:
        panels.breakers(axes[4], readings, breakers, run)
    panels.faults(strip, broken, axes[1:], run)
    axes[-1].set_xlim(run.start, run.end)
    axes[-1].set_xlabel("seconds since the load began", color=INK, fontsize=9)
    figure.align_ylabels(axes[1:4])
    _head(figure, result)
    return figure


def _head(figure: Figure, result: Result) -> None:
    """Name, origin and verdict of the run above everything."""
    facts = [f"{result.world} world", f"seed {result.seed}"]
    if result.tape_hash:
        facts.append(f"tape {result.tape_hash[:12]}")
    status = result.status.value
    head(figure, result.name, " · ".join(facts), status.upper(), VERDICTS[status])


def head(figure: Figure, name: str, facts: str, words: str, colour: str) -> None:
    """Write *name* on the left, *facts* on the right, and *words* of a verdict in their colour."""
    figure.suptitle(
        name, x=0.012, y=0.99, ha="left", va="top", fontsize=13, color=INK, weight="bold"
    )
    figure.text(
        0.988,
        0.985,
        words,
        ha="right",
        va="top",
        fontsize=11,
        color=colour,
        weight="bold",
    )
    left = 0.988 - 0.0125 * len(words)
    figure.text(left, 0.982, facts, ha="right", va="top", fontsize=9, color=MUTED)


def _chosen(readings: Readings, operations: Sequence[str]) -> list[str]:
    """The operations to show, those asked for most first."""
    all_names = readings.requests.name.tolist()
    known = sorted(dict.fromkeys(all_names), key=lambda name: -all_names.count(name))
    for name in operations:
        if name not in known:
            raise ValueError(f"no operation {name!r} in this run; there are {', '.join(known)}")
    return list(operations) or known[:_MOST_OPERATIONS]


def _telling_breakers(readings: Readings) -> list[str]:
    """Breakers that ever changed their state."""
    names = [name for name in breakers_of(readings.journal) if readings.transitions(name)]
    return names[:_MOST_BREAKERS]


def _longest_queues(readings: Readings) -> list[str]:
    """The queues that got longest."""
    names = queues_of(readings.journal)
    depth = {name: queue_depth(readings.journal, name).maximum(readings.run) for name in names}
    return sorted(names, key=lambda name: -depth[name])[:_MOST_QUEUES]
