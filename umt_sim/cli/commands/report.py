"""``umt-sim report``: a stored run as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("report", short_help="Write a stored run as one HTML file.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="RUN")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="The file; RUN/report.html when left out.")  # fmt: skip
@click.option("--scenario", help="The scenario file, for the line that reproduces the run.")
def command(folder: Path, output: Path | None, scenario: str | None) -> None:
    """
    Write the run stored in the folder RUN as one HTML file that needs no network.

    Hypothesis, verdict, figures, what the faults did, the slowest requests, advice, and the
    command that runs it again. Nothing is run.
    """
    from umt_sim.analysis import Result
    from umt_sim.analysis.report import run_report

    target = output or folder / "report.html"
    target.write_text(run_report(Result.load(folder), scenario), encoding="utf-8")
    click.echo(f"report: {target}")
