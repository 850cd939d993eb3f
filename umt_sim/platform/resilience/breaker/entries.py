"""
Who is inside ``with breaker:`` at the moment.

One breaker object is entered by many threads and tasks at once, and each must leave with
the ticket it came with. A context variable knows the way in nearly every case. It does not
when a generator is entered in one task and closed in another; then the visitor leaves with
the oldest ticket nobody claims. Every exit removes exactly one entry, so none can be left
behind.
"""

from __future__ import annotations

from contextvars import ContextVar
from itertools import count

from umt_sim.platform.resilience.breaker.states import Ticket

__all__ = ["Entries"]

_path: ContextVar[tuple[int, ...]] = ContextVar("breaker_entries", default=())
_numbers = count()


class Entries:
    """The tickets of those inside, each with the time its holder came."""

    __slots__ = ("_inside",)

    def __init__(self) -> None:
        self._inside: dict[int, tuple[Ticket, float]] = {}

    def enter(self, ticket: Ticket, started: float) -> None:
        """Note a visitor."""
        number = next(_numbers)
        self._inside[number] = ticket, started
        _path.set((*_path.get(), number))

    def leave(self) -> tuple[Ticket, float]:
        """Take the entry of the visitor who leaves."""
        path = _path.get()
        for number in reversed(path):
            entry = self._inside.pop(number, None)
            if entry is not None:
                _path.set(tuple(known for known in path if known != number))
                return entry
        return self._inside.pop(next(iter(self._inside)))
