"""Who called whom for one request, in order: a sequence diagram, as a figure and as Mermaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.names import shortened
from umt_sim.analysis.palette import GRID, INK, LETTER, MUTED, NORMAL, SMALL, TITLE, WRONG
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.wording import quantity
from umt_sim.measures.traces import Hop, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["mermaid", "sequence", "short_name"]

_STEP = 0.3  # inches
_NAME = 16  # letters of a line of a participant's name
_WORDS = 44  # letters of an arrow's words: they may be wider than it, for no other is beside it
_COLUMN = LETTER * NORMAL * _NAME + 0.15  # inches from one participant to the next
_LEFT, _RIGHT = 1.7, 1.0  # inches beside the first and the last
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
    all_steps = _steps(trace.hops)
    steps = all_steps[:_MOST_STEPS]
    names = _participants(steps)
    wide = _COLUMN * max(len(names) - 1, 0)
    figure = RunFigure(
        figsize=(max(6.0, wide + _LEFT + _RIGHT), 1.5 + _STEP * len(steps)),
        layout="constrained",
    )
    axes = figure.subplots()
    for index, name in enumerate(names):
        axes.plot([index, index], [-0.6, len(steps) - 0.3], color=GRID, linewidth=1.4, zorder=1)
        axes.text(
            index,
            -0.95,
            fill(shortened(name, 2 * _NAME - 4), _NAME),
            ha="center",
            va="bottom",
            fontsize=NORMAL,
            color=INK,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": MUTED},
        )
    began = trace.roots[0].start
    for row, step in enumerate(steps):
        _arrow(axes, row, names.index(step.source), names.index(step.sink), step)
        axes.text(
            -1.05 / _COLUMN,
            row,
            quantity(step.at - began, Unit.SECONDS),
            ha="right",
            va="center",
            fontsize=SMALL,
            color=MUTED,
        )
    if not steps:
        axes.text(0, 0, "it called nobody", fontsize=NORMAL, color=MUTED)
    axes.text(
        -1.65 / _COLUMN,
        len(steps) + 0.1,
        _key(steps, len(all_steps)),
        va="center",
        fontsize=SMALL,
        color=MUTED,
    )
    axes.set_xlim(-_LEFT / _COLUMN, (max(wide, 6.0 - _LEFT - _RIGHT) + _RIGHT) / _COLUMN)
    axes.set_ylim(len(steps) + 0.5, -2.6)
    axes.axis("off")
    figure.suptitle(
        shortened(title, int(figure.get_figwidth() / 0.12)),
        x=0.01,
        ha="left",
        fontsize=TITLE,
        color=INK,
        weight="bold",
    )
    return figure


def _key(steps: Sequence[_Step], count: int) -> str:
    """What the colours mean, and what is not shown."""
    words = ["orange ended in an error"] * any(step.failed for step in steps)
    words += ["dashed is an answer"] * any(step.answer for step in steps)
    words += [f"{count - len(steps)} later arrows are not shown"] * (count > len(steps))
    return "; ".join(words)


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
        fontsize=SMALL,
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
        words = "deliver" if span.kind == "consumer" else shortened(short_name(span.name), _WORDS)
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
