"""
Where in the loaded modules a function is bound, so that it can be replaced everywhere.

``from time import monotonic`` binds the function itself: replacing
``time.monotonic`` does not reach it. So the namespaces of all modules are
searched, the classes in them, and the default arguments of their functions.
Closures and instances are not: what they hold stays as it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

__all__ = ["Aliases"]

_KEPT = (
    "umt_sim.kernel",  # holds the originals
    "_pytest",  # times tests, not what they test; a fixture may hold a kernel open
)


class _Place(NamedTuple):
    """Somewhere an original is bound."""

    original: Any
    read: Callable[[], Any]
    bind: Callable[[Any], None]


class Aliases:
    """
    The places where *originals* are bound.

    Searching all modules takes tens of milliseconds, so each is searched once and
    again when it has grown.

    Args:
        originals: The functions to look for.
    """

    def __init__(self, originals: Iterable[Any]) -> None:
        self._originals = {id(original): original for original in originals}
        self._searched: dict[str, tuple[int, int, list[_Place]]] = {}

    def rebind(self, replacements: Mapping[Any, Any], undo: ExitStack) -> None:
        """
        Bind replacements wherever the originals are bound.

        Modules that are imported later and bind a replacement get the original
        when *undo* closes.

        Args:
            replacements: What to bind instead, for some or all originals.
            undo: Restores everything when closed.
        """
        before = {name: id(module) for name, module in _modules()}
        for name, module in _modules():
            for place in self._places(name, module):
                original = place.original
                if original in replacements and place.read() is original:
                    place.bind(replacements[original])
                    undo.callback(place.bind, original)
        undo.callback(_restore_newcomers, before, replacements)

    def _places(self, name: str, module: ModuleType) -> list[_Place]:
        identity, size = id(module), len(vars(module))
        known = self._searched.get(name)
        if known is not None and known[:2] == (identity, size):
            return known[2]
        places = list(_search(module, self._originals))
        self._searched[name] = (identity, size, places)
        return places


def _restore_newcomers(before: Mapping[str, int], replacements: Mapping[Any, Any]) -> None:
    originals = {id(replacement): original for original, replacement in replacements.items()}
    for name, module in _modules():
        if before.get(name) != id(module):
            for place in _search(module, originals):
                place.bind(originals[id(place.original)])


def _modules() -> Iterator[tuple[str, ModuleType]]:
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and not name.startswith(_KEPT):
            yield name, module


def _search(module: ModuleType, targets: Container[int]) -> Iterator[_Place]:
    namespace = vars(module)
    for key, value in list(namespace.items()):
        if id(value) in targets:
            yield _in_namespace(namespace, key, value)
        elif isinstance(value, FunctionType):
            yield from _in_defaults(value, targets)
        elif isinstance(value, type) and value.__module__ == module.__name__:
            yield from _in_class(value, targets)


def _in_class(cls: type, targets: Container[int]) -> Iterator[_Place]:
    for key, value in list(vars(cls).items()):
        function = value.__func__ if isinstance(value, staticmethod) else value
        if id(function) in targets:
            yield _in_attribute(cls, key, function, value)
        elif isinstance(function, FunctionType):
            yield from _in_defaults(function, targets)


def _in_defaults(function: FunctionType, targets: Container[int]) -> Iterator[_Place]:
    for position, value in enumerate(function.__defaults__ or ()):
        if id(value) in targets:
            yield _at_position(function, position, value)
    keywords = function.__kwdefaults__ or {}
    for name, value in keywords.items():
        if id(value) in targets:
            yield _in_namespace(keywords, name, value)


def _in_namespace(namespace: dict[str, Any], key: str, original: Any) -> _Place:
    def bind(value: Any) -> None:
        namespace[key] = value

    return _Place(original, lambda: namespace.get(key), bind)


def _in_attribute(cls: type, key: str, original: Any, raw: Any) -> _Place:
    def read() -> Any:
        value = vars(cls).get(key)
        return value.__func__ if isinstance(value, staticmethod) else value

    def bind(value: Any) -> None:
        # A C function does not bind to instances; its replacement in Python would.
        setattr(cls, key, raw if value is original else staticmethod(value))

    return _Place(original, read, bind)


def _at_position(function: FunctionType, position: int, original: Any) -> _Place:
    def read() -> Any:
        defaults = function.__defaults__ or ()
        return defaults[position] if position < len(defaults) else None

    def bind(value: Any) -> None:
        defaults = list(function.__defaults__ or ())
        defaults[position] = value
        function.__defaults__ = tuple(defaults)

    return _Place(original, read, bind)
