"""The HTML file of a run, or of two sets of runs compared."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment, StrictUndefined, Template

from umt_sim.analysis.figure import RunFigure
from umt_sim.analysis.figures.differences import differences
from umt_sim.analysis.names import heading
from umt_sim.analysis.palette import VERDICTS
from umt_sim.analysis.report.advice import Advice, advise
from umt_sim.analysis.reproduction import reproduction
from umt_sim.errors import JournalError
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.wording import interval, quantity
from umt_sim.journal.records import SpanRow
from umt_sim.measures.traces import slowest_traces

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["comparison_report", "refused_report", "run_report"]

_SLOWEST = 3
_DPI = 110


@dataclass(frozen=True, slots=True)
class _Picture:
    """A figure inside the file."""

    caption: str
    data: str


def run_report(result: Result, source: str | None = None) -> str:
    """
    The report of one run.

    Args:
        result: The run.
        source: Its scenario file as the reader knows it, for the line that reproduces it.

    Returns:
        A whole HTML document: no script, nothing from elsewhere, printable.
    """
    return _template().render(
        title=result.name,
        status=result.status.value,
        facts=_facts(result),
        hypothesis=str(result.plan.get("description", "")),
        verdicts=[_verdict_row(verdict) for verdict in result.verdict.verdicts],
        advice=_advice(result),
        tables=list(_tables(result)),
        pictures=list(_pictures(result)),
        traces=list(_traces(result)),
        reproduce=reproduction(result, source or f"{result.name}.yaml"),
        versions=result.journal.header.get("versions", {}),
        colours=VERDICTS,
    )


def comparison_report(comparison: pd.DataFrame, title: str, *, first: str, second: str) -> str:
    """
    The report of two policies compared.

    Args:
        comparison: What ``compare`` found.
        title: Above everything.
        first: How the first set of runs is called.
        second: How the second is.
    """
    clear = comparison[comparison["clear"].astype(bool)]
    picture = _picture(differences(comparison, ""), f"from {first} to {second}")
    return _template().render(
        title=title,
        status=None,
        facts=[f"{first} against {second}", f"{len(clear)} clear of {len(comparison)} numbers"],
        hypothesis="",
        verdicts=[],
        advice=[],
        tables=[("Differences", comparison.to_dict("records"), list(comparison.columns))],
        pictures=[picture],
        traces=[],
        reproduce="",
        versions={},
        colours=VERDICTS,
    )


def refused_report(title: str, status: str, error: str) -> str:
    """The report of a run that left nothing behind: why it did not."""
    return _template().render(
        title=title,
        status=status,
        facts=[error],
        hypothesis="",
        verdicts=[],
        advice=[],
        tables=[],
        pictures=[],
        traces=[],
        reproduce="",
        versions={},
        colours=VERDICTS,
    )


def _facts(result: Result) -> list[str]:
    facts = [result.where, f"seed {result.seed}"]
    if result.tape_hash:
        facts.append(f"tape {result.tape_hash}")
    if (ended := result.journal.header.get("ended", "completed")) != "completed":
        facts.append(f"the run was {ended}")
    return facts


def _verdict_row(verdict: Any) -> dict[str, str]:
    measured, spread, n = "", "", ""
    if verdict.estimate is not None:
        unit = Unit(verdict.unit)
        measured = quantity(verdict.estimate.value, unit)
        spread, n = interval(verdict.estimate, unit), str(verdict.estimate.n)
    return {
        "status": verdict.status.value,
        "name": verdict.name,
        "measured": measured,
        "interval": spread,
        "n": n,
        "evidence": verdict.evidence,
        "traceback": verdict.traceback or "",
    }


def _advice(result: Result) -> list[Advice]:
    try:
        return advise(result.readings)
    except JournalError:
        return []


def _tables(result: Result) -> Iterator[tuple[str, list[dict[Any, Any]], list[str]]]:
    try:
        found = (
            ("What the faults did", result.impact()),
            ("What the breakers were worth", result.breaker_worth()),
            ("Operations by window", result.summary()),
            ("Faults", result.faults),
        )
    except JournalError:
        return
    for name, frame in found:
        if len(frame):
            shown = frame.drop(columns=[c for c in frame if str(c).endswith(("_low", "_high"))])
            yield name, shown.to_dict("records"), list(shown.columns)


def _pictures(result: Result) -> Iterator[_Picture]:
    try:
        yield _picture(result.figures.overview(), "The run over time; faults are shaded.")
    except JournalError:
        return
    operations = list(dict.fromkeys(result.readings.requests.name.tolist()))
    for name in operations[:2]:
        yield _picture(result.figures.heat_map(name), f"How long {name} took.")
    if result.journal.of(SpanRow):
        worst = next((w for w in result.faults["name"] if w in result.readings.windows), None)
        caption = "Who talks to whom" + (f" during {worst}." if worst else ".")
        topology = result.figures.topology(worst) if worst else result.figures.topology()
        yield _picture(topology, caption)


def _traces(result: Result) -> Iterator[_Picture]:
    kept = {span.trace_id for span in result.journal.of(SpanRow)}
    slowest = slowest_traces(result.journal, None, 50)
    for row in [row for row in slowest if row.trace_id in kept][:_SLOWEST]:
        took = quantity((row.completed or row.scheduled) - row.scheduled, Unit.SECONDS)
        ended = row.outcome.value if row.outcome is not None else "unanswered"
        caption = f"{row.name}, due at {row.scheduled:.1f} s: {ended} after {took}"
        if row.error:
            caption += f" ({row.error})"
        yield _picture(result.figures.waterfall(row.trace_id), caption)


def _picture(figure: RunFigure, caption: str) -> _Picture:
    return _Picture(caption, base64.b64encode(figure.png(_DPI)).decode())


def _cell(value: Any) -> str:
    """A number for a table; empty where there is none."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"cell": _cell, "heading": heading}
    page = files("umt_sim.analysis.report").joinpath("page.html")
    return environment.from_string(page.read_text(encoding="utf-8"))
