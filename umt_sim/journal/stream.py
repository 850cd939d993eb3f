"""Writes records as JSON lines while they happen, for programs that look on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import IO, Any

from umt_sim.journal.records import Record

__all__ = ["EventStream", "event_stream"]


class EventStream:
    """
    A file to which each record is appended as one line of JSON as soon as it is written.

    Several runs may share a file: each line names its run, and is written in one piece.

    Args:
        file: Opened for appending, line by line.
        run: Names the run in each line.
    """

    def __init__(self, file: IO[str], run: str) -> None:
        self._file = file
        self._run = run

    def add(self, record: Record) -> None:
        """Write *record*, its class under ``record``."""
        fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
        self.note(type(record).__name__, fields)

    def note(self, what: str, fields: Mapping[str, Any]) -> None:
        """Write a line of its own, such as the beginning and the end of the run."""
        line = {"run": self._run, "record": what, **fields}
        self._file.write(json.dumps(line, ensure_ascii=False, default=_plain) + "\n")


@contextmanager
def event_stream(path: Path, run: str) -> Iterator[EventStream]:
    """Open *path* for appending the records of *run*; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", buffering=1, encoding="utf-8") as file:
        yield EventStream(file, run)


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    return dict(value) if isinstance(value, Mapping) else str(value)
