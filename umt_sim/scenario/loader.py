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
from umt_sim.scenario.complaints import pointers_of, problems_of
from umt_sim.scenario.editing import edited
from umt_sim.scenario.freezing import freeze
from umt_sim.scenario.plan import Plan, WorldName
from umt_sim.scenario.salvage import salvaged
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
        if not isinstance(document.data, dict):
            raise ScenarioError([document.problem((), "a scenario is a mapping; see umt-sim init")])
        system, unfound = _found(document, find) if find is not None else (None, [])
        scenario, broken = _validated(document, folder)
        return freeze(
            scenario,
            document,
            problems=[*broken, *unfound],
            seed=seed,
            world=world,
            system=system,
        )

    plan = frozen(document)
    if problems := sweep_problems(document, plan.sweep, frozen):
        raise ScenarioError(problems)
    return plan


def _validated(document: Document, folder: Path) -> tuple[Scenario, list[Problem]]:
    """The scenario, or what is sound of it; and what is wrong with the rest."""
    surroundings = Surroundings(folder)
    try:
        return Scenario.model_validate(document.data, context=surroundings), []
    except ValidationError as error:
        errors = error.errors()
    problems = problems_of(errors, document, surroundings.names)
    sound = salvaged(document.data, pointers_of(errors, document))
    try:
        return Scenario.model_validate(sound, context=Surroundings(folder)), problems
    except ValidationError:  # what was taken out leaves a gap
        raise ScenarioError(problems) from None


def _found(document: Document, find: FindSystem) -> tuple[System | None, list[Problem]]:
    """The system that is named; or none, and why."""
    name = document.data.get("system", Scenario.model_fields["system"].default)
    if not isinstance(name, str):
        return None, []
    try:
        return find(name), []
    except SystemNotFound as error:
        return None, [document.problem(("system",), str(error))]
