"""``umt-sim show``: judge and draw a stored run again."""

from __future__ import annotations

import sys

import click

from umt_sim.cli.options import drawing

__all__ = ["command"]


@click.command("show", short_help="Judge and draw a stored run again.")
@click.argument("folder", type=click.Path(file_okay=False), metavar="RUN")
@drawing("Draw it into this file: .png, .svg or .pdf.")
def command(folder: str, figure: str | None) -> None:
    """
    Judge the run stored in the folder RUN again, and print its numbers.

    Nothing is run: verdicts and figures are made from the journal alone.
    """
    from umt_sim.analysis import Result
    from umt_sim.cli.tables import console, headline, operations_table, verdicts_table
    from umt_sim.expectations.verdicts import exit_code

    result = Result.load(folder)
    out = console()
    out.print(headline(result))
    out.print()
    out.print(verdicts_table(result.verdict.verdicts))
    out.print()
    out.print(operations_table(result.summary().to_dict("records")))  # type: ignore[arg-type]  # string keys
    if figure is not None:
        result.plot().savefig(figure, dpi=150)
        click.echo(f"\nfigure: {figure}")
    sys.exit(exit_code([result.status]))
