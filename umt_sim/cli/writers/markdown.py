"""Verdicts as Markdown: a line for each run, then its numbers, open where something is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.verdicts import Status, Verdict
from umt_sim.expectations.wording import interval, quantity

if TYPE_CHECKING:
    from umt_sim.bootstrap.trials import TrialResult

__all__ = ["text", "write"]

_SIGNS = {
    Status.PASSED: "✅",
    Status.FAILED: "❌",
    Status.INCONCLUSIVE: "❔",
    Status.ERRORED: "💥",
}


def write(results: Sequence[TrialResult], path: Path) -> None:
    """Write *results* to *path*."""
    path.write_text(text(results), encoding="utf-8")


def text(results: Sequence[TrialResult]) -> str:
    """*results* as a section of a page."""
    passed = sum(result.status is Status.PASSED for result in results)
    lines = [
        f"## Chaos scenarios: {passed} of {len(results)} passed",
        "",
        "| | scenario | seed | world | held | took |",
        "|---|---|---:|---|---:|---:|",
        *(_row(result) for result in results),
        "",
    ]
    for result in results:
        lines += _details(result)
    return "\n".join(lines) + "\n"


def _row(result: TrialResult) -> str:
    held = sum(verdict.status is Status.PASSED for verdict in result.verdicts)
    return (
        f"| {_SIGNS[result.status]} {result.status.value} | {_cell(result.name)} | {result.seed}"
        f" | {_cell(result.where)} | {held} of {len(result.verdicts)} | {result.took_wall:.1f} s |"
    )


def _details(result: TrialResult) -> Iterator[str]:
    """The numbers of one run; open where something did not hold."""
    state = "" if result.status is Status.PASSED else " open"
    title = f"{_SIGNS[result.status]} {result.name}, seed {result.seed}"
    yield f"<details{state}><summary>{title}</summary>"
    yield ""
    if result.error:
        yield from ("```", result.error, "```", "")
    if result.verdicts:
        yield "| | expected | measured | 95 % interval | evidence |"
        yield "|---|---|---:|---|---|"
        yield from map(_verdict, result.verdicts)
        yield ""
    if result.reproduce and result.status is not Status.PASSED:
        yield from ("```sh", result.reproduce, "```", "")
    yield from ("</details>", "")


def _verdict(verdict: Verdict) -> str:
    measured = spread = ""
    if verdict.estimate is not None:
        unit = Unit(verdict.unit)
        measured = f"{quantity(verdict.estimate.value, unit)}, n = {verdict.estimate.n}"
        spread = interval(verdict.estimate, unit)
    return (
        f"| {_SIGNS[verdict.status]} | `{_cell(verdict.name)}` | {measured} | {spread}"
        f" | {_cell(verdict.evidence)} |"
    )


def _cell(content: str) -> str:
    """*content* in a table's cell: on one line, its bars escaped."""
    return " ".join(content.split()).replace("|", "\\|")
