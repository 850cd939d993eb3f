"""
Reads a scenario file into a frozen plan, or says everything that is wrong with it.

    text -> yaml (values and places) -> edits -> schema -> freezing -> Plan

Command-line flags only edit the document; from there on every value takes one way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from umt_sim.errors import Problem, ScenarioError
from umt_sim.scenario.complaints import problems_of
from umt_sim.scenario.editing import edited
from umt_sim.scenario.freezing import freeze
from umt_sim.scenario.plan import Plan, WorldName
from umt_sim.scenario.schema.block import Surroundings
from umt_sim.scenario.schema.scenario import Scenario
from umt_sim.scenario.sweeping import sweep_problems
from umt_sim.scenario.yaml import Document, parse
from umt_sim.systems.base import System
from umt_sim.systems.finder import SystemNotFound, find_system

__all__ = ["load", "load_frozen", "load_text"]

FindSystem = Callable[[str], System]


def load(
    path: str | Path,
    *,
    seed: int | None = None,
    world: WorldName = "sim",
    overrides: Sequence[str] = (),
    find: FindSystem | None = find_system,
) -> Plan:
    """
    Load a scenario file.

    Args:
        path: The file; messages name it as given here.
        seed: Instead of the scenario's own.
        world: Where it will run; some faults exist only in ``sim``.
        overrides: Edits, ``path=value`` each, in order.
        find: Finds the system under test by name, for the checks of its operations
            and policies; ``None`` leaves these checks to the run.

    Raises:
        ScenarioError: The file cannot be read or is wrong. Carries every problem found.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ScenarioError([Problem(str(path), None, None, "", str(reason))]) from None
    return load_text(text, str(path), seed=seed, world=world, overrides=overrides, find=find)


def load_text(
    text: str,
    path: str = "<text>",
    *,
    seed: int | None = None,
    world: WorldName = "sim",
    overrides: Sequence[str] = (),
    find: FindSystem | None = find_system,
) -> Plan:
    """Load a scenario from its *text*; *path* is how messages name it. Else as ``load``."""
    document = parse(text, path)
    folder = Path(path).parent
    return _load(document, folder, seed=seed, world=world, overrides=overrides, find=find)


def load_frozen(
    plain: Mapping[str, Any],
    *,
    world: WorldName = "sim",
    overrides: Sequence[str] = (),
    find: FindSystem | None = find_system,
) -> Plan:
    """Load again what ``Plan.as_dict`` gave, for example from a journal's header."""
    document = Document("<frozen plan>", dict(plain), MappingProxyType({}))
    return _load(document, Path(), seed=None, world=world, overrides=overrides, find=find)


def _load(
    document: Document,
    folder: Path,
    *,
    seed: int | None,
    world: WorldName,
    overrides: Sequence[str],
    find: FindSystem | None,
) -> Plan:
    for override in overrides:
        document = edited(document, override)

    def frozen(document: Document) -> Plan:
        scenario = _validated(document, folder)
        system = _found(scenario.system, document, find) if find is not None else None
        return freeze(scenario, document, seed=seed, world=world, system=system)

    plan = frozen(document)
    if problems := sweep_problems(document, plan.sweep, frozen):
        raise ScenarioError(problems)
    return plan


def _validated(document: Document, folder: Path) -> Scenario:
    if not isinstance(document.data, dict):
        raise ScenarioError([document.problem((), "a scenario is a mapping; see umt-sim init")])
    surroundings = Surroundings(folder)
    try:
        return Scenario.model_validate(document.data, context=surroundings)
    except ValidationError as error:
        problems = problems_of(error.errors(), document, surroundings.names)
        raise ScenarioError(problems) from None


def _found(name: str, document: Document, find: FindSystem) -> System:
    try:
        return find(name)
    except SystemNotFound as error:
        raise ScenarioError([document.problem(("system",), str(error))]) from None
