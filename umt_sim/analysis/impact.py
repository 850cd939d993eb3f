"""What faults did, as tables: whom each reached, and what the breakers were worth."""

from __future__ import annotations

import pandas as pd

from umt_sim.expectations.readings import Readings
from umt_sim.faults.timeline import BASELINE, RECOVERY, Window
from umt_sim.measures.breakers import breakers_of, worth
from umt_sim.measures.impact import reach, recovery_time, time_to_detect
from umt_sim.measures.windows import RUN

__all__ = ["breaker_worth_frame", "impact_frame"]


def impact_frame(readings: Readings) -> pd.DataFrame:
    """
    One row for each fault and operation: its blast radius, and how long it was felt.

    ``bad`` are requests that failed or took longer than 95 % of the baseline's did.
    ``reached`` is empty where a sample is too small to tell, ``recovery_s`` where the
    operation did not recover, ``detected_s`` where no breaker opened.
    """
    if BASELINE not in readings.windows:
        return pd.DataFrame(columns=[*_ROW])
    baseline = readings.windows[BASELINE]
    names = list(dict.fromkeys(readings.requests.name.tolist()))
    rows = [_row(readings, baseline, fault, name) for fault in _faults(readings) for name in names]
    return pd.DataFrame(rows, columns=[*_ROW])


_ROW = (
    "fault",
    "operation",
    "reached",
    "bad_before_percent",
    "bad_during_percent",
    "n_during",
    "detected_s",
    "recovery_s",
)


def _row(
    readings: Readings, baseline: Window, fault: Window, operation: str
) -> tuple[str | bool | float | int | None, ...]:
    requests = readings.requests_of(operation)
    found = reach(requests, baseline, fault, operation)
    openings = [
        event for name in breakers_of(readings.journal) for event in readings.transitions(name)
    ]
    return (
        fault.name,
        operation,
        found.reached,
        _percent(found.bad_before.value),
        _percent(found.bad_during.value),
        found.bad_during.n,
        time_to_detect(sorted(openings, key=lambda event: event.at), fault),
        recovery_time(requests, baseline, fault),
    )


def breaker_worth_frame(readings: Readings) -> pd.DataFrame:
    """
    One row for each breaker: calls it saved, calls it wasted, failures it let through.

    A refused call is *saved* while any fault is in force and *wasted* otherwise.
    """
    faults = _faults(readings)
    rows = []
    for name in breakers_of(readings.journal):
        found = worth(readings.journal, name, faults)
        rows.append((name, found.saved, found.wasted, found.let_through))
    return pd.DataFrame(rows, columns=["breaker", "saved", "wasted", "let_through"])


def _faults(readings: Readings) -> list[Window]:
    calm = (RUN, BASELINE, RECOVERY)
    return [window for window in readings.windows.values() if window.name not in calm]


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100
