"""A scenario file becomes tests: one for each seed, ``scenario[s7]``, and its baseline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from umt_sim.analysis import Result
from umt_sim.bootstrap import run_plan
from umt_sim.bootstrap.baselines import check_baseline
from umt_sim.errors import ScenarioError, UmtSimError
from umt_sim.expectations.verdicts import Status, overall
from umt_sim.journal.storage import new_folder
from umt_sim.pytest_plugin.explaining import comparison, explanation, numbers
from umt_sim.scenario.loader import load
from umt_sim.scenario.plan import Plan

__all__ = ["BaselineItem", "ScenarioFailed", "ScenarioFile", "ScenarioItem"]


class ScenarioFailed(AssertionError):
    """A scenario's verdict is not PASSED. Carries the explanation that the report shows."""


class ScenarioFile(pytest.File):
    """A scenario file; broken ones are errors of the collection, with every problem found."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each seed, and one for the baseline where that is asked for."""
        try:
            plan = load(_shown(self.path), world=self.config.getoption("--umt-world"))
        except ScenarioError as error:
            raise self.CollectError(str(error)) from None
        for item in self._items(plan):
            for mark in plan.marks:
                item.add_marker(mark)
            yield item

    def _items(self, plan: Plan) -> Iterator[pytest.Item]:
        for seed in _seeds(plan.seeds, self.config.getoption("--umt-seeds")):
            yield ScenarioItem.from_parent(self, **self._named(f"{plan.name}[s{seed}]"), seed=seed)
        if plan.baseline is not None and self.config.getoption("--umt-baseline"):
            yield BaselineItem.from_parent(self, **self._named(f"{plan.name}[baseline]"))

    def _named(self, name: str) -> dict[str, str]:
        """What an item is called. pytest 9.2 finds brackets only in an id that is given whole."""
        return {"name": name, "nodeid": f"{self.nodeid}::{name}"}


class _Item(pytest.Item):
    """What the tests of a scenario have in common: how they are shown."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Verdicts and sentences as they are; a traceback only where something crashed."""
        if isinstance(excinfo.value, ScenarioFailed | UmtSimError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands and what it is called."""
        return self.path, None, self.name


class ScenarioItem(_Item):
    """One scenario with one seed."""

    def __init__(self, *, seed: int, **node: Any) -> None:
        super().__init__(**node)
        self._seed = seed

    def runtest(self) -> None:
        """
        Run the scenario.

        Raises:
            ScenarioFailed: Its verdict is FAILED, ERRORED or INCONCLUSIVE.
            WorldError: A service is missing, or the world cannot do a fault.
        """
        result = run_plan(self._plan())
        if result.journal.header["ended"] == "interrupted":
            raise KeyboardInterrupt
        if runs := self.config.getoption("--umt-runs"):
            started = datetime.now()  # noqa: DTZ005 - a folder's name, for people
            result.save(new_folder(Path(runs), result.name, result.seed, started))
        self.user_properties.extend(numbers(result))
        self._judge(result)

    def _plan(self) -> Plan:
        world = self.config.getoption("--umt-world")
        return load(_shown(self.path), seed=self._seed, world=world)

    def _judge(self, result: Result) -> None:
        if result.status is not Status.PASSED:
            raise ScenarioFailed(explanation(result, _shown(self.path)))


class BaselineItem(_Item):
    """One scenario compared with its stored baseline, over the baseline's seeds."""

    def runtest(self) -> None:
        """
        Run the scenario with the baseline's seeds and compare.

        Raises:
            ScenarioFailed: A number has regressed, or the runs cannot tell.
        """
        verdicts = check_baseline(_shown(self.path))
        if overall(verdicts) is not Status.PASSED:
            raise ScenarioFailed(comparison(verdicts, _shown(self.path)))


def _seeds(own: tuple[int, ...], count: int | None) -> tuple[int, ...]:
    """The scenario's own seeds, or *count* of them, counting on after the last."""
    if count is None:
        return own
    more = range(own[-1] + 1, own[-1] + 1 + max(0, count - len(own)))
    return (*own, *more)[:count]


def _shown(path: Path) -> str:
    """The path as a person in the current folder would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
