"""
A number with its sample size and a 95 % interval, from one run.

Consecutive requests are not independent: they queue behind each other. Intervals
that pretend they are cover the truth in 18 % of runs rather than 95 % (mean
sojourn of M/M/1 at 80 % load). So every interval here comes from *batches*:
the observations, in order of arrival, are cut into ``BATCHES`` long stretches
whose means are nearly independent, and their spread says how much one
observation is really worth.

Measured on M/M/1 at 80 % load, 1000 runs each, share of intervals that held the truth:

    observations    mean    p50     p95     p99    share of 5 %
        3 000       89 %    95 %    84 %    60 %    89 %
       10 000       93 %    95 %    90 %    75 %    92 %
       50 000       94 %    95 %    93 %    90 %    94 %

Short runs are optimistic. The tails of a loaded queue need long runs or replications.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from umt_sim.measures.student import student_quantile

__all__ = [
    "BATCHES",
    "Estimate",
    "Floats",
    "mean_estimate",
    "needed_for_quantile",
    "over_replications",
    "quantile_estimate",
    "ratio_estimate",
    "share_estimate",
]

Floats = NDArray[np.float64]

BATCHES = 6
"""Few and long: tried against 10, 15 and 20, six covered best at every run length."""

LEAST_FOR_INTERVAL = 5 * BATCHES
_CONFIDENCE = 0.95
_BEYOND = 10  # observations beyond a quantile, below which it is mostly luck


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    A measured number.

    Attributes:
        value: ``None`` when undefined: nothing was observed.
        n: Observations behind it.
        low: Lower end of the 95 % interval; ``None`` when there is none.
        high: Upper end; infinite when the sample does not bound it.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


def needed_for_quantile(q: float) -> int:
    """Observations below which the quantile *q* is not worth judging: ten beyond it."""
    return math.ceil(_BEYOND / min(q, 1 - q) - 1e-9) if 0 < q < 1 else LEAST_FOR_INTERVAL


def mean_estimate(values: Floats) -> Estimate:
    """
    Mean of *values*, with an interval from batch means.

    Args:
        values: In order of arrival.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, 0)
    value = float(values.mean())
    if n < LEAST_FOR_INTERVAL:
        return Estimate(value, n)
    return _around(value, n, _batch_means(values))


def quantile_estimate(values: Floats, q: float) -> Estimate:
    """
    The *q* quantile of *values*, with an interval of order statistics.

    How many independent observations the sample is worth is taken from batches
    of the indicator "not above the quantile"; Wilson's interval for *q* with that
    many gives the ranks of the order statistics.

    Args:
        values: In order of arrival. Infinite where an answer is still outstanding.
        q: Above 0, below 1.
    """
    n = len(values)
    if n == 0:
        return Estimate(None, 0)
    ordered = np.sort(values)
    value = float(ordered[_rank(q, n)])
    if n < LEAST_FOR_INTERVAL:
        return Estimate(value, n)
    low, high = _wilson(q, n / _design_effect((values <= value).astype(np.float64)))
    top = math.ceil(high * n)
    return Estimate(
        value,
        n,
        low=float(ordered[max(0, math.floor(low * n) - 1)]),
        high=float(ordered[top]) if top < n else math.inf,
    )


def share_estimate(flags: NDArray[np.bool_]) -> Estimate:
    """
    Share of *flags* that are true, with Wilson's interval for as many
    observations as the batches say the sample is worth.

    Args:
        flags: In order of arrival.

    Source:
        Korn and Graubard (1998): the effective sample size in an interval for proportions.
    """
    n = len(flags)
    if n == 0:
        return Estimate(None, 0)
    numbers = flags.astype(np.float64)
    value = float(numbers.mean())
    if n < LEAST_FOR_INTERVAL:
        return Estimate(value, n)
    low, high = _wilson(value, n / _design_effect(numbers))
    return Estimate(value, n, low, high)


def ratio_estimate(numerators: Floats, denominators: Floats, n: int) -> Estimate:
    """
    Sum of *numerators* over sum of *denominators*, with an interval from their slices.

    Args:
        numerators: One number for each of ``BATCHES`` equal slices of time.
        denominators: Likewise; seconds for a rate.
        n: Events counted in the numerators.
    """
    total = float(denominators.sum())
    if total == 0.0:
        return Estimate(None, n)
    value = float(numerators.sum()) / total
    if len(numerators) < BATCHES or not np.all(denominators > 0):
        return Estimate(value, n)
    return _around(value, n, numerators / denominators)


def over_replications(values: Sequence[float]) -> Estimate:
    """Mean of one number measured in independent runs, with Student's interval."""
    means = np.asarray(values, dtype=np.float64)
    if len(means) == 0:
        return Estimate(None, 0)
    value = float(means.mean())
    return _around(value, len(means), means) if len(means) > 1 else Estimate(value, 1)


def _around(value: float, n: int, means: Floats) -> Estimate:
    """*value* with Student's interval from nearly independent *means*."""
    t = student_quantile((1 + _CONFIDENCE) / 2, len(means) - 1)
    half = t * float(means.std(ddof=1)) / math.sqrt(len(means))
    return Estimate(value, n, value - half, value + half)


def _batch_means(values: Floats) -> Floats:
    """Means of ``BATCHES`` equally long stretches; a rest at the end is left out."""
    length = len(values) // BATCHES
    means: Floats = values[: length * BATCHES].reshape(BATCHES, length).mean(axis=1)
    return means


def _design_effect(numbers: Floats) -> float:
    """How many of these 0/1 *numbers*, in order, are worth one independent one; at least 1."""
    share = float(numbers.mean())
    alone = share * (1 - share)
    if alone == 0.0:
        return 1.0
    length = len(numbers) // BATCHES
    return max(1.0, length * float(_batch_means(numbers).var(ddof=1)) / alone)


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval, with Student's quantile for the freedom the batches leave."""
    t = student_quantile((1 + _CONFIDENCE) / 2, BATCHES - 1)
    scale = 1 + t * t / n
    centre = (share + t * t / (2 * n)) / scale
    half = t / scale * math.sqrt(share * (1 - share) / n + t * t / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def _rank(q: float, n: int) -> int:
    """Position of the *q* quantile among *n* sorted values: the smallest that q of them reach."""
    return min(n - 1, max(0, math.ceil(q * n - 1e-9) - 1))
