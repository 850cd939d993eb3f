"""
What a fault did: whom it reached, when it was noticed, when it was over for the users.

A request is *bad* here when it failed or took longer than 95 % of those before the
first fault. So one in twenty is bad when all is well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umt_sim.faults.timeline import Window
from umt_sim.journal.records import BreakerEvent
from umt_sim.measures.estimates import (
    PASSING,
    Estimate,
    quantile_estimate,
    share_estimate,
)
from umt_sim.measures.requests import Requests

__all__ = ["Reach", "budget_burned", "reach", "recovery_time", "time_to_detect"]

_SLOW = 0.95  # quantile of the baseline above which a request counts as bad
_WELL = 0.10  # share of bad requests up to which all is well: twice what the baseline has
_ENOUGH = 20  # requests in a row that must show it


@dataclass(frozen=True, slots=True)
class Reach:
    """
    What one fault meant for one operation.

    Attributes:
        operation: Its name.
        fault: Name of the fault's window.
        bad_before: Share of bad requests before the first fault: failed or slow.
        bad_during: The same while the fault lasted.
        reached: Whether more were bad than chance explains: the intervals do not overlap.
            ``None`` where a sample is too small to have one.
    """

    operation: str
    fault: str
    bad_before: Estimate
    bad_during: Estimate
    reached: bool | None


def reach(requests: Requests, baseline: Window, fault: Window, operation: str) -> Reach:
    """
    Whether *fault* reached *operation*; over all operations this is its blast radius.

    Args:
        requests: Those of the operation.
        baseline: The stretch before the first fault.
        fault: The fault's window.
        operation: Its name.
    """
    limit = _slow_limit(requests, baseline)
    before = share_estimate(_bad(requests.scheduled_in(baseline), limit))
    during = share_estimate(_bad(requests.scheduled_in(fault), limit))
    told = before.high is not None and during.low is not None
    reached = during.low > before.high if told else None  # type: ignore[operator]  # both are told
    return Reach(operation, fault.name, before, during, reached)


def time_to_detect(transitions: Sequence[BreakerEvent], fault: Window) -> float | None:
    """
    Seconds from the beginning of *fault* to the first opening of a breaker in it.

    Args:
        transitions: Of one breaker or of all, in order.
        fault: The fault's window.

    Returns:
        ``None`` when none opened.
    """
    opened = (event.at for event in transitions if event.to_state == "open" and event.at in fault)
    first = next(opened, None)
    return None if first is None else first - fault.start


def recovery_time(requests: Requests, baseline: Window, fault: Window) -> float | None:
    """
    Seconds from the end of *fault* until users no longer notice.

    That is the scheduled moment of the first good request that begins twenty in a row of
    which at most one in ten is bad. A system that recovers and fails again has recovered.

    Args:
        requests: Those of one operation.
        baseline: The stretch before the first fault: what is normal.
        fault: The fault's window.

    Returns:
        0 when nobody noticed anything after its end; ``None`` when it did not recover, or
        too few requests followed to tell.
    """
    after = requests.scheduled_in(Window("after", fault.end, np.inf))
    bad = _bad(after, _slow_limit(requests, baseline)).astype(np.float64)
    if len(bad) < _ENOUGH:
        return None
    shares = np.convolve(bad, np.full(_ENOUGH, 1 / _ENOUGH), mode="valid")
    well = np.flatnonzero(shares <= _WELL + 1e-9)
    if len(well) == 0:
        return None
    if well[0] == 0:
        return 0.0
    first = well[0] + int(np.argmin(bad[well[0] :]))  # it may begin with one of the few bad ones
    return float(after.scheduled[first] - fault.end)


def budget_burned(requests: Requests, objective: float) -> Estimate:
    """
    How much of the error budget these requests used up; 1 is all of it.

    Args:
        requests: All that count.
        objective: Share that must succeed, below 1; 0.999 allows one failure in a thousand.

    Raises:
        ValueError: The objective leaves no budget.

    Source:
        Beyer et al. (2018), The Site Reliability Workbook, chapter 5.
    """
    if not 0 < objective < 1:
        raise ValueError(f"an objective is between 0 and 1, not {objective!r}")
    failed = share_estimate(~requests.ok, PASSING)
    allowed = 1 - objective
    value, low, high = (
        None if share is None else share / allowed
        for share in (failed.value, failed.low, failed.high)
    )
    return Estimate(value, failed.n, low, high)


def _slow_limit(requests: Requests, baseline: Window) -> float:
    """Sojourn time, in seconds, above which a request is slow; infinite without a baseline."""
    usual = quantile_estimate(requests.scheduled_in(baseline).sojourn_times(), _SLOW).value
    return np.inf if usual is None else usual


def _bad(requests: Requests, limit: float) -> NDArray[np.bool_]:
    bad: NDArray[np.bool_] = ~requests.ok | (requests.completed - requests.scheduled > limit)
    return bad
