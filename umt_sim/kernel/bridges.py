"""
Tasks wait for SimPy events, SimPy processes wait for tasks.

``await event`` works on every SimPy event, those of ``Resource`` and ``Store``
included. They subclass ``simpy.Event`` and build their own event classes, so the
one place where ``__await__`` reaches them all is ``simpy.Event`` itself, which
has none. It is added on import, once, and changes nothing for users of SimPy
alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from functools import singledispatch
from heapq import heappush
from typing import TYPE_CHECKING, Any, cast

from simpy.events import Event
from simpy.resources.base import Get, Put
from simpy.resources.container import ContainerGet
from simpy.resources.resource import Request
from simpy.resources.store import PriorityStore, StoreGet

from umt_sim.errors import AwaitedTaskCancelled

if TYPE_CHECKING:
    from umt_sim.kernel.loop import SimLoop

__all__ = ["event_of", "withdraw"]


def _await_event(self: Event) -> Generator[Any, None, Any]:
    """
    Suspend the running task until the event is processed; its value, or its exception.

    Cancelling the task withdraws a pending ``get``, ``put`` or ``request``.
    """
    if self.callbacks is None:
        return _outcome(self)
    try:
        loop = self.env.loop  # type: ignore[attr-defined]
    except AttributeError:
        raise RuntimeError(
            f"{self} belongs to a plain simpy.Environment; await events of kernel.env"
        ) from None
    future = loop.create_future()

    def wake(event: Event) -> None:
        event._defused = True  # whoever waits here gets the exception
        if not future.done():
            future.set_result(None)

    self.callbacks.append(wake)
    try:
        yield from future
    except asyncio.CancelledError:
        if self.callbacks is not None and wake in self.callbacks:
            self.callbacks.remove(wake)
        withdraw(self)
        raise
    return _outcome(self)


Event.__await__ = _await_event  # type: ignore[attr-defined]


def _outcome(event: Event) -> Any:
    if event._ok:
        return event._value
    event._defused = True
    raise event._value


@singledispatch
def withdraw(event: Event) -> None:
    """
    Undo what *event* asked for, because whoever asked is gone.

    If it was granted in the very instant of the cancellation, it is given back:
    an item returns to the head of its store, a slot to its resource.
    """


@withdraw.register(Put)
def _(event: Put[Any]) -> None:
    event.cancel()  # does nothing once it has happened: what was put stays put


@withdraw.register
def _(event: Request) -> None:
    if event.triggered:
        event.resource.release(event)
    else:
        event.cancel()


@withdraw.register(Get)
def _(event: Get[Any]) -> None:
    if not event.triggered:
        event.cancel()


@withdraw.register
def _(event: StoreGet) -> None:
    if not event.triggered:
        event.cancel()
        return
    store = event.resource
    if isinstance(store, PriorityStore):
        heappush(store.items, event.value)
    else:
        store.items.insert(0, event.value)
    store._trigger_get(None)


@withdraw.register
def _(event: ContainerGet) -> None:
    if not event.triggered:
        event.cancel()
        return
    event.resource._level += event.amount
    event.resource._trigger_get(None)


def event_of(loop: SimLoop, awaitable: Awaitable[Any]) -> Event:
    """
    A SimPy event that happens when *awaitable* is done, for a process to ``yield``.

    If its task is cancelled the event fails with ``AwaitedTaskCancelled``:
    ``CancelledError`` itself would tell the process that *it* was cancelled.
    """
    future = asyncio.ensure_future(awaitable, loop=loop)
    event = Event(loop.env)

    def done(future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            event.fail(AwaitedTaskCancelled(_name(future)))
        elif (error := future.exception()) is not None:
            event.fail(cast("Exception", error))  # SimPy takes any BaseException
        else:
            event.succeed(future.result())

    future.add_done_callback(done)
    return event


def _name(future: asyncio.Future[Any]) -> str:
    return future.get_name() if isinstance(future, asyncio.Task) else "a future"
