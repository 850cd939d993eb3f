"""Records as tidy DataFrames: one row each, units in the column names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, get_type_hints

import numpy as np
import pandas as pd

from umt_sim.analysis.stored import stored_columns
from umt_sim.faults.timeline import BASELINE, RECOVERY, Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import (
    BreakerEvent,
    BreakerSnapshot,
    EffectRecord,
    FaultRecord,
    LogLine,
    MessageEvent,
    OperationRecord,
    QueueSample,
    ResourceSample,
    RetryEvent,
    SpanRow,
    UnhandledError,
)
from umt_sim.journal.storage import StoredJournal
from umt_sim.measures.windows import RUN

__all__ = ["operations_frame", "records_frame", "spans_frame"]

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

Tabular = (
    OperationRecord
    | MessageEvent
    | SpanRow
    | BreakerEvent
    | BreakerSnapshot
    | EffectRecord
    | RetryEvent
    | FaultRecord
    | QueueSample
    | ResourceSample
    | LogLine
    | UnhandledError
)


def records_frame(journal: Journal, kind: type[Tabular]) -> pd.DataFrame:
    """
    Every record of one kind. Times are seconds of the run and end in ``_s``.

    Args:
        journal: The record of the run.
        kind: Class of the records.

    Raises:
        JournalError: The run is a stored one, and damaged.
    """
    stored = journal.table(kind) if isinstance(journal, StoredJournal) else None
    columns = stored_columns(stored, kind) if stored is not None else _columns(journal, kind)
    return pd.DataFrame({f"{n}_s" if n in _IN_SECONDS else n: v for n, v in columns.items()})


def _columns(journal: Journal, kind: type[Tabular]) -> dict[str, Any]:
    rows: tuple[Any, ...] = journal.of(kind)
    hints = get_type_hints(kind)
    columns: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        values = [_cell(getattr(row, field.name)) for row in rows]
        number = hints[field.name] in (float, float | None)
        columns[field.name] = np.array(values, dtype=np.float64) if number else values
    return columns


def operations_frame(journal: Journal, windows: Mapping[str, Window]) -> pd.DataFrame:
    """
    Every request, with ``latency_ms`` from its scheduled arrival, ``service_ms``
    from its sending, and the ``window`` it was scheduled in.

    Latency is empty for requests never answered.
    """
    frame = records_frame(journal, OperationRecord)
    frame["latency_ms"] = (frame["completed_s"] - frame["scheduled_s"]) * 1e3
    frame["service_ms"] = (frame["completed_s"] - frame["started_s"]) * 1e3
    frame["window"] = _window_of(frame["scheduled_s"].to_numpy(), windows.values())
    return frame


def spans_frame(journal: Journal) -> pd.DataFrame:
    """Every span, with ``duration_ms``."""
    frame = records_frame(journal, SpanRow)
    frame["duration_ms"] = (frame["end_s"] - frame["start_s"]) * 1e3
    return frame


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
