"""``umt-sim baseline``: store how a scenario does, and see later whether it has become worse."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from umt_sim.cli.options import adjusting, replicating, reporting, running, scenario

if TYPE_CHECKING:
    from umt_sim.expectations.baseline import Baseline
    from umt_sim.expectations.verdicts import Status, Verdict
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
    click.echo(f"wrote {stored}: {_extent(now)}")


@command.command("check")
@scenario
@adjusting
@running
@reporting
def check(scenario: str, seed: int | None, overrides: tuple[str, ...], jobs: int, runs: Path,
          quiet: bool, as_json: bool, junit: Path | None) -> None:  # fmt: skip
    """Run SCENARIO with the baseline's seeds and say whether it has become worse."""
    from umt_sim.expectations.verdicts import exit_code

    asked = _asked(scenario, overrides, jobs=jobs, quiet=quiet)
    _prepare(junit)
    found = _compared(asked, (seed,) if seed is not None else None, runs)
    if as_json:
        click.echo(json.dumps(found.plain(), indent=2))
    else:
        found.print()
    if junit is not None:
        from umt_sim.cli.writers.junit import write_comparison

        write_comparison(found.title, found.verdicts, found.properties, junit)
    sys.exit(exit_code([found.status]))


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
    found = _compared(asked, wanted, runs)
    found.print()
    now = found.now
    now.save(asked.file.path)
    click.echo(f"wrote {asked.file.path}: {_extent(now)}")


def _prepare(junit: Path | None) -> None:
    """Make sure that the file can be written before minutes are spent on it."""
    from umt_sim.cli.delivery import writable

    if junit is not None:
        with writable("--junit", junit):
            junit.parent.mkdir(parents=True, exist_ok=True)


def _compared(asked: _Asked, seeds: Sequence[int] | None, runs: Path) -> _Compared:
    """Measure again and compare."""
    from umt_sim.expectations.baseline import Baseline, against

    before = Baseline.load(asked.file.path)
    now = asked.measured(seeds or before.seeds, runs)
    verdicts = against(before, now, asked.file.tolerances)
    return _Compared(asked.file.path, before, now, verdicts)


@dataclass(frozen=True, slots=True)
class _Compared:
    """What came of a comparison with a stored baseline."""

    path: Path
    before: Baseline
    now: Baseline
    verdicts: Sequence[Verdict]

    @property
    def title(self) -> str:
        return f"{self.now.scenario} against {self.path}"

    @property
    def status(self) -> Status:
        from umt_sim.expectations.verdicts import overall

        return overall(self.verdicts)

    @property
    def changed(self) -> dict[str, tuple[str, str]]:
        """Each version that is another now: what it was, and what it is."""
        now = self.now.versions
        return {
            name: (then, now.get(name, "absent"))
            for name, then in self.before.versions.items()
            if now.get(name) != then
        }

    @property
    def properties(self) -> list[tuple[str, str]]:
        """What a CI server shows beside the verdicts."""
        return [
            ("seeds", " ".join(map(str, self.now.seeds))),
            ("world", self.now.world),
            ("verdict", self.status.value),
            *((f"version of {n}", f"{then} then, {now} now")
              for n, (then, now) in self.changed.items()),
        ]  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        from umt_sim.cli.delivery import plain_verdict

        return {
            "scenario": self.now.scenario,
            "baseline": str(self.path),
            "status": self.status.value,
            "world": self.now.world,
            "seeds": list(self.now.seeds),
            "changed_versions": {
                name: {"then": then, "now": now} for name, (then, now) in self.changed.items()
            },
            "verdicts": [plain_verdict(verdict) for verdict in self.verdicts],
        }

    def print(self) -> None:
        """Show people what has changed."""
        from umt_sim.cli.tables import console, verdicts_table

        console().print(verdicts_table(self.verdicts))
        for name, (then, now) in self.changed.items():
            click.echo(f"{name}: {then} then, {now} now")
        click.echo(f"\n{self.status.value}: {self.title}")


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


def _extent(stored: Baseline) -> str:
    from umt_sim.expectations.wording import counted

    return f"{counted(len(stored.numbers), 'number')} over {counted(len(stored.seeds), 'seed')}"


def _seeds_of(plan: Plan, seed: int | None, seeds: Sequence[int] | None) -> Sequence[int]:
    if seed is not None:
        return (seed,)
    if seeds is not None:
        return seeds
    if len(plan.seeds) > 1:
        return plan.seeds
    return range(plan.seed, plan.seed + _REPLICATIONS)
