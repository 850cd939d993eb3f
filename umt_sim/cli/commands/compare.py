"""``umt-sim compare``: two stored sets of runs, seed by seed."""

from __future__ import annotations

import json
import sys
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
@click.option(
    "--fail-on",
    "limits",
    multiple=True,
    metavar="NUMBER:TOLERANCE",
    help="Exit with 1 if SECOND is worse by more, for example latency.p99:10%. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON instead.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write table and figure as one HTML file, too.")  # fmt: skip
def command(
    first: Path,
    second: Path,
    window: str,
    limits: tuple[str, ...],
    as_json: bool,
    html: Path | None,
) -> None:
    """
    Compare the runs in the folder FIRST with those in SECOND.

    Runs of one seed met the same arrivals and service times, so each pair is
    compared by itself. A difference is marked where its interval leaves out zero.
    With --fail-on, SECOND must not be worse than FIRST by more than is tolerated:
    its 95 % interval decides, so noise is not a regression.
    """
    from umt_sim.analysis.comparison import compare, regressions
    from umt_sim.cli.delivery import plain_verdict
    from umt_sim.cli.tables import comparison_table, console, verdicts_table
    from umt_sim.expectations.verdicts import exit_code, overall

    left, right = _runs(first), _runs(second)
    try:
        found = compare(left, right, window)
        verdicts = regressions(left, right, dict(map(_limit, limits)))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if found.empty:
        raise click.UsageError(f"{first} and {second} share no operation in {window}")
    out = console()
    if as_json:
        differences = json.loads(found.to_json(orient="records"))
        judged = [plain_verdict(verdict) for verdict in verdicts]
        click.echo(json.dumps({"differences": differences, "verdicts": judged}, indent=2))
    else:
        out.print(comparison_table(found.to_dict("records")))  # type: ignore[arg-type]  # string keys
    if html is not None:
        from umt_sim.analysis.report import comparison_report

        title = f"{left[0].name}: {first.name} against {second.name}"
        text = comparison_report(found, title, first=str(first), second=str(second))
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(text, encoding="utf-8")
    if verdicts:
        if not as_json:
            out.print()
            out.print(verdicts_table(verdicts))
        sys.exit(exit_code([overall(verdicts)]))


def _limit(text: str) -> tuple[str, str]:
    """``latency.p99:10%`` as a name and its tolerance."""
    name, colon, allowed = text.rpartition(":")
    if not colon:
        raise ValueError(f"{text!r} is no limit, write for example latency.p99:10%")
    return name, allowed


def _runs(folder: Path) -> list[Result]:
    """The run in *folder*, or all runs below it; of one seed the latest."""
    from umt_sim.analysis import Result

    found = sorted(path.parent for path in folder.rglob("run.json"))
    if not found:
        raise JournalError(f"there is no run in {folder}")
    results = [Result.load(path) for path in found]
    names = list(dict.fromkeys(result.name for result in results))
    if len(names) > 1:
        raise JournalError(
            f"{folder} holds runs of {len(names)} scenarios; name the folder of one, such as"
            f" {folder / names[0]}"
        )
    return list({result.seed: result for result in results}.values())
