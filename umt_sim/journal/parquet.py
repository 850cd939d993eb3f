"""The tables of a journal as Parquet files, for tools that read columns. Needs ``pyarrow``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, get_args

from umt_sim.errors import JournalError
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import Record
from umt_sim.journal.storage import cells, table_name

__all__ = ["save_parquet"]


def save_parquet(journal: Journal, folder: Path) -> None:
    """
    Write a ``.parquet`` file for each kind of record into *folder*, beside the CSV tables.

    Numbers and flags are typed; mappings and lists are JSON, as in the CSV tables.

    Raises:
        JournalError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise JournalError("Parquet files need pyarrow; pip install 'umt-sim[parquet]'") from None
    for kind in get_args(Record):
        rows = journal.of(kind)
        if rows:
            table = pa.table({name: _column(kind, name, rows) for name in _names(kind)})
            parquet.write_table(table, folder / f"{table_name(kind)}.parquet")


def _names(kind: type[Any]) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def _column(kind: type[Any], name: str, rows: tuple[Any, ...]) -> list[Any]:
    """Values that Parquet knows as they are, the others as in a CSV cell."""
    write = cells(kind)[name]
    values = [getattr(row, name) for row in rows]
    return [
        value if value is None or isinstance(value, bool | int | float | str) else write(value)
        for value in values
    ]
