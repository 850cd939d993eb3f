"""
A run folder on disk and back: ``run.json``, one ``.csv.gz`` table for each kind of record,
and ``scenario.yaml``, the frozen plan as a scenario that can be run as it is.

Plain text that any tool reads. Empty cells are ``None``; an empty text where
``None`` is possible too is written ``""``, as in JSON. Mappings and lists are JSON in their
cell. Reading a folder gives the same journal, record by record.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
import types
import typing
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml

from umt_sim.errors import JournalError
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import Record

__all__ = ["DAMAGE", "StoredJournal", "cells", "load", "new_folder", "save", "table_name"]

HEADER = "run.json"
PLAN = "scenario.yaml"
LATEST = "latest"
_FORMAT = 1

DAMAGE = (OSError, EOFError, ValueError, zlib.error)
"""What reading a damaged table raises."""

R = TypeVar("R")
Write = Callable[[Any], str]
Read = Callable[[str], Any]


def new_folder(root: Path, scenario: str, seed: int, started: datetime) -> Path:
    """
    Make a folder for one run that overwrites no other: ``root/scenario/time-seed``.

    ``root/scenario/latest`` leads to it from then on.

    Args:
        root: Where all runs lie.
        scenario: Its name.
        seed: The run's seed.
        started: Wall-clock time, for people.
    """
    name = f"{started:%Y%m%dT%H%M%S}-{seed}"
    for again in range(1, 1000):
        folder = root / scenario / (name if again == 1 else f"{name}-{again}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        _point_latest(folder)
        return folder
    raise JournalError(f"{root / scenario} is full of runs called {name}; remove some")


def _point_latest(folder: Path) -> None:
    """Let ``latest`` beside *folder* lead to it, where the file system has links."""
    fresh = folder.parent / f".latest-{folder.name}"
    with suppress(OSError):
        fresh.symlink_to(folder.name, target_is_directory=True)
        fresh.replace(folder.parent / LATEST)


def save(journal: Journal, folder: Path) -> None:
    """
    Write *journal* into *folder*, which exists.

    The same journal gives the same bytes.
    """
    for kind in get_args(Record):
        rows = journal.of(kind)
        if rows:
            _write_table(_path(folder, kind), kind, rows)
    plan = yaml.safe_dump(journal.header.get("plan", {}), sort_keys=False, allow_unicode=True)
    (folder / PLAN).write_text(plan, encoding="utf-8")
    header = {"format": _FORMAT, **journal.header}
    text = json.dumps(header, indent=2, ensure_ascii=False, default=str)
    (folder / HEADER).write_text(text + "\n", encoding="utf-8")  # last: a folder with it is whole


class StoredJournal(Journal):
    """
    A journal on disk. Records of a kind are read when they are first asked for.

    Args:
        header: What the run was made from.
        folder: Where its tables lie.
    """

    def __init__(self, header: dict[str, Any], folder: Path) -> None:
        super().__init__(header, {})
        self._folder = folder

    def of(self, kind: type[R]) -> tuple[R, ...]:
        """
        Every record of one class, in the order they were written; empty if there is none.

        Raises:
            JournalError: The table is damaged.
        """
        if kind not in self._records:
            self._records[kind] = _read_table(self._folder, kind)
        return self._records[kind]

    def table(self, kind: type[Any]) -> Path | None:
        """The file of one kind of record, for readers of columns; ``None`` if there is none."""
        path = _path(self._folder, kind)
        return path if path.exists() else None


def load(folder: Path) -> StoredJournal:
    """
    Open what ``save`` wrote.

    Raises:
        JournalError: It is not a run folder, is damaged, or is of another format.
    """
    header = _header(folder)
    written = header.pop("format", None)
    if written != _FORMAT:
        raise JournalError(
            f"{folder} was written in a format this version cannot read:"
            f" {written!r} instead of {_FORMAT}"
        )
    for name, kind, noun in (("plan", dict, "a mapping"), ("seed", int, "a whole number")):
        if not isinstance(header.get(name, kind()), kind):
            raise JournalError(f"{folder / HEADER} is damaged: {name} is not {noun}")
    for kind in get_args(Record):
        _check_columns(_path(folder, kind), kind)
    return StoredJournal(header, folder)


def _header(folder: Path) -> dict[str, Any]:
    path = folder / HEADER
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise JournalError(f"{folder} is not a run folder: it has no {HEADER}") from None
    except (OSError, ValueError) as error:
        raise JournalError(f"{path} is damaged: {error}") from error
    if not isinstance(header, dict):
        raise JournalError(f"{path} is damaged: it holds no mapping")
    return header


def _path(folder: Path, kind: type[Any]) -> Path:
    return folder / f"{table_name(kind)}.csv.gz"


def _check_columns(path: Path, kind: type[Any]) -> None:
    """See at once, not when its rows are wanted, that a table is of another version."""
    if not path.exists():
        return
    columns = [field.name for field in dataclasses.fields(kind)]
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            if next(csv.reader(text), None) != columns:
                raise JournalError(f"{path} has other columns than this version writes")
    except DAMAGE as error:
        raise JournalError(f"{path} is damaged: {error}") from error


def table_name(kind: type[Any]) -> str:
    """The table's file without its ending: ``operation_record`` for ``OperationRecord``."""
    name = kind.__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _write_table(path: Path, kind: type[Any], rows: tuple[Any, ...]) -> None:
    columns = [field.name for field in dataclasses.fields(kind)]
    writers = [codec[0] for codec in _codecs(kind)]
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(
        [write(getattr(row, column)) for column, write in zip(columns, writers, strict=True)]
        for row in rows
    )
    # No time stamp and no name in the header, so that equal journals are equal files.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        packed.write(text.getvalue().encode())


