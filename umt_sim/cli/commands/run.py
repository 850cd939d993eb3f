"""``umt-sim run``: run scenarios and say whether they held."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from umt_sim.cli.options import delivering, editing, replicating, running, supplying

if TYPE_CHECKING:
    from umt_sim.bootstrap import Supply
    from umt_sim.bootstrap.trials import Trial
    from umt_sim.cli.delivery import Delivery
    from umt_sim.errors import Problem
    from umt_sim.scenario.plan import WorldName

__all__ = ["command"]


@click.command("run", short_help="Run scenarios and say whether they held.")
@click.argument("scenarios", nargs=-1, required=True, type=click.Path(dir_okay=False),
                metavar="SCENARIO...")  # fmt: skip
@editing
@replicating
@running
@supplying
@delivering
@click.option("--no-save", is_flag=True, help="Keep nothing of the run.")
@click.option("--parquet", is_flag=True, help="Keep the tables as Parquet files, too.")
@click.option("--events", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write every record as a line of JSON while the run lasts.")  # fmt: skip
@click.option("--check-determinism", is_flag=True,
              help="First run in two processes and insist that both go the same way.")  # fmt: skip
def command(
    scenarios: tuple[str, ...],
    seed: int | None,
    seeds: tuple[int, ...] | None,
    world: WorldName,
    overrides: tuple[str, ...],
    jobs: int,
    runs: Path,
    no_save: bool,
    parquet: bool,
    events: Path | None,
    check_determinism: bool,
    quiet: bool,
    supply: Supply,
    delivery: Delivery,
) -> None:
    """
    Run each SCENARIO and say whether what it expects held.

    A scenario with several seeds is run once for each. The exit code is that of
    the worst run.
    """
    from umt_sim.bootstrap import Supply
    from umt_sim.bootstrap.trials import trials_of
    from umt_sim.cli.batch import carried_out
    from umt_sim.errors import ScenarioError

    if seed is not None and seeds is not None:
        raise click.UsageError("either --seed or --seeds, not both")
    if world != "live" and supply != Supply():
        raise click.UsageError("--provider, --endpoint and --allow-host ask for --world live")
    if no_save and any(writer.name == "html" for writer in delivery.files):
        raise click.UsageError("--html reports on a run that is kept; leave out --no-save")
    trials: list[Trial] = []
    problems: list[Problem] = []
    for path in scenarios:
        try:
            trials += trials_of(
                path,
                seeds=seeds if seed is None else (seed,),
                world=world,
                overrides=overrides,
                runs=None if no_save else runs,
                supply=supply,
            )
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    _prepare(None if no_save else runs, events, delivery)
    if check_determinism:
        _insist_on_determinism(trials)
    trials = [replace(trial, parquet=parquet, events=events) for trial in trials]
    batch = carried_out(trials, jobs=jobs, quiet=quiet)
    delivery.deliver(batch.results)
    sys.exit(batch.code)


def _prepare(runs: Path | None, events: Path | None, delivery: Delivery) -> None:
    """Make sure that everything can be written before minutes are spent on it."""
    from umt_sim.cli.delivery import writable

    delivery.prepare()
    if runs is not None:
        with writable("--runs", runs):
            runs.mkdir(parents=True, exist_ok=True)
    if events is not None:
        with writable("--events", events):
            events.parent.mkdir(parents=True, exist_ok=True)
            events.write_text("")  # emptied, not removed: it may be a device or a link


def _insist_on_determinism(trials: Sequence[Trial]) -> None:
    """Run each plan in two more processes, step by step, and say that they went the same way."""
    from umt_sim.bootstrap import check_determinism
    from umt_sim.scenario.loader import load_frozen

    for trial in trials:
        try:
            tape = check_determinism(load_frozen(trial.plan, world=trial.world))
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{trial.title}: two processes took the same path, tape {tape}", err=True)
