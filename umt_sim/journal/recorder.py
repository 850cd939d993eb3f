"""Writes a journal while a run lasts: append-only, one list for each kind of record."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Any, TypeVar, get_args

from umt_sim.errors import JournalError
from umt_sim.journal.records import BreakerEvent, QueueSample, Record, written_at

__all__ = ["Journal", "Recorder"]

R = TypeVar("R")

_HELD = (BreakerEvent, QueueSample)
"""Records of a state that lasts until the next: without the earlier ones it is unknown."""


class Journal:
    """
    The whole record of one run, closed and read-only.

    Args:
        header: What the run was made from: frozen plan, seed, world, versions, tape hash.
        records: For each record class the rows in the order they were written.
    """

    def __init__(self, header: dict[str, Any], records: dict[type[Any], tuple[Any, ...]]) -> None:
        self.header = header
        self._records = records

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """Every record of one class, in the order they were written; empty if there is none."""
        return self._records.get(kind, ())


class Recorder:
    """
    Collects records as they happen.

    Args:
        now: Reads the seconds of the run.
        listener: Told each record as it is written.

    Attributes:
        closed: Nothing can be added any more.
    """

    def __init__(
        self, now: Callable[[], float], listener: Callable[[Record], None] | None = None
    ) -> None:
        self.now = now
        self._listener = listener
        self._lists: dict[type[Any], list[Any]] = {kind: [] for kind in get_args(Record)}
        self.closed = False

    def add(self, record: Record) -> None:
        """
        Append *record*.

        Raises:
            JournalError: The journal was closed already.
        """
        if self.closed:
            raise JournalError(f"{type(record).__name__} written after the journal was closed")
        self._lists[record.__class__].append(record)
        if self._listener is not None:
            self._listener(record)

    def so_far(self, kind: type[R]) -> list[R]:
        """The records of one class written until now; the live list, not to be changed."""
        return self._lists[kind]

    def recent(self, since: float) -> Journal:
        """
        What was written from *since* on, as a journal without a header.

        Breakers and queues keep a state until it changes, so theirs is there from the beginning.
        """
        return Journal({}, {kind: self._recent(kind, since) for kind in self._lists})

    def _recent(self, kind: type[Any], since: float) -> tuple[Any, ...]:
        rows = self._lists[kind]
        first = 0 if kind in _HELD else bisect_left(rows, since, key=written_at)
        return tuple(rows[first:])

    def close(self, header: dict[str, Any]) -> Journal:
        """End the recording and return what was recorded, with its *header*."""
        self.closed = True
        return Journal(header, {kind: tuple(rows) for kind, rows in self._lists.items()})
