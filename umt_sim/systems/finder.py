"""Finds the system a scenario names: a built-in one, or anybody's by ``package.module:factory``."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from umt_sim.systems.base import System
from umt_sim.systems.lab import LAB
from umt_sim.systems.umt import UMT

__all__ = ["BUILT_IN", "SystemNotFound", "find_system"]

BUILT_IN: Mapping[str, System] = {system.name: system for system in (UMT, *LAB)}
"""Systems that a scenario names without a module."""


class SystemNotFound(LookupError):
    """The name leads to no system. The message says why and what to write."""


def find_system(name: str) -> System:
    """
    Return the system called *name*.

    ``package.module:factory`` is imported with the working directory on the
    path, as ``python -m`` would. The factory may be a ``System``, or a function
    that takes a ``Setting`` and returns an async context manager.

    Raises:
        SystemNotFound: No such built-in system, module or attribute, or the module fails.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    module_name, _, attribute = name.partition(":")
    if not all(map(str.isidentifier, (*module_name.split("."), attribute))):
        raise SystemNotFound(
            f"no built-in system is called {name!r}; write {', '.join(BUILT_IN)}"
            " or package.module:factory"
        )
    return _as_system(name, _load(module_name, attribute))


def _load(module_name: str, attribute: str) -> object:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name + ".").startswith(error.name + "."):
            raise SystemNotFound(
                f"there is no module {module_name!r} here; run from the folder that holds it,"
                " or install it"
            ) from error
        raise _not_imported(module_name, error) from error
    except Exception as error:
        raise _not_imported(module_name, error) from error
    try:
        found: object = getattr(module, attribute)
    except AttributeError as error:
        raise SystemNotFound(f"module {module_name!r} has no {attribute!r}") from error
    return found


def _not_imported(module_name: str, error: Exception) -> SystemNotFound:
    """The sentence for a module that is there and fails; says where."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where, line = frame.filename, frame.lineno
    if isinstance(error, SyntaxError):
        where, line = error.filename or where, error.lineno
    return SystemNotFound(
        f"module {module_name!r} cannot be imported: {type(error).__name__}:"
        f" {getattr(error, 'msg', error)} ({Path(where).name}:{line})"
    )


def _as_system(name: str, found: object) -> System:
    if isinstance(found, System):
        return found
    if callable(found):
        return System(name=name, load=lambda: found)
    raise SystemNotFound(
        f"{name} is a {type(found).__name__}; it must be a System, or a function that takes a"
        " Setting and returns an async context manager"
    )
