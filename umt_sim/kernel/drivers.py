"""
Drivers that need a cure, and the cure: other objects under a few names of their modules.

Some keep connections, tasks or callbacks in sets, and iterate them. A set orders
such objects by address, so cancelling the waiters of a lost connection, say, would
happen in another order in every run. Some count over the life of the process
what they send to a server. While a kernel is entered the names below mean something
else. To add a driver, add a row.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from umt_sim.kernel.ordered import OrderedFrozenSet, OrderedSet, OrderedWeakSet

__all__ = ["CURES", "as_completed_in_order", "cure_drivers"]

_MISSING = object()
_as_completed = asyncio.as_completed


CURES: dict[str, dict[str, Any]] = {
    # futures and tasks of a connection, rejected when it is lost
    "aiormq.base": {"set": OrderedSet},
    # callbacks for returned messages and cancelled consumers
    "aiormq.channel": {"set": OrderedSet},
    "aio_pika.tools": {
        "set": OrderedSet,
        "frozenset": OrderedFrozenSet,
        "WeakSet": OrderedWeakSet,
    },
    # channels and queues, declared again after a reconnect
    "aio_pika.robust_connection": {"WeakSet": OrderedWeakSet},
    "aio_pika.robust_channel": {"set": OrderedSet},
    "aio_pika.pool": {"set": OrderedSet},
    # cancel scopes
    "anyio._backends._asyncio": {"set": OrderedSet},
    # listeners; a number in the names of prepared statements, which the server sees
    "asyncpg.connection": {"set": OrderedSet, "_uid": 0},
    # connections in use, closed with the pool
    "redis.asyncio.connection": {"set": OrderedSet},
}
"""For each module the names that mean something else during a run, and what."""


def cure_drivers(undo: ExitStack) -> None:
    """Cure all drivers, loaded or yet to be imported, until *undo* closes."""
    for name in CURES:
        module = sys.modules.get(name)
        if module is not None:
            _cure(module, undo)
    late = _LateDrivers(undo)
    sys.meta_path.insert(0, late)
    undo.callback(sys.meta_path.remove, late)


class _LateDrivers(MetaPathFinder):
    """Cures a driver that is imported during the run, as soon as it is loaded."""

    def __init__(self, undo: ExitStack) -> None:
        self._undo = undo
        self._searching = False

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        if name not in CURES or self._searching:
            return None
        self._searching = True  # what follows asks all finders, this one too
        try:
            spec = find_spec(name)
        finally:
            self._searching = False
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_cure(module: ModuleType) -> None:
                load(module)
                _cure(module, self._undo)

            spec.loader.exec_module = load_and_cure  # type: ignore[method-assign]
        return spec


def _cure(module: ModuleType, undo: ExitStack) -> None:
    for name, value in CURES[module.__name__].items():
        _bind(vars(module), name, value, undo)


def _bind(namespace: dict[str, Any], name: str, value: Any, undo: ExitStack) -> None:
    before = namespace.get(name, _MISSING)
    namespace[name] = value
    if before is _MISSING:  # a builtin's name, shadowed
        undo.callback(namespace.pop, name)
    else:
        undo.callback(namespace.__setitem__, name, before)


def as_completed_in_order(fs: Iterable[Any], *, timeout: float | None = None) -> Any:
    """
    Stands for ``asyncio.as_completed`` during a run.

    asyncio puts the coroutines into a set before it makes tasks of them; here
    they become tasks in the order given.
    """
    if asyncio.isfuture(fs) or asyncio.iscoroutine(fs):
        return _as_completed(fs, timeout=timeout)  # raises, with asyncio's own sentence
    return _as_completed([asyncio.ensure_future(item) for item in fs], timeout=timeout)
