"""``umt-sim export``: what a stored run holds, in the formats of other tools."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("export", short_help="Write a stored run's traces for other tools.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="RUN")
@click.option("--otlp", type=click.Path(dir_okay=False, path_type=Path), required=True,
              metavar="FILE", help="Traces as OTLP JSON, for Jaeger and collectors.")  # fmt: skip
def command(folder: Path, otlp: Path) -> None:
    """
    Write the traces of the run stored in the folder RUN to a file.

    Jaeger opens it under "Upload". Second 0 of the run is 2026-01-01T00:00:00Z.
    """
    from umt_sim.analysis import Result
    from umt_sim.analysis.otlp import write_otlp

    spans = write_otlp(Result.load(folder).journal, otlp)
    click.echo(f"{spans} spans: {otlp}")
