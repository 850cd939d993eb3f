"""
What is left of a file when its broken parts are taken out.

One mistake must not hide another: what is sound is checked all the same. Names are read from the
file itself, broken parts included, so that nothing that refers to one is called unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from umt_sim.scenario.yaml import Document, Pointer

__all__ = ["keys_of", "operations_of", "salvaged", "texts_of"]

_IDLE = {"name": "", "arrivals": {"model": "closed", "users": 1, "think": "0s"}}
_STAND_INS: Mapping[str, Any] = {
    "version": 1,
    "name": "broken",
    "clock": {"duration": "10000h"},  # whatever the faults say, they are over by then
    "workload": [_IDLE],
}
"""What takes the place of a broken part that every scenario has."""


def salvaged(data: Mapping[str, Any], broken: Sequence[Pointer]) -> dict[str, Any]:
    """*data* without its broken parts: a service, a policy, a fault, a load, or a whole key."""
    rest = dict(data)
    for pointer in broken:
        match pointer:
            case ("services" | "policies" | "faults" as block, name, *_):
                rest[block] = {key: part for key, part in rest[block].items() if key != name}
            case ("workload", int(index), *_):
                loads = list(rest["workload"])
                loads[index] = _IDLE
                rest["workload"] = loads
            case (str(key), *_) if key in _STAND_INS:
                rest[key] = _STAND_INS[key]
            case (str(key), *_):
                rest.pop(key, None)
    return rest


def keys_of(document: Document, block: str) -> list[str]:
    """The names in a block such as ``faults``, in order."""
    found = document.data.get(block)
    return [key for key in found if isinstance(key, str)] if isinstance(found, dict) else []


def texts_of(document: Document, key: str) -> list[tuple[int, str]]:
    """The texts in a list such as ``expect``, each with its position."""
    found = document.data.get(key)
    items = found if isinstance(found, list) else []
    return [(index, item) for index, item in enumerate(items) if isinstance(item, str)]


def operations_of(document: Document) -> list[tuple[int, str]]:
    """The operations that loads ask for, each with the position of its load."""
    loads = document.data.get("workload")
    names = [
        (index, load.get("name"))
        for index, load in enumerate(loads if isinstance(loads, list) else [])
        if isinstance(load, dict)
    ]
    return [(index, name) for index, name in names if isinstance(name, str)]
