"""
The forms a protected call can take: function, coroutine, generator, asynchronous generator.

Each wraps one callable. What it needs of the machine is bound once, since these few
lines run on every call of a healthy system.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from functools import partial, wraps
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, cast

from umt_sim.platform.resilience.breaker.machine import Machine

__all__ = ["call_awaitable", "guard", "is_coroutine_function", "once_awaited"]

P = ParamSpec("P")
R = TypeVar("R")


def guard(machine: Machine, function: Callable[P, R]) -> Callable[P, R]:
    """*function* with the breaker around it, of the same kind and signature."""
    plain = _unwrapped(function)
    if inspect.isasyncgenfunction(plain):
        guarded: Callable[..., Any] = _guard_async_generator(machine, cast("Any", function))
    elif inspect.isgeneratorfunction(plain):
        guarded = _guard_generator(machine, cast("Any", function))
    elif inspect.iscoroutinefunction(plain):
        guarded = _guard_coroutine(machine, cast("Any", function))
    else:
        guarded = _guard_function(machine, function)
    return cast("Callable[P, R]", _dressed(guarded, function))


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Whether a call of *function* gives a coroutine; partials and callable objects included."""
    return inspect.iscoroutinefunction(_unwrapped(function))


async def call_awaitable(
    machine: Machine, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
) -> R:
    """One protected call of a function that gives an awaitable."""
    started = machine.monotonic()
    ticket = machine.free or (None if started <= machine.shut else machine.ask(started))
    if ticket is None:
        raise machine.refusal(started)
    try:
        result = await function(*args, **kwargs)
    except Exception as error:
        machine.fail(ticket, started, error)
        raise
    except BaseException:
        machine.release(ticket)
        raise
    machine.returned(ticket, started, result)
    return result


async def once_awaited(
    call: Callable[[Callable[[], Awaitable[R]]], Awaitable[R]], coroutine: Coroutine[Any, Any, R]
) -> R:
    """
    Protect, by *call*, a coroutine that a plain function made.

    It is admitted when it is awaited: one that nobody awaits never ran and holds no permit.
    """
    try:
        return await call(lambda: coroutine)
    finally:
        coroutine.close()  # it has not run if it was refused


def _unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    call = getattr(type(function), "__call__", None)  # noqa: B004  # its kind matters, not that it exists
    return call if inspect.isfunction(call) else function


def _dressed(guarded: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    return wraps(function)(guarded)


def _guard_function(machine: Machine, function: Callable[..., Any]) -> Callable[..., Any]:
    monotonic, ask = machine.monotonic, machine.ask
    returned, fail, release = machine.returned, machine.fail, machine.release

    def guarded(*args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        ticket = machine.free or (None if started <= machine.shut else ask(started))
        if ticket is None:
            raise machine.refusal(started)
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            fail(ticket, started, error)
            raise
        except BaseException:
            release(ticket)
            raise
        if type(result) is CoroutineType:
            machine.release(ticket)
            return once_awaited(partial(call_awaitable, machine), cast("Any", result))
        returned(ticket, started, result)
        return result

    return guarded


def _guard_coroutine(
    machine: Machine, function: Callable[..., Coroutine[Any, Any, Any]]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    monotonic, ask = machine.monotonic, machine.ask
    returned, fail, release = machine.returned, machine.fail, machine.release

    async def guarded(*args: Any, **kwargs: Any) -> Any:
        started = monotonic()
        ticket = machine.free or (None if started <= machine.shut else ask(started))
        if ticket is None:
            raise machine.refusal(started)
        try:
            result = await function(*args, **kwargs)
        except Exception as error:
            fail(ticket, started, error)
            raise
        except BaseException:
            release(ticket)
            raise
        returned(ticket, started, result)
        return result

    return guarded


def _guard_generator(
    machine: Machine, function: Callable[..., Generator[Any, Any, Any]]
) -> Callable[..., Generator[Any, Any, Any]]:
    def guarded(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        started = machine.monotonic()
        ticket = machine.admit(started)
        try:
            result = yield from function(*args, **kwargs)
        except Exception as error:
            machine.fail(ticket, started, error)
            raise
        except BaseException:
            machine.release(ticket)
            raise
        machine.returned(ticket, started, result)
        return result

    return guarded


def _guard_async_generator(
    machine: Machine, function: Callable[..., AsyncGenerator[Any, Any]]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def guarded(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        started = machine.monotonic()
        ticket = machine.admit(started)
        inner = function(*args, **kwargs)
        try:
            item = await anext(inner)
            while True:
                try:
                    sent = yield item
                except GeneratorExit:
                    raise
                except BaseException as thrown:  # noqa: BLE001  # handed on to the inner one
                    item = await inner.athrow(thrown)
                else:
                    item = await inner.asend(sent)
        except StopAsyncIteration:
            machine.returned(ticket, started, None)
        except Exception as error:
            machine.fail(ticket, started, error)
            raise
        except BaseException:
            machine.release(ticket)
            raise
        finally:
            await inner.aclose()

    return guarded
