"""``@takes`` and ``@hears``: which method of an agent handles what, and what it needs for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

__all__ = ["FORWARDED", "Handler", "HandlerKind", "handlers_of", "hears", "takes"]

M = TypeVar("M", bound=Callable[..., Any])

_MARK = "_umt_handlers"

FORWARDED = object()
"""A handler's result when the task went on to another agent, which will answer it."""


class HandlerKind(StrEnum):
    """What a method handles."""

    TASK = "task"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Handler:
    """
    One method and what it handles.

    Attributes:
        method: Name of the method; it is called with the message and its payload.
        needs: Ports without which it cannot work: ``storage``, or a gateway's name.
    """

    kind: HandlerKind
    name: str
    method: str
    needs: tuple[str, ...]


def takes(task_type: str, *, needs: tuple[str, ...] = ()) -> Callable[[M], M]:
    """The decorated method performs tasks of *task_type*; what it returns is the answer."""
    return _mark(HandlerKind.TASK, task_type, needs)


def hears(event_type: str, *, needs: tuple[str, ...] = ()) -> Callable[[M], M]:
    """The decorated method reacts to events of *event_type*."""
    return _mark(HandlerKind.EVENT, event_type, needs)


def handlers_of(agent_class: type) -> list[Handler]:
    """Every handler of *agent_class*, in the order they are written."""
    found: list[Handler] = []
    for base in reversed(agent_class.__mro__):
        for method in vars(base).values():
            found.extend(getattr(method, _MARK, ()))
    return found


def _mark(kind: HandlerKind, name: str, needs: tuple[str, ...]) -> Callable[[M], M]:
    def decorate(method: M) -> M:
        known = getattr(method, _MARK, ())
        setattr(method, _MARK, (*known, Handler(kind, name, method.__name__, needs)))
        return method

    return decorate
