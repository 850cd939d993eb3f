"""How plans and results look on a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.verdicts import Status, Verdict
from umt_sim.expectations.wording import interval, number, quantity

if TYPE_CHECKING:
    from umt_sim.analysis import Result
    from umt_sim.analysis.calibration import Calibration
    from umt_sim.analysis.twin import Comparison, Twin
    from umt_sim.bootstrap.trials import TrialResult

__all__ = [
    "LOOK",
    "calibration_table",
    "comparison_table",
    "console",
    "headline",
    "operations_table",
    "plain_table",
    "twin_headline",
    "twin_table",
    "verdicts_table",
]

LOOK = {
    Status.PASSED: ("✓", "green"),
    Status.FAILED: ("✗", "red"),
    Status.INCONCLUSIVE: ("?", "yellow"),
    Status.ERRORED: ("!", "red"),
}

_NARROW = 70
"""Columns of a terminal below which numbers get none of their own."""


def plain_table(*left: str, right: Sequence[str] = ()) -> Table:
    """A table without lines; its columns stand left, then right."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in left:
        table.add_column(name)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def headline(result: Result | TrialResult) -> Text:
    """The verdict in one line."""
    sign, colour = LOOK[result.status]
    words = Text()
    words.append(f"{sign} {result.status.value.upper()}", style=f"bold {colour}")
    words.append(f"  {result.name}", style="bold")
    words.append(f"  {result.where}, seed {result.seed}", style="dim")
    return words


def verdicts_table(verdicts: Sequence[Verdict]) -> RenderableType:
    """Every answer: what was expected, what was measured, and the evidence."""
    return _Verdicts(verdicts)


class _Verdicts:
    """A table of verdicts; a narrow terminal gets the numbers in the evidence alone."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self._verdicts = verdicts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        yield self._narrow() if options.max_width < _NARROW else self._wide()

    def _wide(self) -> Table:
        table = plain_table("", "expected")
        table.add_column("measured", justify="right", no_wrap=True)
        table.add_column("95 % interval", no_wrap=True)
        table.add_column("n", justify="right", no_wrap=True)
        for verdict in self._verdicts:
            sign, said = _said(verdict, _evidence(verdict))
            table.add_row(sign, said, *_numbers(verdict))
        return table

    def _narrow(self) -> Table:
        table = plain_table("", "expected")
        for verdict in self._verdicts:
            table.add_row(*_said(verdict, verdict.evidence))
        return table


def _said(verdict: Verdict, evidence: str) -> tuple[Text, Text]:
    """The sign of a verdict, and what was expected with its *evidence*."""
    sign, colour = LOOK[verdict.status]
    said = Text(verdict.name)
    said.append(f"\n{evidence}", style="dim")
    return Text(sign, style=colour), said


def _numbers(verdict: Verdict) -> tuple[str, str, str]:
    if verdict.estimate is None:
        return "", "", ""
    unit, estimate = Unit(verdict.unit), verdict.estimate
    return quantity(estimate.value, unit), interval(estimate, unit), str(estimate.n)


def _evidence(verdict: Verdict) -> str:
    """The evidence without the numbers that stand in columns of their own."""
    if verdict.estimate is None:
        return verdict.evidence
    _, _, rest = verdict.evidence.partition(f"n = {verdict.estimate.n}, ")
    return rest or verdict.evidence


def operations_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The summary of a run: each operation in each window."""
    table = plain_table(
        "operation", "window", right=("requests", "goodput", "errors", "p50", "p95", "p99")
    )
    for row in rows:
        table.add_row(
            row["operation"],
            row["window"],
            str(row["n"]),
            quantity(row["goodput_per_s"], Unit.RATE),
            f"{number(row['error_percent'])} %" if _given(row["error_percent"]) else "",
            *(_milliseconds(row[f"{p}_ms"]) for p in ("p50", "p95", "p99")),
        )
    return table


def _milliseconds(value: float | None) -> str:
    return quantity(value / 1e3, Unit.SECONDS) if value is not None and _given(value) else ""


def _given(value: float | None) -> bool:
    return value is not None and value == value


def comparison_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Differences between two plans, marked where they are clear."""
    table = plain_table()
    for name in ("", "operation", "number"):
        table.add_column(name)
    for name in ("first", "second", "difference", "95 % interval", "pairs"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        spread = f"{number(row['low'])} to {number(row['high'])}" if _given(row["low"]) else ""
        table.add_row(
            "≠" if row["clear"] else "",
            row["operation"],
            row["number"],
            *(number(row[name]) for name in ("first", "second", "difference")),
            spread,
            str(row["pairs"]),
        )
    return table


def calibration_table(calibration: Calibration) -> Table:
    """What was fitted to each operation, and how well."""
    table = plain_table()
    for name in ("service", "operation"):
        table.add_column(name)
    for name in ("n", "p50", "p95"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("family")
    table.add_column("KS distance", justify="right")
    for time in calibration.times:
        fit = time.fit
        numbers = ("", "", time.reason, "")
        if fit is not None:
            p50, p95 = (quantity(value, Unit.SECONDS) for value in (fit.p50, fit.p95))
            numbers = (p50, p95, fit.family, f"{fit.distance:.3f}")
        table.add_row(time.service, time.operation, str(time.n), *numbers)
    latency = quantity(calibration.latency, Unit.SECONDS)
    table.caption = f"beyond a base latency of {latency} one way"
    table.caption_justify = "left"
    return table


def twin_headline(twin: Twin) -> Text:
    """Whether two worlds agree, in one line."""
    from umt_sim.analysis.twin.comparisons import WORDS

    sign, colour = LOOK[twin.status]
    words = Text()
    words.append(f"{sign} {WORDS[twin.status.value]}", style=f"bold {colour}")
    words.append(f"  {twin.name}", style="bold")
    words.append(f"  sim and live world, seed {twin.seed}", style="dim")
    return words


def twin_table(comparisons: Sequence[Comparison], *, everything: bool) -> Table:
    """Each number in both worlds; what is not judged only where *everything* is wanted."""
    table = plain_table()
    for name in ("", "what", "number", "window"):
        table.add_column(name)
    for name in ("sim", "live", "allowed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", style="dim")
    for found in comparisons:
        if found.status is None and not everything:
            continue
        sign, colour = LOOK[found.status] if found.status is not None else ("", "dim")
        table.add_row(
            Text(sign, style=colour),
            found.subject,
            found.number,
            found.window,
            *(
                quantity(value, found.unit) if value is not None else ""
                for value in (found.sim, found.live, found.allowed)
            ),
            found.note,
        )
    return table


def console(*, stderr: bool = False) -> Console:
    """A console that writes plain text under ``NO_COLOR``, without bold and dim as well."""
    plain = bool(os.environ.get("NO_COLOR"))
    return Console(stderr=stderr, highlight=False, color_system=None if plain else "auto")
