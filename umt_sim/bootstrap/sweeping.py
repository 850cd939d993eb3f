"""Sweeps: every combination of some values of a scenario, each with the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from umt_sim.bootstrap.trials import Trial, TrialResult, run_trial, trials_of
from umt_sim.errors import SearchError
from umt_sim.expectations.numbers import STANDARD, each_operation
from umt_sim.scenario.loader import load
from umt_sim.search.grid import Point, edits, points
from umt_sim.search.pool import carry_out
from umt_sim.search.sweep import Sweep, Tried

__all__ = ["SweepPlan", "sweep"]

_EACH = 10
"""One trial in so many is run twice, the first one always."""


class SweepPlan:
    """
    The trials of a sweep, before they are run.

    Args:
        path: The scenario file.
        vary: Path of a value to the values it takes; instead of the scenario's ``sweep``.
        seeds: Instead of the scenario's own.
        measure: Names of numbers in the language of ``expect``; one that names no
            operation is measured for each.
        overrides: Edits of the scenario that hold at every point, ``path=value`` each.
        runs: Where run folders are kept; ``None`` keeps nothing.

    Raises:
        ScenarioError: The file, or a value at some point, is wrong.
        SearchError: Neither *vary* nor the scenario says what to vary.

    Attributes:
        trials: Point by point, all seeds of each; then those that are run a second time.
        repeated: Position of each second run to that of the first.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        vary: Mapping[str, Sequence[Any]] | None = None,
        seeds: Sequence[int] | None = None,
        measure: Sequence[str] = STANDARD,
        overrides: Sequence[str] = (),
        runs: Path | None = None,
    ) -> None:
        plan = load(path, overrides=overrides)
        grid = points(vary if vary is not None else plan.sweep)
        if grid == [{}]:
            raise SearchError(
                f"{path} sweeps nothing; add sweep: {{policies.NAME.timeout: [1s, 2s]}}"
                " or say what to vary"
            )
        asked = each_operation(measure, [load.name for load in plan.workload])
        self._points: list[Point] = []
        self.trials: list[Trial] = []
        for point in grid:
            made = trials_of(
                str(path),
                seeds=seeds,
                overrides=(*overrides, *edits(point)),
                runs=runs,
                asked=asked,
            )
            self.trials += made
            self._points += [point] * len(made)
        self._once = len(self.trials)
        self.repeated = {
            self._once + nth: first for nth, first in enumerate(range(0, self._once, _EACH))
        }
        self.trials += [replace(self.trials[first], runs=None) for first in self.repeated.values()]

    def found(self, results: Mapping[int, TrialResult]) -> Sweep:
        """
        What the trials at these positions came to.

        Raises:
            SearchError: One could not be run, or two runs of one trial went different ways.
        """
        twice = 0
        for second, first in self.repeated.items():
            if first in results and second in results:
                _insist_on_one_path(results[first], results[second])
                twice += 1
        return Sweep(
            [
                _tried(self._points[index], results[index])
                for index in range(self._once)
                if index in results
            ],
            repeated=twice,
        )


def sweep(
    path: str | Path,
    *,
    vary: Mapping[str, Sequence[Any]] | None = None,
    seeds: Sequence[int] | None = None,
    measure: Sequence[str] = STANDARD,
    overrides: Sequence[str] = (),
    runs: str | Path | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Sweep:
    """
    Run a scenario with every combination of some of its values.

    Each point meets the same seeds: the same arrivals and service times. One trial in ten
    is run twice, to be sure that a seed still names one course of events.

    Args:
        path: The scenario file.
        vary: Path of a value to the values it takes:
            ``{"policies.llm.timeout": ["1s", "2s"]}``; the scenario's own ``sweep`` when left out.
        seeds: Instead of the scenario's own.
        measure: Names of numbers in the language of ``expect``; one that names no
            operation is measured for each.
        overrides: Edits of the scenario that hold at every point, ``path=value`` each.
        runs: Where run folders are kept; none are when left out.
        jobs: Trials at once, each in a process of its own.
        progress: Told how many trials are done, and of how many.

    Raises:
        ScenarioError: The file, or a value at some point, is wrong.
        SearchError: A trial could not be run, or two runs of one went different ways.
        KeyboardInterrupt: Passed on when every process has been stopped.
    """
    planned = SweepPlan(
        path,
        vary=vary,
        seeds=seeds,
        measure=measure,
        overrides=overrides,
        runs=Path(runs) if runs is not None else None,
    )
    results: dict[int, TrialResult] = {}

    def keep(index: int, result: TrialResult) -> bool:
        results[index] = result
        progress(len(results), len(planned.trials))
        if result.ended == "interrupted":
            raise KeyboardInterrupt
        return True

    carry_out(run_trial, planned.trials, jobs=jobs, done=keep)
    return planned.found(results)


def _insist_on_one_path(first: TrialResult, second: TrialResult) -> None:
    if first.tape_hash != second.tape_hash:
        raise SearchError(
            f"two runs of one seed took different paths, tapes {first.tape_hash} and"
            f" {second.tape_hash}; this names the first difference:"
            f" {first.reproduce.partition('  #')[0]} --check-determinism"
        )


def _tried(point: Point, result: TrialResult) -> Tried:
    if result.ended == "refused":
        raise SearchError(f"{edits(point)} with seed {result.seed}: {result.error}")
    return Tried(point, result.seed, result.status, result.numbers, result.reproduce, result.folder)
