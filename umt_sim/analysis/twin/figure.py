"""Both runs over time, one drawn over the other, in the look of a single run's figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.layout_engine import ConstrainedLayoutEngine

from umt_sim.analysis import bands, panels
from umt_sim.analysis.figure import RunFigure, head
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import VERDICTS, WORLDS
from umt_sim.analysis.scales import duration_axis, time_axis
from umt_sim.analysis.twin.breakers import busy_breakers
from umt_sim.analysis.twin.comparisons import WORDS
from umt_sim.analysis.twin.messages import queues_of_either
from umt_sim.analysis.twin.requests import operations_of
from umt_sim.expectations.readings import Readings
from umt_sim.measures.counters import queue_depth
from umt_sim.measures.estimates import Floats, quantile_estimate
from umt_sim.measures.series import rate_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from umt_sim.analysis.twin.twin import Twin

__all__ = ["twin_figure"]

_WIDTH = 10.5  # inches
_HEAD = 0.36  # inches kept for the title and the verdict
_WIDTHS = {"sim": 2.8, "live": 1.1}  # points; where both run along, both are seen
_MOST_OPERATIONS = 3
_MOST_BREAKERS = 6

Pair = tuple[Readings, Readings]


def twin_figure(twin: Twin) -> RunFigure:
    """
    Draw *twin*: latency of each operation, goodput, errors, the longest queue, breakers.

    Raises:
        JournalError: A run ended before anything was measured.
    """
    pair = twin.pair
    sim = twin.sim.readings
    operations = operations_of(pair)[:_MOST_OPERATIONS]
    breakers = busy_breakers(pair)[:_MOST_BREAKERS]
    heights = [bands.height(sim.faults, sim.run), *(1.6 for _ in operations), 1.2, 1.0, 1.0]
    if breakers:
        heights.append(0.3 + 0.4 * len(breakers))
    height = sum(heights) + 1.1
    layout = ConstrainedLayoutEngine(h_pad=0.03, hspace=0.02, rect=(0, 0, 1, 1 - _HEAD / height))
    figure = RunFigure(figsize=(_WIDTH, height), layout=layout)
    axes = list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))
    edges = panels.bins_of(sim.run)
    strip, rest = axes[0], axes[1:]
    for operation in operations:
        _latency(rest.pop(0), pair, operation, edges)
    _answers(rest.pop(0), pair, edges, good=True)
    _answers(rest.pop(0), pair, edges, good=False)
    _queue(rest.pop(0), pair)
    if breakers:
        _breakers(rest.pop(0), pair, breakers)
    bands.draw(strip, sim.faults, axes[1:], sim.run)
    time_axis(axes[-1], sim.run)
    figure.align_ylabels(axes[1:])
    status = twin.status.value
    facts = f"sim and live world · seed {twin.seed}"
    head(figure, twin.name, facts, WORDS[status], VERDICTS[status])
    return figure


def _latency(axes: Axes, pair: Pair, operation: str, edges: Floats) -> None:
    """Median and 95th percentile of the successful requests of one operation."""
    panels.style(axes, f"latency of\n{shortened(operation, 20)}")
    floors = []
    for (world, colour), readings in zip(WORLDS.items(), pair, strict=True):
        requests = readings.requests_of(operation)
        good = requests.where(requests.ok)
        own = panels.filled(edges, len(good))
        panels.percentile_line(axes, good, own, 0.5, colour, f"{world} p50")
        panels.percentile_line(axes, good, own, 0.95, colour, f"{world} p95")
        fastest = quantile_estimate(good.sojourn_times(), 0.01).value
        if fastest is not None:
            floors.append(fastest / 2)
    low = max(1e-5, min(floors, default=1e-3))
    duration_axis(axes, "y", low, max(10 * low, 1.1 * axes.dataLim.y1))
    panels.legend(axes)


def _answers(axes: Axes, pair: Pair, edges: Floats, *, good: bool) -> None:
    """Good or bad answers of all operations per second."""
    panels.style(axes, "goodput / s" if good else "errors / s")
    for (world, colour), readings in zip(WORLDS.items(), pair, strict=True):
        requests = readings.requests
        times = requests.completed[requests.ok if good else ~requests.ok]
        axes.stairs(
            rate_series(times, edges),
            edges,
            baseline=None,
            color=colour,
            linewidth=1.3,
            label=world,
        )
    panels.counted(axes)
    panels.legend(axes)


def _queue(axes: Axes, pair: Pair) -> None:
    """The queue that got longest; requests in flight where no queue was sampled."""
    names = queues_of_either(pair)
    longest = max(
        names,
        key=lambda name: max(queue_depth(r.journal, name).maximum(r.run) for r in pair),
        default=None,
    )
    panels.style(axes, f"depth of\n{shortened(longest, 20)}" if longest else "in flight")
    for (world, colour), readings in zip(WORLDS.items(), pair, strict=True):
        steps = queue_depth(readings.journal, longest) if longest else readings.in_flight(None)
        panels.level(axes, steps, pair[0].run, colour, world, _WIDTHS[world])
    panels.counted(axes)
    panels.legend(axes)


def _breakers(axes: Axes, pair: Pair, names: list[str]) -> None:
    """Two lanes for each breaker, the sim's above the live world's."""
    shown: dict[str, None] = {}
    lanes: list[str] = []
    for name in names:
        for world, readings in zip(WORLDS, pair, strict=True):
            changes = readings.transitions(name)
            shown |= panels.state_lane(axes, len(lanes), changes, pair[0].run)
            lanes.append(f"{name}, {world}")
    panels.states_legend(axes, lanes, shown)
