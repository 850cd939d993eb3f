"""Runs a scenario with the seeds of its stored baseline, and compares the two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from umt_sim.bootstrap.trials import TrialResult, run_trial, trials_of
from umt_sim.errors import SearchError
from umt_sim.expectations.baseline import Baseline, against
from umt_sim.expectations.verdicts import Verdict
from umt_sim.scenario.loader import load
from umt_sim.search.pool import carry_out

__all__ = ["baseline_of", "check_baseline"]


def check_baseline(
    path: str | Path, *, overrides: Sequence[str] = (), jobs: int = 1
) -> tuple[Verdict, ...]:
    """
    Run a scenario with the seeds of its stored baseline and compare.

    Args:
        path: The scenario file; it names its ``baseline``.
        overrides: Edits of the scenario, ``path=value`` each.
        jobs: Runs at once, each in a process of its own.

    Returns:
        A verdict for each number that is compared: FAILED is a regression.

    Raises:
        ScenarioError: The file is wrong; carries every problem found.
        JournalError: There is no baseline, or it cannot be read.
        SearchError: The scenario names no baseline, or a run did not come to its end.
    """
    stored = load(path, overrides=overrides).baseline
    if stored is None:
        raise SearchError(f"{path} names no baseline")
    before = Baseline.load(stored.path)
    trials = trials_of(
        str(path), seeds=before.seeds, overrides=overrides, asked=tuple(stored.tolerances)
    )
    results: dict[int, TrialResult] = {}

    def keep(index: int, result: TrialResult) -> bool:
        results[index] = result
        return result.ended == "completed"

    carry_out(run_trial, trials, jobs=jobs, done=keep)
    found = [results[index] for index in sorted(results)]
    for result in found:
        if result.ended != "completed":
            raise SearchError(f"{result.name} seed {result.seed} {result.ended}: {result.error}")
    return against(before, baseline_of(found), stored.tolerances)


def baseline_of(results: Sequence[TrialResult]) -> Baseline:
    """The numbers that *results* of one scenario were asked for, as a baseline."""
    first = results[0]
    return Baseline(
        scenario=first.name,
        world=first.world,
        versions=first.versions,
        seeds=tuple(result.seed for result in results),
        numbers={
            name: [result.numbers[name].value for result in results] for name in first.numbers
        },
    )
