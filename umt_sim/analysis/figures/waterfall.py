"""The spans of one request over time, and what its answer waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.figures.sequence import short_name
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import GRID, INK, MUTED, SERIES, SMALL, TITLE, WRONG
from umt_sim.analysis.panels import style
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.wording import quantity
from umt_sim.measures.traces import Leg, Trace, critical_path

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["waterfall"]

_ROW = 0.25  # inches
_MOST_ROWS = 60
_LONGEST_NAME = 44
_NAMES = 250  # points kept for names, left of the bars


def waterfall(trace: Trace, title: str) -> RunFigure:
    """
    Draw *trace*: a bar for each span, in the colour of the program it belongs to.

    The line inside the bars is the critical path: what the answer waited for. Where it is
    dotted a message waited in its queue.

    Args:
        trace: The spans of one request; at most sixty are drawn, those that began first.
        title: What the request was.
    """
    rows = list(trace.walk())[:_MOST_ROWS]
    began = trace.roots[0].start
    figure = RunFigure(figsize=(10.5, 1.1 + _ROW * len(rows)), layout="constrained")
    axes = figure.subplots()
    colours = _colours(trace)
    for row, (_, span) in enumerate(rows):
        colour = colours[trace.participants[span.span_id]]
        _bar(axes, row, span.start - began, span.end - began, colour, span.status == "error")
    path = critical_path(trace)
    _path(axes, path, {span.span_id: row for row, (_, span) in enumerate(rows)}, began)
    style(axes, "")
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=GRID)
    axes.set_yticks(range(len(rows)), [_label(depth, span.name) for depth, span in rows])
    axes.tick_params(axis="y", length=0, labelcolor=INK, labelsize=SMALL, pad=_NAMES)
    for words in axes.get_yticklabels():
        words.set_horizontalalignment("left")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: quantity(x, Unit.SECONDS) if x else "0")
    )
    longest = max(span.end for _, span in rows) - began
    axes.set_xlim(0, 1.2 * longest or 1e-6)
    figure.suptitle(
        shortened(title, 80), x=0.01, ha="left", fontsize=TITLE, color=INK, weight="bold"
    )
    left_out = len(trace.spans) - len(rows)
    if left_out:
        axes.set_xlabel(f"{left_out} later spans are not shown", fontsize=SMALL, color=MUTED)
    _legend(axes, colours, waited=any(leg.waiting for leg in path))
    return figure


def _bar(axes: Axes, row: int, start: float, end: float, colour: str, failed: bool) -> None:
    axes.barh(
        row,
        end - start,
        left=start,
        height=0.66,
        color=colour,
        edgecolor=WRONG if failed else colour,
        linewidth=1.4 if failed else 0.6,
        alpha=0.85,
    )
    words = quantity(end - start, Unit.SECONDS) + ("  failed" if failed else "")
    axes.annotate(
        words,
        (end, row),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
        color=WRONG if failed else MUTED,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )


def _path(axes: Axes, path: Sequence[Leg], rows: dict[str, int], began: float) -> None:
    for leg in path:
        if leg.span.span_id in rows:
            axes.plot(
                [leg.start - began, leg.end - began],
                [rows[leg.span.span_id]] * 2,
                color=INK,
                linewidth=1.8,
                linestyle=(0, (1, 1.2)) if leg.waiting else "-",
                solid_capstyle="butt",
                zorder=4,
            )


def _label(depth: int, name: str) -> str:
    depth = min(depth, 8)
    return "   " * depth + shortened(short_name(name), _LONGEST_NAME - 2 * depth)


def _colours(trace: Trace) -> dict[str, str]:
    """A colour for each program, in order of appearance."""
    names = list(dict.fromkeys(trace.participants[span.span_id] for _, span in trace.walk()))
    return {name: SERIES[index % len(SERIES)] for index, name in enumerate(names)}


def _legend(axes: Axes, colours: dict[str, str], *, waited: bool) -> None:
    handles: list[Artist] = [
        Patch(color=shade, label=shortened(name, 24)) for name, shade in colours.items()
    ]
    handles.append(Line2D([], [], color=INK, linewidth=1.8, label="what the answer waited for"))
    if waited:
        dots = (0, (1, 1.2))
        handles.append(Line2D([], [], color=INK, linewidth=1.8, ls=dots, label="in a queue"))
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=min(len(handles), 5),
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        handlelength=1.2,
        columnspacing=1.4,
    )
