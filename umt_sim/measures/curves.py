"""How far two runs drift apart: counting curves and the widest gap between them."""

from __future__ import annotations

import numpy as np

from umt_sim.measures.estimates import Floats

__all__ = ["widest_gap"]


def widest_gap(first: Floats, second: Floats) -> tuple[int, float | None]:
    """
    The largest difference between two counts of events, over time.

    Nothing is put into bins, so an event that is a little late counts as late for
    that little while and no longer.

    Args:
        first: When the events of one run were, in any order; infinite for never.
        second: Likewise of the other run.

    Returns:
        The difference in events, and when it was first reached; ``None`` where there is none.
    """
    first, second = (np.sort(times[np.isfinite(times)]) for times in (first, second))
    moments = np.unique(np.concatenate((first, second)))
    if not len(moments):
        return 0, None
    counted = (np.searchsorted(times, moments, side="right") for times in (first, second))
    gaps = np.abs(next(counted) - next(counted))
    widest = int(np.argmax(gaps))
    return int(gaps[widest]), float(moments[widest]) if gaps[widest] else None