def _read_table(folder: Path, kind: type[Any]) -> tuple[Any, ...]:
    path = _path(folder, kind)
    if not path.exists():
        return ()
    readers = [codec[1] for codec in _codecs(kind)]
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            table = csv.reader(text)
            next(table)  # the names of the columns
            return tuple(kind(*_values(row, readers)) for row in table)
    except DAMAGE as error:
        raise JournalError(f"{path} is damaged: {error}") from error


def _values(row: list[str], readers: list[Read]) -> list[Any]:
    if len(row) != len(readers):
        raise ValueError(f"a row has {len(row)} cells instead of {len(readers)}")
    return [read(cell) for read, cell in zip(readers, row, strict=True)]


def cells(kind: type[Any]) -> dict[str, Write]:
    """How each field of *kind* is written into a cell."""
    names = [field.name for field in dataclasses.fields(kind)]
    return dict(zip(names, (codec[0] for codec in _codecs(kind)), strict=True))


def _codecs(kind: type[Any]) -> list[tuple[Write, Read]]:
    hints = typing.get_type_hints(kind)
    return [_codec(hints[field.name]) for field in dataclasses.fields(kind)]


def _codec(hint: Any) -> tuple[Write, Read]:
    """How a field of one type is written into a cell and read back."""
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (part for part in get_args(hint) if part is not types.NoneType)
        return _optional(*_codec(inner))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return (lambda member: str(member.value)), hint
    if hint is bool:
        return (lambda flag: "1" if flag else "0"), (lambda cell: cell == "1")
    if hint in (int, float):
        return repr, hint
    if hint is str:
        return str, str
    if get_origin(hint) is tuple:
        return _json, (lambda cell: _frozen(json.loads(cell)))
    return _json, json.loads


def _optional(write: Write, read: Read) -> tuple[Write, Read]:
    def written(value: Any) -> str:
        if value is None:
            return ""
        cell = write(value)
        return json.dumps(cell) if cell == "" or cell.startswith('"') else cell

    def read_back(cell: str) -> Any:
        if cell == "":
            return None
        return read(json.loads(cell) if cell.startswith('"') else cell)

    return written, read_back


def _json(value: Any) -> str:
    plain = dict(value) if isinstance(value, Mapping) else value
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _frozen(value: Any) -> Any:
    """JSON's lists as tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
