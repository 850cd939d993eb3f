"""The HTML file of a run, or of two sets of runs compared."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Iterator
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
from umt_sim.expectations.wording import interval, number, quantity
from umt_sim.journal.records import SpanRow
from umt_sim.measures.traces import slowest_traces

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["comparison_report", "refused_report", "run_report"]

_SLOWEST = 3
_MOST_ROWS = 60
_MOST_ADVICE = 12
_DPI = 110


@dataclass(frozen=True, slots=True)
class _Picture:
    """A figure inside the file."""

    caption: str
    data: str


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows inside the file, as people read them."""

    name: str
    columns: list[str]
    rows: list[dict[str, str]]
    left_out: int


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
    picture = _picture(differences(comparison, ""), f"from {first} to {second}")
    return _template().render(
        title=title,
        status=None,
        facts=[f"first: {first}", f"second: {second}", _clearness(comparison)],
        hypothesis="",
        verdicts=[],
        advice=[],
        tables=[_table("Differences", comparison)],
        pictures=[picture],
        traces=[],
        reproduce="",
        versions={},
        colours=VERDICTS,
    )


def _clearness(comparison: pd.DataFrame) -> str:
    """How many numbers differ by more than chance, as far as the runs can tell."""
    if comparison["low"].isna().all():
        return "one pair of runs, so no interval and no telling what is chance"
    clear = int(comparison["clear"].astype(bool).sum())
    return f"{clear} of {len(comparison)} numbers differ by more than chance"


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
        facts.append("the run failed" if ended == "failed" else f"the run was {ended}")
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


def _tables(result: Result) -> Iterator[_Table]:
    try:
        found = (
            ("What the faults did", result.impact()),
            ("What the breakers were worth", result.breaker_worth()),
            ("Operations by window", result.summary()),
            ("Faults", result.faults),
        )
    except JournalError:
        return
    yield from (_table(name, frame) for name, frame in found if len(frame))


def _table(name: str, frame: pd.DataFrame) -> _Table:
    """The first rows of *frame*, each interval beside its number."""
    columns = [str(column) for column in frame]
    bounded = {column for column in columns if f"{column}_low" in columns}
    ends = {f"{column}_{end}" for column in bounded for end in ("low", "high")}
    rows = [
        {
            column: _bounded(row, column) if column in bounded else _cell(row[column])
            for column in columns
            if column not in ends
        }
        for row in frame.head(_MOST_ROWS).to_dict("records")
    ]
    shown = [column for column in columns if column not in ends]
    return _Table(name, shown, rows, len(frame) - len(rows))


def _bounded(row: dict[Hashable, Any], column: str) -> str:
    low, high = _cell(row[f"{column}_low"]), _cell(row[f"{column}_high"])
    return f"{_cell(row[column])} ({low} to {high})" if low and high else _cell(row[column])


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
    if not isinstance(value, float):
        return str(value)
    return number(value) if abs(value) >= 1e-9 else "0"


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["heading"] = heading
    environment.globals["most_advice"] = _MOST_ADVICE
    page = files("umt_sim.analysis.report").joinpath("page.html")
    return environment.from_string(page.read_text(encoding="utf-8"))
