"""What a system offers to a workload, and one request for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

__all__ = ["Arrival", "Operations", "Perform"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    One request of the workload.

    Attributes:
        number: Position among all arrivals of the run, from 0.
        name: The operation's name.
        scheduled: When it was due, in seconds of the run.
    """

    number: int
    name: str
    scheduled: float


Perform = Callable[[Arrival], Awaitable[str | None]]
"""Carries out one operation; may answer with a short string that checkers join on."""


@dataclass(frozen=True, slots=True)
class Operations:
    """
    What the running system offers.

    Attributes:
        perform: Operation name to the coroutine function that carries it out.
        unknown: Exceptions after which the operation may or may not have
            happened. They are recorded as ``info``; any other is a ``fail``.
    """

    perform: Mapping[str, Perform]
    unknown: tuple[type[Exception], ...] = (TimeoutError,)
