"""
A distribution for observed times: the family that fits best, and how well it does.

Every family gets its parameters by its own estimator (maximum likelihood, and for the
gamma its closed form), then the smallest Kolmogorov-Smirnov distance wins. Where even
that is large, the observed times themselves are the distribution.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from umt_sim.distributions import Empirical, Exponential, Gamma, Lognormal, Weibull
from umt_sim.measures.estimates import Floats, quantile_estimate

__all__ = ["ENOUGH", "WORST_DISTANCE", "Fit", "Fitted", "fit", "ks_distance"]

ENOUGH = 100
"""Observations below which nothing is fitted: chance alone makes a distance of 0.14."""

WORST_DISTANCE = 0.1
"""Distance above which no family is said to fit."""

_HARDLY_BETTER = 0.01
"""By this much the others, with two parameters, must be better than the exponential."""

_KEPT = 40
"""Values an empirical distribution keeps: quantiles at equal steps of probability."""

Fitted = Exponential | Lognormal | Gamma | Weibull | Empirical


@dataclass(frozen=True, slots=True)
class Fit:
    """
    What was made of a sample.

    Attributes:
        distribution: The winner.
        distance: Its Kolmogorov-Smirnov distance from the sample.
        n: Observations.
        p50: Median of the sample, in seconds.
        p95: 95th percentile of the sample, in seconds.
        rejected: Distance of each other family.
    """

    distribution: Fitted
    distance: float
    n: int
    p50: float
    p95: float
    rejected: dict[str, float]

    @property
    def family(self) -> str:
        """Its name, as a scenario writes it."""
        return type(self.distribution).__name__.lower()


def fit(times: Floats) -> Fit:
    """
    Find the distribution of *times*.

    Args:
        times: Seconds, above 0; at least ``ENOUGH`` of them, not all alike.

    Raises:
        ValueError: There are too few, one is not positive, or nothing varies.
    """
    if len(times) < ENOUGH:
        raise ValueError(f"{len(times)} observations are too few to fit; {ENOUGH} are needed")
    if not (np.isfinite(times).all() and np.min(times) > 0 and np.ptp(times) > 0):
        raise ValueError("times to fit must be positive, finite and not all alike")
    fitted = [family(times) for family in _FAMILIES]
    distances = [ks_distance(times, one.cdf) for one in fitted]
    best = distances.index(min(distances))
    if distances[0] <= distances[best] + _HARDLY_BETTER:
        best = 0
    winner: Fitted = fitted[best]
    distance = distances[best]
    if distance > WORST_DISTANCE:
        winner = _observed(times)
        distance = ks_distance(times, _share_below(winner))
    return Fit(
        distribution=winner,
        distance=distance,
        n=len(times),
        p50=_quantile(times, 0.5),
        p95=_quantile(times, 0.95),
        rejected={
            type(one).__name__.lower(): apart
            for one, apart in zip(fitted, distances, strict=True)
            if one is not winner
        },
    )


def ks_distance(times: Floats, cdf: Callable[[float], float]) -> float:
    """The largest difference between the shares of *times* below a value and *cdf* of it."""
    ordered = np.sort(times)
    expected = np.array([cdf(float(value)) for value in ordered])
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max(np.max(steps[1:] - expected), np.max(expected - steps[:-1])))


def _exponential(times: Floats) -> Exponential:
    return Exponential(float(times.mean()))


def _lognormal(times: Floats) -> Lognormal:
    logs = np.log(times)
    return Lognormal(mu=float(logs.mean()), sigma=float(logs.std()))


def _gamma(times: Floats) -> Gamma:
    """
    Nearly as good as maximum likelihood, in closed form.

    Source:
        Ye and Chen (2017), closed-form estimators for the gamma distribution.
    """
    logs = np.log(times)
    scale = float(np.mean(times * logs) - times.mean() * logs.mean())
    return Gamma(shape=float(times.mean()) / scale, scale=scale)


def _weibull(times: Floats) -> Weibull:
    """Maximum likelihood; the equation for the shape rises, so it is solved by bisection."""
    logs = np.log(times)
    relative = logs - np.max(logs)  # keeps the powers below from overflowing

    def slope(shape: float) -> float:
        weights = np.exp(shape * relative)
        return float(weights @ logs / weights.sum() - 1 / shape - logs.mean())

    low, high = 1e-3, 1.0
    while slope(high) < 0:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    mean_power = float(np.mean(np.exp(high * relative)))
    return Weibull(scale=math.exp(float(np.max(logs)) + math.log(mean_power) / high), shape=high)


_FAMILIES: tuple[Callable[[Floats], Exponential | Lognormal | Gamma | Weibull], ...] = (
    _exponential,
    _lognormal,
    _gamma,
    _weibull,
)


def _observed(times: Floats) -> Empirical:
    """The middle of each of equally likely stretches of *times*."""
    return Empirical(tuple(_quantile(times, (n + 0.5) / _KEPT) for n in range(_KEPT)))


def _quantile(times: Floats, q: float) -> float:
    value = quantile_estimate(times, q).value
    assert value is not None  # there are enough of them
    return value


def _share_below(observed: Empirical) -> Callable[[float], float]:
    return lambda x: bisect_right(observed.values, x) / len(observed.values)
