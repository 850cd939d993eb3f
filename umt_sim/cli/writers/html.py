"""The report of each kept run as one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from umt_sim.bootstrap.trials import TrialResult

__all__ = ["write"]


def write(results: Sequence[TrialResult], path: Path) -> None:
    """Write the report of *results* to *path*; of several, each to a file of its own beside it."""
    for result in results:
        own = _own(path, result, alone=len(results) == 1)
        own.write_text(_report(result), encoding="utf-8")


def _report(result: TrialResult) -> str:
    from umt_sim.analysis import Result
    from umt_sim.analysis.report import refused_report, run_report

    if result.folder is None:
        return refused_report(result.name, result.status.value, result.error or "it was not kept")
    return run_report(Result.load(result.folder), result.source)


def _own(path: Path, result: TrialResult, *, alone: bool) -> Path:
    """``report-brownout-7.html`` for ``report.html`` where there are several."""
    return path if alone else path.with_stem(f"{path.stem}-{result.name}-{result.seed}")
