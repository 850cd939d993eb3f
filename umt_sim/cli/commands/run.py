"""``umt-sim run``: run a scenario and say whether it held."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from umt_sim.cli.options import editing, scenario, supplying
from umt_sim.errors import JournalError

if TYPE_CHECKING:
    from umt_sim.analysis import Result
    from umt_sim.bootstrap import Supply
    from umt_sim.scenario.plan import Plan, WorldName

__all__ = ["command"]


@click.command("run", short_help="Run a scenario and say whether it held.")
@scenario
@editing
@supplying
@click.option("--runs", type=click.Path(file_okay=False), default="runs", show_default=True,
              help="Where to keep the runs.")  # fmt: skip
@click.option("--no-save", is_flag=True, help="Keep nothing of the run.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON instead.")
@click.option("--check-determinism", is_flag=True,
              help="First run in two processes and insist that both go the same way.")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def command(
    scenario: str,
    seed: int | None,
    world: WorldName,
    overrides: tuple[str, ...],
    runs: str,
    no_save: bool,
    as_json: bool,
    check_determinism: bool,
    quiet: bool,
    supply: Supply,
) -> None:
    """
    Run SCENARIO and say whether what it expects held.

    A scenario with several seeds is run once for each. The exit code is that of
    the worst run.
    """
    from umt_sim.expectations.verdicts import ExitCode, exit_code
    from umt_sim.scenario.loader import load

    first = load(scenario, seed=seed, world=world, overrides=overrides)
    results = []
    for each in first.seeds:
        plan = load(scenario, seed=each, world=world, overrides=overrides)
        if check_determinism:
            _insist_on_determinism(plan)
        result = _run(plan, supply, quiet=quiet)
        if not no_save:
            _keep(result, Path(runs))
        results.append(result)
    if as_json:
        plain = [_plain(result) for result in results]
        click.echo(json.dumps(plain[0] if len(plain) == 1 else plain, indent=2))
    else:
        _print(results, scenario, overrides)
    if any(result.journal.header.get("ended") == "interrupted" for result in results):
        sys.exit(ExitCode.INTERRUPTED)
    sys.exit(exit_code([result.status for result in results]))


def _run(plan: Plan, supply: Supply, *, quiet: bool) -> Result:
    from umt_sim.bootstrap import run_plan
    from umt_sim.cli.progress import progress

    with progress(f"{plan.name} seed {plan.seed}", quiet=quiet) as report:
        return run_plan(plan, progress=report, supply=supply)


def _insist_on_determinism(plan: Plan) -> None:
    """Run *plan* in two more processes, step by step, and say that they went the same way."""
    from umt_sim.bootstrap import check_determinism

    try:
        tape = check_determinism(plan)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"seed {plan.seed}: two processes took the same path, tape {tape}", err=True)


def _keep(result: Result, runs: Path) -> None:
    from umt_sim.journal.storage import new_folder

    started = datetime.now()  # noqa: DTZ005 - a folder's name, for people
    result.save(new_folder(runs, result.name, result.seed, started))


def _print(results: Sequence[Result], scenario: str, overrides: Sequence[str]) -> None:
    from umt_sim.analysis.reproduction import reproduction
    from umt_sim.cli.tables import console, headline, replications_table, verdicts_table

    out = console()
    for result in results:
        out.print(headline(result))
        if len(results) == 1:
            out.print()
            out.print(verdicts_table(result.verdict.verdicts))
            _print_tracebacks(result)
            _print_advice(result)
            out.print()
        _print_facts(result)
        if not result.passed:
            click.echo(f"reproduce: {reproduction(result, scenario, overrides)}")
    if len(results) > 1:
        out.print()
        out.print(replications_table(results))


def _print_tracebacks(result: Result) -> None:
    for verdict in result.verdict.verdicts:
        if verdict.traceback:
            click.echo(f"\n{verdict.name}\n{verdict.traceback}")


def _print_facts(result: Result) -> None:
    if result.tape_hash:
        click.echo(f"tape:      {result.tape_hash}")
    if result.folder is not None:
        click.echo(f"journal:   {result.folder}")
        if (figure := result.folder / "figure.png").exists():
            click.echo(f"figure:    {figure}")


def _print_advice(result: Result) -> None:
    """Say so where more of the beginning should be left out than the scenario does."""
    try:
        advised, left_out = result.advised_warmup, result.readings.run.start
    except JournalError:
        return
    if advised is not None and advised > left_out:
        click.echo(f"warm-up:   {left_out:g} s are left out; MSER-5 advises {advised:.3g} s")


def _plain(result: Result) -> dict[str, Any]:
    return {
        "scenario": result.name,
        "seed": result.seed,
        "world": result.world,
        "status": result.status.value,
        "tape_hash": result.tape_hash,
        "folder": str(result.folder) if result.folder is not None else None,
        "verdicts": [
            {**asdict(verdict), "status": verdict.status.value}
            for verdict in result.verdict.verdicts
        ],
    }
