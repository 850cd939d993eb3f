"""A comparison as tidy tables: one row each, units in the column names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from umt_sim.analysis.panels import bins_of
from umt_sim.analysis.twin.breakers import busy_breakers
from umt_sim.analysis.twin.comparisons import Comparison
from umt_sim.analysis.twin.requests import operations_of
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.readings import Readings
from umt_sim.measures.series import rate_series

__all__ = ["curves_frame", "numbers_frame", "plain_comparisons", "transitions_frame"]

WORLDS = ("sim", "live")

_WORDS: Mapping[Unit, str] = {Unit.SECONDS: "s", Unit.SHARE: "share", Unit.RATE: "/s"}


def plain_comparisons(comparisons: Iterable[Comparison]) -> list[dict[str, Any]]:
    """Comparisons as plain data; what is infinite has no number in JSON and is absent."""
    return [
        {
            "subject": found.subject,
            "number": found.number,
            "window": found.window,
            "sim": _finite(found.sim),
            "live": _finite(found.live),
            "difference": found.difference,
            "allowed": found.allowed,
            "unit": _WORDS.get(found.unit, ""),
            "status": found.status.value if found.status is not None else None,
            "note": found.note,
        }
        for found in comparisons
    ]


def numbers_frame(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """One row for each comparison; the column ``unit`` says what its numbers are in."""
    return pd.DataFrame(plain_comparisons(comparisons))


def curves_frame(pair: tuple[Readings, Readings]) -> pd.DataFrame:
    """One row for each operation and stretch of the run: answers per second in both worlds."""
    edges = bins_of(pair[0].run)
    rows = []
    for operation in operations_of(pair):
        columns: dict[str, Any] = {"operation": operation, "start_s": edges[:-1]}
        for world, readings in zip(WORLDS, pair, strict=True):
            requests = readings.requests_of(operation)
            for name, flags in (("goodput", requests.ok), ("errors", ~requests.ok)):
                columns[f"{name}_{world}_per_s"] = rate_series(requests.completed[flags], edges)
        rows.append(pd.DataFrame(columns))
    return pd.concat(rows, ignore_index=True)


def transitions_frame(pair: tuple[Readings, Readings]) -> pd.DataFrame:
    """One row for each transition of each breaker in either world."""
    rows = [
        {
            "world": world,
            "breaker": breaker,
            "number": number,
            "from_state": change.from_state,
            "to_state": change.to_state,
            "at_s": change.at,
        }
        for world, readings in zip(WORLDS, pair, strict=True)
        for breaker in busy_breakers(pair)
        for number, change in enumerate(readings.transitions(breaker), 1)
    ]
    names = ["world", "breaker", "number", "from_state", "to_state", "at_s"]
    return pd.DataFrame(rows, columns=names)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
