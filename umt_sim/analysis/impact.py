"""What faults did, as tables: whom each reached, and what the breakers were worth."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from umt_sim.expectations.readings import Readings
from umt_sim.faults.timeline import BASELINE, RECOVERY, Window
from umt_sim.measures.breakers import Worth, breakers_of, worth
from umt_sim.measures.impact import Reach, reach, recovery_time, time_to_detect
from umt_sim.measures.windows import RUN

__all__ = ["Impact", "breaker_worth_frame", "faults_of", "impact_frame", "impacts", "worths"]


@dataclass(frozen=True, slots=True)
class Impact:
    """
    What one fault did to one operation.

    Attributes:
        fault: The fault's window.
        reach: How much worse its requests fared.
        detected: Seconds until the first breaker opened, whichever it was.
        recovery: Seconds from the fault's end until users no longer noticed.
    """

    fault: Window
    reach: Reach
    detected: float | None
    recovery: float | None


def faults_of(readings: Readings) -> list[Window]:
    """Windows of the faults, in order of time."""
    calm = (RUN, BASELINE, RECOVERY)
    return [window for window in readings.windows.values() if window.name not in calm]


def impacts(readings: Readings) -> list[Impact]:
    """What each fault did to each operation; nothing without a baseline to compare with."""
    if BASELINE not in readings.windows:
        return []
    baseline = readings.windows[BASELINE]
    names = list(dict.fromkeys(readings.requests.name.tolist()))
    openings = sorted(
        (event for name in breakers_of(readings.journal) for event in readings.transitions(name)),
        key=lambda event: event.at,
    )
    return [
        Impact(
            fault,
            reach(readings.requests_of(name), baseline, fault, name),
            time_to_detect(openings, fault),
            recovery_time(readings.requests_of(name), baseline, fault),
        )
        for fault in faults_of(readings)
        for name in names
    ]


def worths(readings: Readings) -> dict[str, Worth]:
    """
    What each breaker was worth.

    A refused call is *saved* while any fault is in force and *wasted* otherwise.
    """
    faults = [part for parts in readings.faults.values() for part in parts]
    return {name: worth(readings.journal, name, faults) for name in breakers_of(readings.journal)}


def impact_frame(readings: Readings) -> pd.DataFrame:
    """
    One row for each fault and operation: its blast radius, and how long it was felt.

    ``bad`` are requests that failed or took longer than 95 % of the baseline's did.
    ``reached`` is empty where a sample is too small to tell, ``recovery_s`` where the
    operation did not recover, ``detected_s`` where no breaker opened.
    """
    rows = [
        {
            "fault": found.fault.name,
            "operation": found.reach.operation,
            "reached": found.reach.reached,
            "bad_before_percent": _percent(found.reach.bad_before.value),
            "bad_during_percent": _percent(found.reach.bad_during.value),
            "n_during": found.reach.bad_during.n,
            "detected_s": found.detected,
            "recovery_s": found.recovery,
        }
        for found in impacts(readings)
    ]
    return pd.DataFrame(rows)


def breaker_worth_frame(readings: Readings) -> pd.DataFrame:
    """One row for each breaker: calls it saved, calls it wasted, failures it let through."""
    rows = [
        {
            "breaker": name,
            "saved": found.saved,
            "wasted": found.wasted,
            "let_through": found.let_through,
        }
        for name, found in worths(readings).items()
    ]
    return pd.DataFrame(rows)


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100
