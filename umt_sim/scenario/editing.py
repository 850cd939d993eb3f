"""``--set path=value``: edits a document before it is validated, by the same rules as the file."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from umt_sim.errors import Problem, ScenarioError
from umt_sim.scenario.yaml import Document, Place, Pointer, parse_scalar

__all__ = ["assigned", "edited"]


def edited(document: Document, edit: str) -> Document:
    """
    *document* with one value set.

    Args:
        document: What to edit; left as it is.
        edit: ``path=value``. The path has dots between its keys; an item of a list
            is named by its position or by its ``name``. The value is YAML.

    Raises:
        ScenarioError: It has no ``=``, leads through something that holds nothing,
            or its value is not YAML. What the value means is checked later.
    """
    origin = f"--set {edit}"
    path, equals, text = edit.partition("=")
    if not equals or not path:
        raise _refusal(origin, "write --set path=value, for example faults.outage.for=30s")
    return assigned(document, path, parse_scalar(text, origin), origin)


def assigned(document: Document, path: str, value: Any, origin: str) -> Document:
    """
    *document* with *value* at *path*.

    Args:
        document: What to edit; left as it is.
        path: As for ``edited``.
        value: Plain data.
        origin: What problems with it are said to come from.

    Raises:
        ScenarioError: The path leads through something that holds nothing.
    """
    data = copy.deepcopy(document.data) if document.data is not None else {}
    pointer = _assign(data, path.split("."), value, origin)
    places = {
        place: where for place, where in document.places.items() if place[: len(pointer)] != pointer
    }
    for length in range(1, len(pointer) + 1):  # mappings made on the way come from here too
        places.setdefault(pointer[:length], Place(origin, None, None))
    return replace(document, data=data, places=MappingProxyType(places))


def _assign(data: Any, steps: list[str], value: Any, origin: str) -> Pointer:
    """Put *value* where *steps* lead and return where that is."""
    pointer: list[str | int] = []
    holder = data
    for index, step in enumerate(steps):
        key = _key(holder, step, origin, ".".join(steps[:index]))
        pointer.append(key)
        if index == len(steps) - 1:
            holder[key] = value
        elif isinstance(holder, dict) and holder.get(key) is None:
            holder[key] = {}
        holder = holder[key]
    return tuple(pointer)


def _key(holder: Any, step: str, origin: str, above: str) -> str | int:
    """What *step* means in *holder*: a key, or the position of an item."""
    if isinstance(holder, dict):
        return int(step) if step.isdigit() and int(step) in holder else step
    if isinstance(holder, list):
        names = [item.get("name") if isinstance(item, dict) else None for item in holder]
        if step in names:
            return names.index(step)
        if step.isdigit() and int(step) < len(holder):
            return int(step)
        known = [str(name) for name in names if name] or [f"0 to {len(holder) - 1}"]
        raise _refusal(origin, f'{above} has no item "{step}"; known are {", ".join(known)}')
    raise _refusal(origin, f'{above} is {holder!r} and holds no "{step}"')


def _refusal(origin: str, message: str) -> ScenarioError:
    return ScenarioError([Problem(origin, None, None, "", message)])
