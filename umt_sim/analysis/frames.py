"""Records as tidy DataFrames: one row each, units in the column names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, get_type_hints

import numpy as np
import pandas as pd

from umt_sim.analysis.stored import plain_type, stored_columns
from umt_sim.faults.timeline import BASELINE, RECOVERY, Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import (
    BreakerEvent,
    BreakerSnapshot,
    EffectRecord,
    FaultRecord,
    LogLine,
    MessageEvent,
    Observation,
    OperationRecord,
    QueueSample,
    ResourceSample,
    RetryEvent,
    SpanRow,
    StationTotals,
    UnhandledError,
)
from umt_sim.journal.storage import StoredJournal
from umt_sim.measures.windows import RUN

__all__ = ["attributes_frame", "operations_frame", "records_frame", "spans_frame"]

_IN_SECONDS = (
    "at",
    "scheduled",
    "started",
    "completed",
    "ended",
    "start",
    "end",
    "delay",
    "oldest",
)
_UNITS = {
    **dict.fromkeys(_IN_SECONDS, "s"),
    "size": "bytes",
    "failure_rate": "percent",
    "slow_call_rate": "percent",
}

_TEXT = pd.Series(["text"]).dtype
"""What pandas holds text in; that differs from version to version."""

Tabular = (
    OperationRecord
    | MessageEvent
    | SpanRow
    | BreakerEvent
    | BreakerSnapshot
    | EffectRecord
    | Observation
    | RetryEvent
    | FaultRecord
    | QueueSample
    | ResourceSample
    | StationTotals
    | LogLine
    | UnhandledError
)


def records_frame(journal: Journal, kind: type[Tabular]) -> pd.DataFrame:
    """
    Every record of one kind, each column of one type even if there is no row.

    A column's name ends in its unit. Times are seconds of the run: ``at_s``.

    Args:
        journal: The record of the run.
        kind: Class of the records.

    Raises:
        JournalError: The run is a stored one, and damaged.
    """
    stored = journal.table(kind) if isinstance(journal, StoredJournal) else None
    columns = stored_columns(stored, kind) if stored is not None else _columns(journal, kind)
    hints = get_type_hints(kind)
    return pd.DataFrame(
        {
            _named(field, hints[field]): pd.Series(values, dtype=_dtype(hints[field]))
            for field, values in columns.items()
        }
    )


def _columns(journal: Journal, kind: type[Tabular]) -> dict[str, Any]:
    rows: tuple[Any, ...] = journal.of(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return {name: [_cell(getattr(row, name)) for row in rows] for name in names}


def _named(field: str, hint: Any) -> str:
    """With its unit; a count has none, even if a time elsewhere has the same name."""
    if field in _IN_SECONDS and plain_type(hint) is not float:
        return field
    return f"{field}_{_UNITS[field]}" if field in _UNITS else field


def _dtype(hint: Any) -> Any:
    """The type of a column of *hint*; a missing number is NaN."""
    plain = plain_type(hint)
    if hint in (int, bool):
        return hint
    if plain in (int, float):
        return np.float64
    text = plain is str or (isinstance(plain, type) and issubclass(plain, Enum))
    return _TEXT if text else object


def operations_frame(journal: Journal, windows: Mapping[str, Window]) -> pd.DataFrame:
    """
    Every request, with ``latency_ms`` from its scheduled arrival, ``service_ms``
    from its sending, and the ``window`` it was scheduled in.

    Latency is empty for requests never answered.
    """
    frame = records_frame(journal, OperationRecord)
    frame["latency_ms"] = (frame["completed_s"] - frame["scheduled_s"]) * 1e3
    frame["service_ms"] = (frame["completed_s"] - frame["started_s"]) * 1e3
    names = _window_of(frame["scheduled_s"].to_numpy(), windows.values())
    frame["window"] = pd.Series(names, dtype=_TEXT)
    return frame


def spans_frame(journal: Journal) -> pd.DataFrame:
    """Every span, with ``duration_ms``."""
    frame = records_frame(journal, SpanRow)
    frame["duration_ms"] = (frame["end_s"] - frame["start_s"]) * 1e3
    return frame


def attributes_frame(journal: Journal, names: Sequence[str] = ()) -> pd.DataFrame:
    """
    Attributes of spans, one column each beside ``span_id``; empty where a span has none.

    Args:
        journal: The record of the run.
        names: Those wanted, such as ``db.system.name``; all that occur when none is named.
    """
    spans = records_frame(journal, SpanRow)
    found = pd.DataFrame(spans["attributes"].tolist(), index=spans.index)
    chosen = found.reindex(columns=list(names)) if names else found
    chosen.insert(0, "span_id", spans["span_id"])
    return chosen


def _window_of(times: np.ndarray[Any, Any], windows: Iterable[Window]) -> list[str]:
    """Name of the window each time falls into; faults win over what they interrupt."""
    names = np.full(len(times), "", dtype=object)
    order = sorted(windows, key=lambda window: window.name not in (RUN, BASELINE, RECOVERY))
    for window in order:
        if window.name != RUN:
            names[(times >= window.start) & (times < window.end)] = window.name
    return names.tolist()


def _cell(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
