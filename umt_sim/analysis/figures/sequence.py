"""Who called whom for one request, in order: a sequence diagram, as a figure and as Mermaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.palette import GRID, INK, MUTED, WRONG
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.wording import quantity
from umt_sim.measures.traces import Hop, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["mermaid", "sequence", "short_name"]

_STEP = 0.3  # inches
_LETTER = 0.057  # inches, of an arrow's words
_MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class _Step:
    """One arrow: a call, its answer, or a message."""

    at: float
    source: str
    sink: str
    words: str
    answer: bool
    failed: bool


def sequence(trace: Trace, title: str) -> RunFigure:
    """
    Draw the calls and messages of *trace*, the first at the top; distances are not to scale.

    Args:
        trace: The spans of one request; at most sixty arrows are drawn.
        title: What the request was.
    """
    steps = _steps(trace.hops)[:_MOST_STEPS]
    names = _participants(steps)
    column = max(
        1.75, _LETTER * max((len(s.words) for s in steps if not s.answer), default=0) + 0.3
    )
    figure = RunFigure(
        figsize=(max(6.0, column * len(names) + 0.8), 1.2 + _STEP * len(steps)),
        layout="constrained",
    )
    axes = figure.subplots()
    for index, name in enumerate(names):
        axes.plot([index, index], [-0.6, len(steps) - 0.3], color=GRID, linewidth=1.4, zorder=1)
        axes.text(
            index,
            -0.75,
            name,
            ha="center",
            va="bottom",
            fontsize=9,
            color=INK,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": MUTED},
        )
    began = trace.roots[0].start
    for row, step in enumerate(steps):
        _arrow(axes, row, names.index(step.source), names.index(step.sink), step)
        axes.text(
            -1.05 / column,
            row,
            quantity(step.at - began, Unit.SECONDS),
            ha="right",
            va="center",
            fontsize=7.5,
            color=MUTED,
        )
    if not steps:
        axes.text(0, 0, "it called nobody", fontsize=9, color=MUTED)
    axes.set_xlim(-1.7 / column, max(len(names), 1) - 0.5)
    axes.set_ylim(len(steps) - 0.2, -1.9)
    axes.axis("off")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK, weight="bold")
    return figure


def _arrow(axes: Axes, row: int, source: int, sink: int, step: _Step) -> None:
    colour = WRONG if step.failed else MUTED if step.answer else INK
    axes.annotate(
        "",
        (sink, row),
        xytext=(source, row),
        arrowprops={
            "arrowstyle": "-|>",
            "color": colour,
            "linewidth": 1.0,
            "linestyle": (0, (3, 2)) if step.answer else "-",
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
    axes.text(
        (source + sink) / 2,
        row - 0.08,
        step.words,
        ha="center",
        va="bottom",
        fontsize=7.5,
        color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
        zorder=3,
    )


def mermaid(trace: Trace) -> str:
    """The same as Mermaid text, for a README or a wiki that draws it."""
    steps = _steps(trace.hops)
    names = _participants(steps)
    ids = {name: f"p{index}" for index, name in enumerate(names)}
    lines = ["sequenceDiagram", *(f"    participant {ids[n]} as {n}" for n in names)]
    for step in steps:
        head = "x" if step.failed else ">>"
        arrow = f"--{head}" if step.answer else f"-{head}"
        words = step.words.replace(";", ",").replace("#", "no. ")
        lines.append(f"    {ids[step.source]}{arrow}{ids[step.sink]}: {words}")
    return "\n".join(lines) + "\n"


def _steps(hops: Sequence[Hop]) -> list[_Step]:
    """Arrows in order of time; a message has no answer, and arrives when it is processed."""
    steps: list[_Step] = []
    for hop in hops:
        span = hop.span
        words = "deliver" if span.kind == "consumer" else short_name(span.name)
        failed = hop.failed and span.kind != "client"
        steps.append(_Step(span.start, hop.caller, hop.callee, words, answer=False, failed=failed))
        if span.kind == "client":
            took = quantity(span.end - span.start, Unit.SECONDS)
            words = f"error after {took}" if hop.failed else took
            steps.append(
                _Step(span.end, hop.callee, hop.caller, words, answer=True, failed=hop.failed)
            )
    return sorted(steps, key=lambda step: step.at)


def short_name(name: str) -> str:
    """``publish content.create`` for ``publish umt.tasks:content.create``: without the exchange."""
    operation, _, destination = name.partition(" ")
    if operation not in ("publish", "process"):
        return name
    return f"{operation} {destination.rpartition(':')[2]}".rstrip()


def _participants(steps: Sequence[_Step]) -> list[str]:
    """Programs and servers in order of appearance."""
    return list(dict.fromkeys(name for step in steps for name in (step.source, step.sink)))
