"""``umt-sim compare``: two stored sets of runs, seed by seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from umt_sim.errors import JournalError

if TYPE_CHECKING:
    from umt_sim.analysis import Result

__all__ = ["command"]


@click.command("compare", short_help="Compare two sets of stored runs, seed by seed.")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--window", default="run", show_default=True, help="Where to measure.")
def command(first: Path, second: Path, window: str) -> None:
    """
    Compare the runs in the folder FIRST with those in SECOND.

    Runs of one seed met the same arrivals and service times, so each pair is
    compared by itself. A difference is marked where its interval leaves out zero.
    """
    from umt_sim.analysis.comparison import compare
    from umt_sim.cli.tables import comparison_table, console

    try:
        found = compare(_runs(first), _runs(second), window)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    console().print(comparison_table(found.to_dict("records")))  # type: ignore[arg-type]  # string keys


def _runs(folder: Path) -> list[Result]:
    """The run in *folder*, or all runs below it; of one seed the latest."""
    from umt_sim.analysis import Result

    found = sorted(path.parent for path in folder.rglob("run.json"))
    if not found:
        raise JournalError(f"there is no run in {folder}")
    latest = {result.seed: result for result in map(Result.load, found)}
    return list(latest.values())
