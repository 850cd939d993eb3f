"""Reads files of measured times: one on each line, or a column of a CSV table."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path

from umt_sim.measures import units

__all__ = ["read_times"]

_MOST = 1_000_000


def read_times(path: Path, column: str | None, unit: str | None) -> list[str]:
    """
    The times in a file, each with its unit, as scenarios write them.

    Empty lines and lines that begin with ``#`` are left out.

    Args:
        path: The file; one that ends in ``.gz`` is unpacked.
        column: Name of a column in the first line; ``None`` for a file of bare lines.
        unit: Unit of the numbers; ``None`` where each has its own.

    Raises:
        ValueError: The file cannot be read, or holds something else; names the line.
    """
    rows = _rows(path)
    cells = rows if column is None else _column(rows, column, path)
    times = [_time(text, unit, f"{path.name}:{line}") for line, text in cells]
    if not times:
        raise ValueError(f"{path.name} holds no time")
    if len(times) > _MOST:
        raise ValueError(f"{path.name} holds {len(times)} times; {_MOST} are the most")
    return times


Rows = list[tuple[int, str]]


def _rows(path: Path) -> Rows:
    """The lines that say something, with their numbers."""
    try:
        packed = path.read_bytes()
        text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8-sig")
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{path} cannot be read: {reason}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} cannot be read: not UTF-8 text") from None
    lines = ((number, line.strip()) for number, line in enumerate(io.StringIO(text), start=1))
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def _column(rows: Rows, column: str, path: Path) -> Iterator[tuple[int, str]]:
    """The cells of one column, without those that are empty."""
    table = list(csv.reader(line for _, line in rows))
    names = table[0] if table else []
    if column not in names:
        raise ValueError(f"{path.name} has no column {column!r}; it has {', '.join(names)}")
    index = names.index(column)
    for (number, _), cells in zip(rows[1:], table[1:], strict=True):
        if len(cells) > index and cells[index].strip():
            yield number, cells[index].strip()


def _time(text: str, unit: str | None, place: str) -> str:
    """*text* as a duration."""
    written = f"{text}{unit}" if unit is not None else text
    try:
        units.duration(written)
    except ValueError:
        remedy = "" if unit is not None else '; state "unit" if these are bare numbers'
        raise ValueError(f"{place}: {text!r} is not a duration{remedy}") from None
    return written
