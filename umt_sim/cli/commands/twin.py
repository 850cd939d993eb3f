"""``umt-sim twin``: one scenario in both worlds, and whether they agree."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from umt_sim.cli.options import adjusting, drawing, supplying

if TYPE_CHECKING:
    from umt_sim.analysis.twin import Twin
    from umt_sim.bootstrap import Supply

__all__ = ["command"]


@click.command("twin", short_help="Run a scenario in both worlds and say whether they agree.")
@click.argument("scenario", type=click.Path(dir_okay=False), required=False)
@adjusting
@supplying
@click.option("--folders", nargs=2, type=click.Path(file_okay=False), metavar="SIM LIVE",
              help="Compare two stored runs; nothing is run.")  # fmt: skip
@click.option("--runs", type=click.Path(file_okay=False), default="runs", show_default=True,
              help="Where to keep the runs.")  # fmt: skip
@drawing("Draw both into this file: .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON instead.")
@click.option("-a", "--all", "everything", is_flag=True, help="Show what is not judged, too.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    scenario: str | None,
    seed: int | None,
    overrides: tuple[str, ...],
    supply: Supply,
    folders: tuple[str, str] | None,
    runs: str,
    figure: str | None,
    as_json: bool,
    everything: bool,
    quiet: bool,
) -> None:
    """
    Run SCENARIO against real servers and in virtual time, and compare the two.

    Both runs have the same arrivals. They agree where every number is within its tolerance;
    the exit code is 0 then, 1 where they do not, 3 without servers, and 4 where there is too
    little to compare.
    """
    if (scenario is None) == (folders is None):
        raise click.UsageError("name a SCENARIO to run, or two stored runs with --folders")
    if folders is not None:
        twin = _stored(*folders)
    else:
        assert scenario is not None
        twin = _run(scenario, seed, overrides, supply, Path(runs), quiet=quiet)
    if figure is not None:
        twin.plot().savefig(figure, dpi=150)
    if as_json:
        click.echo(json.dumps(twin.as_dict(), indent=2, ensure_ascii=False))
    else:
        _print(twin, figure, everything=everything)
    from umt_sim.expectations.verdicts import exit_code

    sys.exit(exit_code([twin.status]))


def _stored(sim: str, live: str) -> Twin:
    from umt_sim.analysis import Result
    from umt_sim.analysis.twin import Twin

    return Twin(Result.load(sim), Result.load(live))


def _run(
    scenario: str,
    seed: int | None,
    overrides: tuple[str, ...],
    supply: Supply,
    runs: Path,
    *,
    quiet: bool,
) -> Twin:
    from umt_sim.bootstrap import run_twin
    from umt_sim.cli.progress import progress
    from umt_sim.journal.storage import new_folder

    with progress(f"twin of {scenario}", quiet=quiet) as report:
        twin = run_twin(scenario, seed=seed, overrides=overrides, progress=report, supply=supply)
    started = datetime.now()  # noqa: DTZ005 - a folder's name, for people
    folder = new_folder(runs, f"{twin.name}-twin", twin.seed, started)
    twin.save(folder)
    click.echo(f"twin: {folder}", err=True)
    return twin


def _print(twin: Twin, figure: str | None, *, everything: bool) -> None:
    from umt_sim.cli.tables import console, headline, twin_headline, twin_table

    out = console()
    out.print(twin_headline(twin))
    out.print()
    out.print(twin_table(twin.comparisons, everything=everything))
    out.print()
    for result in (twin.sim, twin.live):
        out.print(headline(result))
    if figure is not None:
        click.echo(f"figure: {figure}")
