"""How a sweep looks on a terminal: a table for each number, a line for each point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from umt_sim.cli.tables import plain_table
from umt_sim.expectations.grammar import number
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.wording import interval, quantity
from umt_sim.measures.estimates import Estimate
from umt_sim.search.sweep import Sweep

__all__ = ["sweep_tables"]


def sweep_tables(sweep: Sweep) -> Iterator[Table]:
    """How often each point passed, then each number with its change to the first point."""
    if not sweep.trials:
        return
    paths = list(sweep.trials[0].point)
    names = list(sweep.trials[0].numbers)
    rows: list[dict[str, Any]] = sweep.summary().to_dict("records")  # type: ignore[assignment]
    yield _verdicts(paths, rows)
    for name in names:
        yield _number(name, paths, rows)


def _verdicts(paths: Sequence[str], rows: Sequence[dict[str, Any]]) -> Table:
    table = _table(paths, "passed")
    for row in rows:
        table.add_row(*_point(row, paths), f"{row['passed']} of {row['seeds']}")
    return table


def _number(name: str, paths: Sequence[str], rows: Sequence[dict[str, Any]]) -> Table:
    unit = number(name).unit
    table = _table(paths, "mean", "95 % interval", "change", "95 % interval")
    table.title, table.title_justify, table.title_style = name, "left", "bold"
    for index, row in enumerate(rows):
        value, change = _estimate(row, name), _estimate(row, f"{name} change")
        table.add_row(
            *_point(row, paths),
            quantity(value.value, unit),
            interval(value, unit),
            *(("", "") if index == 0 else (_signed(change.value, unit), interval(change, unit))),
        )
    return table


def _table(paths: Sequence[str], *numbers: str) -> Table:
    """A table whose points stay whole in a narrow terminal; its numbers may be broken."""
    table = plain_table()
    for path in _short(paths):
        table.add_column(path, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _estimate(row: dict[str, Any], name: str) -> Estimate:
    value, low, high = (row[name + end] for end in ("", " low", " high"))
    return Estimate(_given(value), row["seeds"], _given(low), _given(high))


def _given(value: float | None) -> float | None:
    """Pandas writes what is missing as NaN."""
    return None if value is None or value != value else value


def _signed(value: float | None, unit: Unit) -> str:
    return f"{'+' if value is not None and value > 0 else ''}{quantity(value, unit)}"


def _point(row: dict[str, Any], paths: Sequence[str]) -> list[str]:
    return [str(row[path]) for path in paths]


def _short(paths: Sequence[str]) -> list[str]:
    """The ends of *paths*, as short as they can be told apart."""
    parts = [path.split(".") for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        short = [".".join(part[-length:]) for part in parts]
        if len(set(short)) == len(short):
            return short
    return list(paths)
