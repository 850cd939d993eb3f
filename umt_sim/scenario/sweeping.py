"""Checks a ``sweep`` before anything runs: every value it will set must make a valid scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from umt_sim.errors import Problem, ScenarioError
from umt_sim.scenario.editing import assigned
from umt_sim.scenario.yaml import Document, Pointer

__all__ = ["sweep_problems"]

_NOT_SWEPT = ("name", "seed", "seeds", "sweep", "version")


def sweep_problems(
    document: Document, sweep: Mapping[str, Sequence[Any]], check: Callable[[Document], object]
) -> list[Problem]:
    """
    What is wrong with the values of a sweep, one at a time.

    Args:
        document: A valid scenario.
        sweep: Path of a value to the values it takes in turn.
        check: Raises ``ScenarioError`` for a document that is not valid.
    """
    plain = replace(document, data={k: v for k, v in document.data.items() if k != "sweep"})
    problems: list[Problem] = []
    for path, values in sweep.items():
        pointer: Pointer = ("sweep", path)
        if path.partition(".")[0] in _NOT_SWEPT:
            message = "cannot be swept; each value is run with every seed of the scenario"
            problems.append(document.problem(pointer, message, at_key=True))
            continue
        found = [_message(plain, path, value, check) for value in values]
        if len(set(found)) == 1:  # then it is the path that is wrong
            messages = [(pointer, found[0])]
        else:
            messages = [((*pointer, index), message) for index, message in enumerate(found)]
        problems += [
            document.problem(where, message, at_key=where == pointer)
            for where, message in messages
            if message
        ]
    return problems


def _message(document: Document, path: str, value: Any, check: Callable[[Document], object]) -> str:
    """Why *value* cannot stand at *path*; empty if it can."""
    try:
        check(assigned(document, path, value, "sweep"))
    except ScenarioError as error:
        first = error.problems[0]
        return f"{first.pointer}: {first.message}" if first.pointer else first.message
    return ""
