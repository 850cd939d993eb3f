"""Programs and servers, and the calls between them with their rate, errors and latency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.patches import FancyArrowPatch

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.palette import INK, MUTED, WRONG
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.wording import quantity
from umt_sim.measures.topology import Edge

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["topology"]

_BAD = 0.01  # share of errors from which on an edge is drawn as failing
_WIDE, _THIN = 4.0, 0.8  # points
_BROKERS, _PROGRAMS, _SERVERS = 0.0, 1.0, 2.0  # columns
_WORDS = (0.27, 0.64)  # where an edge's words begin and end, from its program's middle
_LINE = 0.24  # height of a line of words; a program's rows are as many as its edges on one side
_CALM = "#7d8ea3"

Place = tuple[float, float]


def topology(edges: Sequence[Edge], title: str) -> RunFigure:
    """
    Draw who talks to whom: brokers left, programs in the middle, servers right.

    An arrow is as wide as its rate, and red where more than one call in a hundred fails.
    Its words stand beside the program: calls per second, 95th percentile, share of failures.

    Args:
        edges: What ``umt_sim.measures.topology.edges`` found.
        title: Above the figure.
    """
    ports = _ports(edges)
    bottom = max((y for _, y in ports), default=0.0) + 2 * _LINE
    places = _places(edges, ports, bottom)
    figure = RunFigure(figsize=(10.5, max(2.4, 1.15 * bottom + 0.6)), layout="constrained")
    axes = figure.subplots()
    most = max((edge.per_second for edge in edges), default=1.0)
    for edge, y in ports:
        _draw_edge(axes, edge, y, places, most)
    for name, (x, y) in places.items():
        _draw_node(axes, name, x, y)
    axes.set_xlim(_BROKERS - 0.25, _SERVERS + 0.25)
    axes.set_ylim(bottom, -2 * _LINE)
    axes.axis("off")
    axes.set_title(title, loc="left", fontsize=11, color=INK, weight="bold")
    return figure


def _draw_node(axes: Axes, name: str, x: float, y: float) -> None:
    program = x == _PROGRAMS
    axes.text(
        x,
        y,
        name,
        ha="center",
        va="center",
        fontsize=9,
        color=INK,
        zorder=5,
        bbox={
            "boxstyle": "round,pad=0.45" if program else "square,pad=0.5",
            "facecolor": "#eef4fb" if program else "#fbf6e9",
            "edgecolor": MUTED,
        },
    )


def _draw_edge(axes: Axes, edge: Edge, y: float, places: dict[str, Place], most: float) -> None:
    share = edge.error_rate.value or 0.0
    failing = share >= _BAD
    server = places[_server(edge)]
    side = 1 if server[0] == _SERVERS else -1
    near, far = (_PROGRAMS + side * distance for distance in _WORDS)
    ends = [(far, y), server]
    axes.add_patch(
        FancyArrowPatch(
            *(reversed(ends) if edge.delivers else ends),
            arrowstyle="-|>",
            mutation_scale=12,
            linewidth=_THIN + (_WIDE - _THIN) * edge.per_second / most,
            color=WRONG if failing else _CALM,
            alpha=0.8,
            shrinkA=36 if edge.delivers else 2,
            shrinkB=2 if edge.delivers else 36,
            zorder=2,
        )
    )
    words = f"{quantity(edge.per_second, Unit.RATE)}, p95 {quantity(edge.p95.value, Unit.SECONDS)}"
    if share > 0:
        words += f", {quantity(share, Unit.SHARE)} failed"
    axes.text(
        near,
        y,
        words,
        ha="left" if side > 0 else "right",
        va="center",
        fontsize=7.5,
        color=WRONG if failing else MUTED,
        zorder=4,
    )


def _ports(edges: Sequence[Edge]) -> list[tuple[Edge, float]]:
    """Every edge with the height of its words: programs below each other, edges side by side."""
    brokers = _brokers(edges)
    top, found = 0.0, []
    for program in sorted({_program(edge) for edge in edges}):
        own = [edge for edge in edges if _program(edge) == program]
        left = [edge for edge in own if _server(edge) in brokers]
        sides = (left, [edge for edge in own if edge not in left])
        height = max(len(side) for side in sides)
        for side in sides:
            first = top + (height - len(side)) * _LINE / 2
            found += [(edge, first + row * _LINE) for row, edge in enumerate(side)]
        top += height * _LINE + 1.5 * _LINE
    return found


def _places(
    edges: Sequence[Edge], ports: Sequence[tuple[Edge, float]], bottom: float
) -> dict[str, Place]:
    """A place for each name: programs beside the words of their edges, servers spread evenly."""
    brokers = _brokers(edges)
    servers = sorted({_server(edge) for edge in edges})
    places: dict[str, Place] = {}
    for x, column in (
        (_BROKERS, [name for name in servers if name in brokers]),
        (_SERVERS, [name for name in servers if name not in brokers]),
    ):
        room = (bottom - 2 * _LINE) / max(len(column), 1)
        places |= {name: (x, (row + 0.5) * room) for row, name in enumerate(column)}
    for program in sorted({_program(edge) for edge in edges}):
        heights = [y for edge, y in ports if _program(edge) == program]
        places[program] = (_PROGRAMS, (min(heights) + max(heights)) / 2)
    return places


def _brokers(edges: Sequence[Edge]) -> set[str]:
    return {edge.caller for edge in edges if edge.delivers}


def _program(edge: Edge) -> str:
    return edge.callee if edge.delivers else edge.caller


def _server(edge: Edge) -> str:
    return edge.caller if edge.delivers else edge.callee
