"""How much of a run's beginning should be left out: advice, never applied by itself."""

from __future__ import annotations

import numpy as np

from umt_sim.measures.estimates import Floats

__all__ = ["advised_truncation"]

_BATCH = 5
_LEAST_BATCHES = 20


def advised_truncation(values: Floats) -> int | None:
    """
    Number of observations at the beginning that MSER-5 would leave out.

    It is the truncation that makes the mean of what remains most certain: leaving
    out more of a transient lowers the variance, leaving out too much lowers the
    sample size. Only the first half is searched, since a minimum beyond it means
    that the run is too short.

    Args:
        values: In order of arrival, finite.

    Returns:
        A multiple of five, or ``None`` where the sample is too short to say.

    Source:
        White, Cobb, Spratt (2000), a comparison of five steady-state truncation heuristics.
    """
    count = len(values) // _BATCH
    if count < _LEAST_BATCHES:
        return None
    means = values[: count * _BATCH].reshape(count, _BATCH).mean(axis=1)
    means = means - means[count // 2 :].mean()  # or the difference of squares below cancels
    # Sums over the batches from each position to the end, by one pass from behind.
    left = np.arange(count, 0, -1)
    sums = np.cumsum(means[::-1])[::-1]
    squares = np.cumsum(means[::-1] ** 2)[::-1]
    mser = (squares - sums**2 / left) / left**2
    return int(np.argmin(mser[: count // 2])) * _BATCH
