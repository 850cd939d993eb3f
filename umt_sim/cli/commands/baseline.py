"""``umt-sim baseline``: store how a scenario does, and see later whether it has become worse."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from umt_sim.cli.options import adjusting, replicating, running, scenario

if TYPE_CHECKING:
    from umt_sim.expectations.baseline import Baseline
    from umt_sim.expectations.verdicts import ExitCode
    from umt_sim.scenario.plan import BaselineFile, Plan

__all__ = ["command"]

_REPLICATIONS = 5
"""Seeds where the scenario has only one: without several there is no interval."""


@click.group("baseline", short_help="Store how a scenario does; see whether it became worse.")
def command() -> None:
    """
    Store how a scenario does, and see later whether it has become worse.

    What is compared, how much worse it may become, and the file are the scenario's
    ``baseline``. Both sides run with the same seeds, so a pair differs by what was changed
    and little else. A regression is a change whose 95 % interval lies beyond the tolerance.
    """


@command.command("save")
@scenario
@adjusting
@replicating
@running
def save(scenario: str, seed: int | None, seeds: tuple[int, ...] | None,
         overrides: tuple[str, ...], jobs: int, runs: Path, quiet: bool) -> None:  # fmt: skip
    """Run SCENARIO with several seeds and store its numbers as the baseline."""
    asked = _asked(scenario, overrides, jobs=jobs, quiet=quiet)
    stored = asked.file.path
    if stored.exists():
        raise click.UsageError(f"{stored} exists; umt-sim baseline update replaces it")
    now = asked.measured(_seeds_of(asked.plan, seed, seeds), runs)
    now.save(stored)
    click.echo(f"wrote {stored}: {len(now.numbers)} numbers over {len(now.seeds)} seeds")


@command.command("check")
@scenario
@adjusting
@running
def check(scenario: str, seed: int | None, overrides: tuple[str, ...],
          jobs: int, runs: Path, quiet: bool) -> None:  # fmt: skip
    """Run SCENARIO with the baseline's seeds and say whether it has become worse."""
    asked = _asked(scenario, overrides, jobs=jobs, quiet=quiet)
    sys.exit(_compared(asked, (seed,) if seed is not None else None, runs)[1])


@command.command("update")
@scenario
@adjusting
@replicating
@running
def update(scenario: str, seed: int | None, seeds: tuple[int, ...] | None,
           overrides: tuple[str, ...], jobs: int, runs: Path, quiet: bool) -> None:  # fmt: skip
    """Run SCENARIO, show what has changed, and store it as the new baseline."""
    asked = _asked(scenario, overrides, jobs=jobs, quiet=quiet)
    wanted = seeds if seed is None else (seed,)
    now, _ = _compared(asked, wanted, runs)
    now.save(asked.file.path)
    click.echo(f"wrote {asked.file.path}: {len(now.numbers)} numbers over {len(now.seeds)} seeds")


def _compared(asked: _Asked, seeds: Sequence[int] | None, runs: Path) -> tuple[Baseline, ExitCode]:
    """Measure again, print what has changed, and say what the exit code is."""
    from umt_sim.cli.tables import console, verdicts_table
    from umt_sim.expectations.baseline import Baseline, against
    from umt_sim.expectations.verdicts import exit_code, overall

    before = Baseline.load(asked.file.path)
    now = asked.measured(seeds or before.seeds, runs)
    verdicts = against(before, now, asked.file.tolerances)
    out = console()
    out.print(verdicts_table(verdicts))
    for name, number in before.versions.items():
        if now.versions.get(name) != number:
            click.echo(f"{name}: {number} then, {now.versions.get(name, 'absent')} now")
    status = overall(verdicts)
    click.echo(f"\n{status.value}: {asked.plan.name} against {asked.file.path}")
    return now, exit_code([status])


def _asked(scenario: str, overrides: tuple[str, ...], *, jobs: int, quiet: bool) -> _Asked:
    from umt_sim.scenario.loader import load

    plan = load(scenario, overrides=overrides)
    if plan.baseline is None:
        raise click.UsageError(
            f"{scenario} names no baseline; add"
            " baseline: {file: baselines/NAME.json, tolerate: {latency.p95: +10%}}"
        )
    return _Asked(scenario, overrides, jobs, quiet, plan, plan.baseline)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks for."""

    scenario: str
    overrides: tuple[str, ...]
    jobs: int
    quiet: bool
    plan: Plan
    file: BaselineFile

    def measured(self, seeds: Sequence[int], runs: Path) -> Baseline:
        """The scenario's numbers as they are now."""
        from umt_sim.bootstrap.baselines import baseline_of
        from umt_sim.bootstrap.trials import trials_of
        from umt_sim.cli.batch import carried_out
        from umt_sim.cli.outcomes import print_results

        trials = trials_of(
            self.scenario,
            seeds=seeds,
            overrides=self.overrides,
            runs=runs,
            asked=tuple(self.file.tolerances),
        )
        batch = carried_out(trials, jobs=self.jobs, quiet=self.quiet)
        unusable = [result for result in batch.results if result.ended != "completed"]
        if unusable or len(batch.results) < len(trials):
            print_results(unusable)
            sys.exit(batch.code)
        return baseline_of(batch.results)


def _seeds_of(plan: Plan, seed: int | None, seeds: Sequence[int] | None) -> Sequence[int]:
    if seed is not None:
        return (seed,)
    if seeds is not None:
        return seeds
    if len(plan.seeds) > 1:
        return plan.seeds
    return range(plan.seed, plan.seed + _REPLICATIONS)
