"""asyncio's handles, made lean: every step of every task goes through one."""

from __future__ import annotations

from asyncio import Timeout, events
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from umt_sim.kernel.sources import task_line

if TYPE_CHECKING:
    from umt_sim.kernel.loop import SimLoop

__all__ = ["SimHandle", "SimTimer", "describe_handle", "task_of"]


class SimHandle(events.Handle):
    """A callback in the ready queue. ``SimLoop.call_soon`` fills it in, which saves a call."""

    __slots__ = ()

    if TYPE_CHECKING:  # asyncio's own slots, which its type stubs leave out
        _callback: Any
        _loop: Any
        _context: Context
        _repr: Any
        _source_traceback: Any


class SimTimer(events.TimerHandle):
    """
    A timer as it lies in SimPy's heap.

    A class of its own so that the environment tells timers from SimPy's events
    by one identity test.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # asyncio's own slots, which its type stubs leave out
        _callback: Any
        _loop: Any
        _context: Context
        _repr: Any
        _source_traceback: Any
        _when: float
        _scheduled: bool

    def __init__(
        self,
        when: float,
        callback: Callable[..., Any],
        args: tuple[Any, ...],
        loop: SimLoop,
        context: Context | None,
    ) -> None:
        self._callback = callback
        self._args = args
        self._loop = loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._repr = None
        self._source_traceback = None
        self._when = when
        self._scheduled = True


def task_of(handle: Any) -> Any:
    """The task of which *handle* is a step; ``None`` for another callback."""
    owner = getattr(handle._callback, "__self__", None)
    return owner if hasattr(owner, "get_coro") else None


def describe_handle(handle: Any) -> tuple[str, str]:
    """Who a callback belongs to, and the source line it is at."""
    task = task_of(handle)
    if task is None:
        task = _waiting_for(handle)
    if task is not None:
        return task.get_name(), task_line(task)
    callback = handle._callback
    name = getattr(callback, "__qualname__", type(callback).__name__)
    return f"callback {name}", getattr(callback, "__module__", None) or "?"


def _waiting_for(handle: Any) -> Any:
    """The task that a timer will wake: it sleeps, or has set itself a timeout."""
    timeout = getattr(handle._callback, "__self__", None)
    if isinstance(timeout, Timeout):
        return getattr(timeout, "_task", None)  # private: without it the report says less
    for future in handle._args or ():
        for callback, _ in getattr(future, "_callbacks", None) or ():
            owner = getattr(callback, "__self__", None)
            if hasattr(owner, "get_coro"):
                return owner
    return None
