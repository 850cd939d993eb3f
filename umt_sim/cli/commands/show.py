"""``umt-sim show``: judge and draw a stored run again."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from umt_sim.cli.options import drawing

if TYPE_CHECKING:
    from umt_sim.analysis import Result

__all__ = ["command"]


@click.command("show", short_help="Judge and draw a stored run again.")
@click.argument("folder", type=click.Path(file_okay=False), metavar="RUN")
@drawing("Draw it into this file: .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print verdicts and numbers as JSON instead.")
def command(folder: str, figure: str | None, as_json: bool) -> None:
    """
    Judge the run stored in the folder RUN again, and print its numbers.

    Nothing is run: verdicts and figures are made from the journal alone.
    """
    from umt_sim.analysis import Result
    from umt_sim.expectations.verdicts import exit_code

    result = Result.load(folder)
    if as_json:
        click.echo(json.dumps(_plain(result, folder), indent=2))
    else:
        _print(result)
    if figure is not None:
        result.plot().savefig(figure, dpi=150)
        click.echo(f"\nfigure: {figure}", err=as_json)
    sys.exit(exit_code([result.status]))


def _plain(result: Result, folder: str) -> dict[str, Any]:
    """What ``run --json`` tells of a run, as far as it is stored, and its numbers."""
    from umt_sim.cli.delivery import plain_verdict

    numbers = result.summary()
    header = result.journal.header
    return {
        "scenario": result.name,
        "seed": result.seed,
        "world": result.world,
        "status": result.status.value,
        "ended": header.get("ended"),
        "tape_hash": result.tape_hash,
        "folder": folder,
        "verdicts": [plain_verdict(verdict) for verdict in result.verdict.verdicts],
        "numbers": json.loads(numbers.to_json(orient="records", double_precision=12)),
    }


def _print(result: Result) -> None:
    from umt_sim.cli.tables import console, headline, operations_table, verdicts_table

    out = console()
    out.print(headline(result))
    out.print()
    out.print(verdicts_table(result.verdict.verdicts))
    out.print()
    out.print(operations_table(result.summary().to_dict("records")))  # type: ignore[arg-type]  # string keys
