"""
What a sweep found, as tables: a row for each trial, or one for each point over its seeds.

Every point is run with the same seeds, so it met the same arrivals and service times:
points are compared pair by pair, seed by seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from umt_sim.expectations.verdicts import Status
from umt_sim.measures.estimates import Estimate, over_replications
from umt_sim.search.grid import Point

__all__ = ["Sweep", "Tried"]


@dataclass(frozen=True, slots=True)
class Tried:
    """
    One trial of a sweep.

    Attributes:
        point: Where in the grid.
        seed: Its seed.
        status: Its verdict.
        numbers: What was measured, by name.
        reproduce: The command that runs it again.
        folder: Where it is kept, if it is.
    """

    point: Point
    seed: int
    status: Status
    numbers: Mapping[str, Estimate]
    reproduce: str
    folder: Path | None


class Sweep:
    """
    The trials of a sweep.

    Args:
        trials: In the order of the grid, all seeds of a point together.
        repeated: How many of them were run twice and went the same way.
    """

    def __init__(self, trials: Sequence[Tried], *, repeated: int = 0) -> None:
        self.trials = tuple(trials)
        self.repeated = repeated

    @property
    def frame(self) -> pd.DataFrame:
        """
        One row a trial: the values swept, ``seed``, ``status``, then each number and the
        ends of its 95 % interval within the run, ``NUMBER low`` and ``NUMBER high``.
        """
        return pd.DataFrame([_row(trial) for trial in self.trials])

    def summary(self) -> pd.DataFrame:
        """
        One row a point: the values swept, ``passed`` of ``seeds``, then each number as its
        mean over the seeds with the 95 % interval, and ``NUMBER change`` with its interval:
        the mean paired difference to the first point.
        """
        groups = self._by_point()
        first = groups[0] if groups else []
        return pd.DataFrame([_summed(group, first) for group in groups])

    def _by_point(self) -> list[list[Tried]]:
        groups: list[list[Tried]] = []
        for trial in self.trials:
            if not groups or groups[-1][0].point != trial.point:
                groups.append([])
            groups[-1].append(trial)
        return groups

    def __len__(self) -> int:
        return len(self.trials)

    def __repr__(self) -> str:
        passed = sum(trial.status is Status.PASSED for trial in self.trials)
        return f"<Sweep of {len(self._by_point())} points, {passed} of {len(self)} trials passed>"

    def _repr_html_(self) -> str:
        return str(self.summary().to_html(index=False, na_rep=""))


def _row(trial: Tried) -> dict[str, Any]:
    row = {**trial.point, "seed": trial.seed, "status": trial.status.value}
    for name, estimate in trial.numbers.items():
        row |= _columns(name, estimate)
    return row


def _summed(group: Sequence[Tried], first: Sequence[Tried]) -> dict[str, Any]:
    row: dict[str, Any] = {
        **group[0].point,
        "passed": sum(trial.status is Status.PASSED for trial in group),
        "seeds": len(group),
    }
    for name in group[0].numbers:
        row |= _columns(name, over_replications(list(_values(group, name).values())))
        row |= _columns(f"{name} change", _change(group, first, name))
    return row


def _change(group: Sequence[Tried], first: Sequence[Tried], name: str) -> Estimate:
    """The mean paired difference of *group* to *first*."""
    here, there = _values(group, name), _values(first, name)
    return over_replications([here[seed] - there[seed] for seed in here if seed in there])


def _values(group: Sequence[Tried], name: str) -> dict[int, float]:
    """A number's value for each seed that has one."""
    found = {trial.seed: trial.numbers[name].value for trial in group if name in trial.numbers}
    return {seed: value for seed, value in found.items() if value is not None}


def _columns(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name} low": estimate.low, f"{name} high": estimate.high}
