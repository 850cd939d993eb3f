"""Programs and servers, and the calls between them with their rate, errors and latency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import INK, LETTER, MUTED, NORMAL, SMALL, TITLE, WRONG
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.wording import quantity
from umt_sim.measures.topology import Edge

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["topology"]

_BAD = 0.01  # share of errors from which on an edge is drawn as failing
_WIDE, _THIN = 4.0, 0.8  # points
_CALM = "#7d8ea3"
_PROGRAM, _SERVER = "#eef4fb", "#fbf6e9"

# All lengths are inches: the axes fill the figure, one unit an inch.
_LINE = 0.29  # from one edge to the next
_BETWEEN = 0.34  # from one box to the next
_SLANT = 1.25  # width of the stretch in which edges go up and down to their server
_NAME, _WORD = LETTER * NORMAL * 1.1, LETTER * SMALL  # width of a letter of a name, of words
_TITLE = LETTER * TITLE * 1.25  # width of a letter of the title
_HEAD, _FOOT, _SIDE = 0.55, 0.4, 0.15

_KEY = "calls per second · 95th percentile · share that failed; orange: more than 1 %"

_NOTHING = "no span tells of a call to another program or server in this window"


@dataclass(slots=True)
class _Box:
    """A program or a server in the drawing."""

    name: str
    colour: str
    x: float
    y: float
    width: float
    height: float

    def edge_towards(self, x: float) -> float:
        """Its left or right side, whichever looks to *x*."""
        return self.x + (self.width / 2 if x > self.x else -self.width / 2)


def topology(edges: Sequence[Edge], title: str, *, chosen: bool = False) -> RunFigure:
    """
    Draw who talks to whom: brokers left, programs in the middle, servers right.

    An arrow is as wide as its rate, and orange where more than one call in a hundred fails.
    Its words stand beside the program: calls per second, 95th percentile, share of failures.

    Args:
        edges: What ``umt_sim.measures.topology.edges`` found.
        title: Above the figure.
        chosen: Whether only some traces were kept, so that rates and shares are of these.
    """
    key = _KEY + "; of the traces that were kept" * chosen if edges else _NOTHING
    programs, ports = _programs(edges)
    servers = _servers(edges, ports, programs)
    boxes = [*programs.values(), *servers.values()]
    left = min((box.x - box.width / 2 for box in boxes), default=0.0) - _SIDE
    right = max((box.x + box.width / 2 for box in boxes), default=5.0) + _SIDE
    right = max(right, left + _WORD * len(key))
    bottom = max((box.y + box.height / 2 for box in boxes), default=0.5)
    figure = RunFigure(figsize=(right - left, bottom + _HEAD + _FOOT))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(left, right)
    axes.set_ylim(bottom + _FOOT, -_HEAD)
    axes.axis("off")
    title = shortened(title, int((right - left) / _TITLE))
    axes.text(left + _SIDE, -_HEAD + 0.25, title, fontsize=TITLE, color=INK, weight="bold")
    axes.text(left + _SIDE, bottom + _FOOT - 0.12, key, fontsize=SMALL, color=MUTED)
    for box in boxes:
        _draw_box(axes, box)
    most = max((edge.per_second for edge in edges), default=1.0)
    for server in servers.values():
        own = [(edge, y) for edge, y in ports if _server(edge) == server.name]
        for (edge, y), end in zip(own, _spread(server, len(own)), strict=True):
            _draw_edge(axes, edge, programs[_program(edge)], y, server, end, most)
    return figure


def _draw_box(axes: Axes, box: _Box) -> None:
    corner = (box.x - box.width / 2, box.y - box.height / 2)
    axes.add_patch(
        Rectangle(corner, box.width, box.height, facecolor=box.colour, edgecolor=MUTED, lw=0.9)
    )
    name = shortened(box.name)
    axes.text(box.x, box.y, name, ha="center", va="center", fontsize=NORMAL, color=INK)


def _draw_edge(
    axes: Axes, edge: Edge, program: _Box, y: float, server: _Box, end: float, most: float
) -> None:
    """Level beside the program, under its words; then up or down to its server."""
    side = 1 if server.x > program.x else -1
    near = program.edge_towards(server.x)
    far = server.edge_towards(program.x)
    points = [(near, y), (far - side * _SLANT, y), (far, end)]
    colour = WRONG if _failing(edge) else _CALM
    axes.add_patch(
        FancyArrowPatch(
            path=Path(points[::-1] if edge.delivers else points),
            arrowstyle="-|>",
            mutation_scale=11,
            linewidth=_THIN + (_WIDE - _THIN) * edge.per_second / most,
            color=colour,
            alpha=0.8,
            capstyle="butt",
            joinstyle="round",
        )
    )
    axes.text(
        near + side * 0.16,
        y - 0.05,
        _words(edge),
        ha="left" if side > 0 else "right",
        va="bottom",
        fontsize=SMALL,
        color=WRONG if _failing(edge) else INK,
    )


def _failing(edge: Edge) -> bool:
    return (edge.error_rate.value or 0.0) >= _BAD


def _words(edge: Edge) -> str:
    words = [quantity(edge.per_second, Unit.RATE), quantity(edge.p95.value, Unit.SECONDS)]
    if edge.error_rate.value:
        words.append(f"{quantity(edge.error_rate.value, Unit.SHARE)} failed")
    return " · ".join(words)


def _programs(edges: Sequence[Edge]) -> tuple[dict[str, _Box], list[tuple[Edge, float]]]:
    """Programs below each other, and the height at which each edge leaves or enters its own."""
    brokers = _brokers(edges)
    names = sorted({_program(edge) for edge in edges})
    width = _room_for(names)
    boxes: dict[str, _Box] = {}
    ports: list[tuple[Edge, float]] = []
    top = 0.0
    for name in names:
        own = [edge for edge in edges if _program(edge) == name]
        left = [edge for edge in own if _server(edge) in brokers]
        sides = (left, [edge for edge in own if edge not in left])
        height = (max(len(side) for side in sides) + 0.35) * _LINE
        box = boxes[name] = _Box(name, _PROGRAM, 0.0, top + height / 2, width, height)
        for side in sides:
            ports += zip(side, _spread(box, len(side)), strict=True)
        top += height + _BETWEEN
    return boxes, ports


def _servers(
    edges: Sequence[Edge], ports: Sequence[tuple[Edge, float]], programs: dict[str, _Box]
) -> dict[str, _Box]:
    """Brokers left and other servers right, in the order of the edges that lead to them."""
    brokers = _brokers(edges)
    names = sorted({_server(edge) for edge in edges}, key=lambda name: _level(name, ports))
    bottom = max((box.y + box.height / 2 for box in programs.values()), default=0.0)
    beside = _room_for([*programs]) / 2 + _SLANT
    words = _WORD * max((len(_words(edge)) for edge in edges), default=0) + 0.2
    boxes = {}
    for side, column in (
        (-1, [name for name in names if name in brokers]),
        (1, [name for name in names if name not in brokers]),
    ):
        width = _room_for(column)
        x = side * (beside + words + width / 2)
        for row, name in enumerate(column):
            count = sum(_server(edge) == name for edge in edges)
            y = (row + 0.5) * bottom / len(column)
            boxes[name] = _Box(name, _SERVER, x, y, width, 0.26 + 0.13 * count)
    return boxes


def _level(name: str, ports: Sequence[tuple[Edge, float]]) -> float:
    heights = [y for edge, y in ports if _server(edge) == name]
    return sum(heights) / len(heights)


def _spread(box: _Box, count: int) -> Iterator[float]:
    """Heights of *count* edges at the side of *box*."""
    step = box.height / (count + 0.35) if count else 0.0
    return (box.y + (row - (count - 1) / 2) * step for row in range(count))


def _room_for(names: Sequence[str]) -> float:
    return _NAME * max((len(shortened(name)) for name in names), default=0) + 0.3


def _brokers(edges: Sequence[Edge]) -> set[str]:
    return {edge.caller for edge in edges if edge.delivers}


def _program(edge: Edge) -> str:
    return edge.callee if edge.delivers else edge.caller


def _server(edge: Edge) -> str:
    return edge.caller if edge.delivers else edge.callee
