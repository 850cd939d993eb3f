"""``umt-sim calibrate``: service times for the sim world from a run against real servers."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("calibrate", short_help="Fit the services of the sim world to a stored run.")
@click.argument("folder", type=click.Path(file_okay=False), metavar="RUN")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the services block into this file, not to standard output.")  # fmt: skip
def command(folder: str, output: Path | None) -> None:
    """
    Fit service times and base latency to the client spans of the stored run RUN.

    Prints a ``services`` block that a scenario can take in place of its own. How well each
    distribution fits goes to standard error. Only the time before the first fault is read.
    """
    from umt_sim.analysis import Result
    from umt_sim.analysis.calibration import calibrate, services_block
    from umt_sim.cli.tables import calibration_table, console

    calibration = calibrate(Result.load(folder))
    err = console(stderr=True)
    err.print(calibration_table(calibration))
    block = services_block(calibration)
    if output is None:
        click.echo(block, nl=False)
    else:
        output.write_text(block, encoding="utf-8")
        click.echo(f"services: {output}")
