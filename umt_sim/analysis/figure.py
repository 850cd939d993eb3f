"""The run over time: latency, rates, queues and breakers, with the faults shaded through all."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from umt_sim.analysis import bands, panels
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import INK, MUTED, SMALL, TITLE, VERDICTS
from umt_sim.analysis.scales import time_axis
from umt_sim.expectations.readings import Readings
from umt_sim.measures.breakers import breakers_of
from umt_sim.measures.counters import queue_depth, queues_of
from umt_sim.measures.requests import Requests

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

    def html(self, words: str) -> str:
        """The figure as an HTML element that needs no network; *words* say what it shows."""
        data = base64.b64encode(self.png(100)).decode()
        return (
            f'<img alt="{escape(words)}" style="max-width:100%" src="data:image/png;base64,{data}">'
        )


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
    run, faults = readings.run, readings.faults
    names, left_out = _chosen(readings, operations)
    all_queues, all_breakers = _longest_queues(readings), _telling_breakers(readings)
    breakers = all_breakers[:_MOST_BREAKERS]
    heights = [bands.height(faults, run), 2.6, 1.45, 1.3]
    if breakers:
        heights.append(0.35 + 0.27 * max(len(breakers), 2))
    height = sum(heights) + 1.1
    below_head = (0, 0, 1, 1 - _HEAD / height)
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.03, hspace=0.02, rect=below_head)
    figure = RunFigure(figsize=(_WIDTH, height), layout=layout)
    axes = list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))
    strip, latency, rates, queues = axes[:4]
    edges = panels.bins_of(run)
    panels.latency(latency, readings, names, edges, _more(left_out, "operation"))
    panels.rates(rates, _requests(readings, operations), edges, panels.boundaries(readings))
    shown = all_queues[:_MOST_QUEUES]
    panels.queues(queues, readings, shown, _more(len(all_queues) - len(shown), "shorter queue"))
    if breakers:
        more = _more(len(all_breakers) - len(breakers), "breaker")
        panels.breakers(axes[4], readings, breakers, more)
    bands.draw(strip, faults, axes[1:], run)
    time_axis(axes[-1], run)
    figure.align_ylabels(axes[1:4])
    _head(figure, result)
    return figure


def _more(count: int, noun: str) -> str:
    """What a legend says of *count* things that are not shown."""
    return f"and {count} more {noun}{'s' if count > 1 else ''}" if count else ""


def _requests(readings: Readings, operations: Sequence[str]) -> Requests:
    """Those due in the run, of *operations* or of all."""
    requests = readings.requests
    return requests.where(np.isin(requests.name, list(operations))) if operations else requests


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
        shortened(name, 38),
        x=0.012,
        y=0.99,
        ha="left",
        va="top",
        fontsize=TITLE,
        color=INK,
        weight="bold",
    )
    right: Any = {"ha": "right", "va": "top"}
    figure.text(0.988, 0.985, words, fontsize=12, color=colour, weight="bold", **right)
    left = 0.988 - 0.0135 * len(words)
    figure.text(left, 0.982, facts, fontsize=SMALL, color=MUTED, **right)


def _chosen(readings: Readings, operations: Sequence[str]) -> tuple[list[str], int]:
    """The operations to show, those asked for most first, and how many are left out."""
    all_names = readings.requests.name.tolist()
    known = sorted(dict.fromkeys(all_names), key=lambda name: -all_names.count(name))
    for name in operations:
        if name not in known:
            raise ValueError(f"no operation {name!r} in this run; there are {', '.join(known)}")
    chosen = known[:_MOST_OPERATIONS]
    return (list(operations), 0) if operations else (chosen, len(known) - len(chosen))


def _telling_breakers(readings: Readings) -> list[str]:
    """Breakers that ever changed their state."""
    return [name for name in breakers_of(readings.journal) if readings.transitions(name)]


def _longest_queues(readings: Readings) -> list[str]:
    """The queues, the longest first; those that were always empty are left out."""
    names = queues_of(readings.journal)
    depth = {name: queue_depth(readings.journal, name).maximum(readings.run) for name in names}
    return sorted((name for name in names if depth[name] > 0), key=lambda name: -depth[name])
