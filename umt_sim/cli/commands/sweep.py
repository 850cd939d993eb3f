"""``umt-sim sweep``: run a scenario with every combination of some of its values."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from umt_sim.cli.options import adjusting, replicating, running, scenario

if TYPE_CHECKING:
    from umt_sim.search.sweep import Sweep

__all__ = ["command"]

_MEASURED = ("goodput", "error_rate", "latency.p95")


@click.command("sweep", short_help="Run a scenario with every combination of some values.")
@scenario
@click.option("--vary", "varied", multiple=True, metavar="PATH=[VALUE,...]",
              help="Vary this value instead of the scenario's sweep, for example"
                   " policies.llm.timeout=[1s,2s]. Repeatable.")  # fmt: skip
@click.option("--measure", multiple=True, metavar="NUMBER",
              help="Measure this, for example latency.p99 or 'error_rate during brownout'."
                   " Repeatable.")  # fmt: skip
@adjusting
@replicating
@running
@click.option("--save", is_flag=True, help="Keep a run folder of each trial.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write a row for each trial to this file.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a row for each point as JSON.")
def command(
    scenario: str,
    varied: tuple[str, ...],
    measure: tuple[str, ...],
    seed: int | None,
    seeds: tuple[int, ...] | None,
    overrides: tuple[str, ...],
    jobs: int,
    runs: Path,
    quiet: bool,
    save: bool,
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """
    Run SCENARIO with every combination of the values of its sweep.

    Each point meets the same seeds, so points are compared pair by pair: a change is
    against the first point, with its 95 % interval. One trial in ten is run twice, to be
    sure that a seed still names one course of events.
    """
    from umt_sim.bootstrap.sweeping import SweepPlan
    from umt_sim.cli.batch import carried_out
    from umt_sim.expectations.verdicts import ExitCode

    planned = SweepPlan(
        scenario,
        vary=_vary(varied) if varied else None,
        seeds=seeds if seed is None else (seed,),
        measure=measure or _MEASURED,
        overrides=overrides,
        runs=runs if save else None,
    )
    batch = carried_out(planned.trials, jobs=jobs, quiet=quiet)
    found = planned.found(batch.found)
    if csv_file is not None:
        csv_file.parent.mkdir(parents=True, exist_ok=True)
        found.frame.to_csv(csv_file, index=False)
    if as_json:
        click.echo(found.summary().to_json(orient="records", indent=2))
    else:
        _print(found)
    if batch.code is ExitCode.INTERRUPTED:
        sys.exit(batch.code)


def _vary(texts: tuple[str, ...]) -> Mapping[str, list[Any]]:
    """``path=[value,...]`` texts as the values of each path."""
    from umt_sim.scenario.yaml import parse_scalar

    found: dict[str, list[Any]] = {}
    for text in texts:
        path, equals, values = text.partition("=")
        parsed = parse_scalar(values, f"--vary {text}") if equals else None
        if not isinstance(parsed, list) or not parsed:
            raise click.UsageError(f"--vary {text}: write --vary policies.llm.timeout=[1s,2s]")
        found[path] = parsed
    return found


def _print(found: Sweep) -> None:
    from umt_sim.cli.sweeps import sweep_tables
    from umt_sim.cli.tables import console

    out = console()
    for table in sweep_tables(found):
        out.print(table)
        out.print()
    if found.repeated:
        click.echo(f"{found.repeated} of {len(found)} trials were run twice and went the same way")
