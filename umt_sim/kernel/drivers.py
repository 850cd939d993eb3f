"""
Drivers that keep connections, tasks or callbacks in sets, and iterate them.

A set orders such objects by address, so cancelling the waiters of a lost
connection, say, would happen in another order in every run. The cure is the
same for all: the name ``set`` (or ``WeakSet``) of the driver's module means a
set in order of insertion while a kernel is entered. To add a driver, add a row.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from umt_sim.kernel.ordered import OrderedFrozenSet, OrderedSet, OrderedWeakSet

__all__ = ["COUNTERS", "DRIVERS", "as_completed_in_order", "ordered_drivers"]

DRIVERS: dict[str, tuple[str, ...]] = {
    "aiormq.base": ("set",),  # futures and tasks of a connection, rejected when it is lost
    "aiormq.channel": ("set",),  # callbacks for returned messages and cancelled consumers
    "aio_pika.tools": ("set", "frozenset", "WeakSet"),  # callback collections
    "aio_pika.robust_connection": ("WeakSet",),  # channels, reopened after a reconnect
    "aio_pika.robust_channel": ("set",),  # queues, declared again after a reconnect
    "aio_pika.pool": ("set",),
    "anyio._backends._asyncio": ("set",),  # cancel scopes
    "asyncpg.connection": ("set",),  # listeners
    "redis.asyncio.connection": ("set",),  # connections in use, closed with the pool
}
"""For each module the names that get an ordered class."""

COUNTERS: dict[str, tuple[str, ...]] = {
    "asyncpg.connection": ("_uid",),  # in the names of prepared statements, sent to the server
}
"""For each module the numbers that grow over the life of a process, and start at 0 in a run."""

_ORDERED: dict[str, Any] = {
    "set": OrderedSet,
    "frozenset": OrderedFrozenSet,
    "WeakSet": OrderedWeakSet,
}
_MISSING = object()
_as_completed = asyncio.as_completed


def ordered_drivers(undo: ExitStack) -> None:
    """Order the sets of all loaded drivers and reset their counters, until *undo* closes."""
    for name, counters in COUNTERS.items():
        module = sys.modules.get(name)
        for counter in counters if module is not None else ():
            undo.callback(setattr, module, counter, getattr(module, counter))
            setattr(module, counter, 0)
    for name, names in DRIVERS.items():
        module = sys.modules.get(name)
        if module is not None:
            for shadowed in names:
                _shadow(vars(module), shadowed, undo)


def _shadow(namespace: dict[str, Any], name: str, undo: ExitStack) -> None:
    before = namespace.get(name, _MISSING)
    namespace[name] = _ORDERED[name]
    if before is _MISSING:
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
