"""The families whose inverse is a closed formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import exp, expm1, gamma, log, log1p, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from umt_sim.distributions.base import check_not_negative, check_positive, check_probability

if TYPE_CHECKING:
    from random import Random

__all__ = ["Constant", "Exponential", "Lognormal", "Uniform", "Weibull"]

_normal_quantile = NormalDist().inv_cdf
_normal_cdf = NormalDist().cdf
_Z99 = _normal_quantile(0.99)
_SMALLEST_U = 2.0**-54  # stands for u = 0, where the normal quantile is minus infinity


@dataclass(frozen=True, slots=True)
class Constant:
    """
    Always the same time. Takes its uniform number like the others.

    Args:
        value: Seconds, at least 0.
    """

    value: float

    def __post_init__(self) -> None:
        check_not_negative("a constant time", self.value)

    def sample(self, stream: Random) -> float:
        """The value; one uniform number is taken so that other draws stay in step."""
        stream.random()
        return self.value

    def draw(self, u: float) -> float:  # noqa: ARG002  the protocol's signature
        """The value, whatever *u* is."""
        return self.value

    def quantile(self, p: float) -> float:
        """The value, for every probability *p* in [0, 1)."""
        check_probability(p)
        return self.value

    @property
    def mean(self) -> float:
        """The value, in seconds."""
        return self.value

    @property
    def scv(self) -> float:
        """Zero: nothing varies."""
        return 0.0


@dataclass(frozen=True, slots=True)
class Exponential:
    """
    Memoryless times: the gaps of a Poisson process, the service of M/M queues.

    Args:
        mean: Seconds, above 0.
    """

    mean: float

    def __post_init__(self) -> None:
        check_positive("the mean of an exponential", self.mean)

    def sample(self, stream: Random) -> float:
        """Draw one time."""
        return -self.mean * log(1.0 - stream.random())

    def draw(self, u: float) -> float:
        """``-mean ln(1 - u)``."""
        return -self.mean * log(1.0 - u)

    def quantile(self, p: float) -> float:
        """The time not exceeded with probability *p* in [0, 1)."""
        return self.draw(check_probability(p))

    def cdf(self, x: float) -> float:
        """Probability of a time of at most *x* seconds."""
        return -expm1(-x / self.mean)

    @property
    def scv(self) -> float:
        """One, whatever the mean."""
        return 1.0


@dataclass(frozen=True, slots=True)
class Uniform:
    """
    Every time between two bounds is equally likely.

    Args:
        low: Lower bound in seconds, at least 0.
        high: Upper bound in seconds, at least *low*.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        check_not_negative("the lower bound of a uniform", self.low)
        check_not_negative("the upper bound of a uniform", self.high)
        if self.high < self.low:
            raise ValueError(f"a uniform needs low <= high, got {self.low!r} and {self.high!r}")

    def sample(self, stream: Random) -> float:
        """Draw one time."""
        return self.low + (self.high - self.low) * stream.random()

    def draw(self, u: float) -> float:
        """``low + (high - low) u``."""
        return self.low + (self.high - self.low) * u

    def quantile(self, p: float) -> float:
        """The time not exceeded with probability *p* in [0, 1)."""
        return self.draw(check_probability(p))

    @property
    def mean(self) -> float:
        """Halfway between the bounds, in seconds."""
        return (self.low + self.high) / 2

    @property
    def scv(self) -> float:
        """``(high - low)² / 12 / mean²``; 0 where both bounds are 0."""
        if not self.high:
            return 0.0
        return (self.high - self.low) ** 2 / 12 / self.mean**2


@dataclass(frozen=True, slots=True)
class Weibull:
    """
    Times to failure: a shape below 1 has a heavy tail, above 1 a thin one.

    Args:
        scale: Seconds, above 0; 63.2 % of the times are below it.
        shape: Above 0; 1 gives an exponential.
    """

    scale: float
    shape: float

    def __post_init__(self) -> None:
        check_positive("the scale of a Weibull", self.scale)
        check_positive("the shape of a Weibull", self.shape)

    @classmethod
    def by_mean(cls, *, mean: float, shape: float) -> Weibull:
        """The Weibull of that *shape* whose expected value is *mean* seconds."""
        check_positive("the mean of a Weibull", mean)
        check_positive("the shape of a Weibull", shape)
        return cls(scale=mean / gamma(1 + 1 / shape), shape=shape)

    def sample(self, stream: Random) -> float:
        """Draw one time."""
        return self.draw(stream.random())

    def draw(self, u: float) -> float:
        """``scale (-ln(1 - u))^(1/shape)``."""
        return self.scale * math.pow(-log1p(-u), 1 / self.shape)

    def quantile(self, p: float) -> float:
        """The time not exceeded with probability *p* in [0, 1)."""
        return self.draw(check_probability(p))

    def cdf(self, x: float) -> float:
        """Probability of a time of at most *x* seconds."""
        return -expm1(-((x / self.scale) ** self.shape))

    @property
    def mean(self) -> float:
        """``scale Γ(1 + 1/shape)``, in seconds."""
        return self.scale * gamma(1 + 1 / self.shape)

    @property
    def scv(self) -> float:
        """``Γ(1 + 2/shape) / Γ(1 + 1/shape)² - 1``."""
        return gamma(1 + 2 / self.shape) / gamma(1 + 1 / self.shape) ** 2 - 1


@dataclass(frozen=True, slots=True)
class Lognormal:
    """
    Times whose logarithm is normal: what service times of real systems look like.

    Args:
        mu: Mean of the logarithm of the seconds.
        sigma: Standard deviation of that logarithm, at least 0.
    """

    mu: float
    sigma: float

    def __post_init__(self) -> None:
        check_positive("the median of a lognormal", exp(self.mu))
        check_not_negative("the sigma of a lognormal", self.sigma)

    @classmethod
    def by_quantiles(cls, *, p50: float, p99: float) -> Lognormal:
        """
        The lognormal with that median and 99th percentile.

        Args:
            p50: Median in seconds, above 0.
            p99: 99th percentile in seconds, at least *p50*.

        Raises:
            ValueError: They are not positive, or in the wrong order.
        """
        check_positive("the p50 of a lognormal", p50)
        check_positive("the p99 of a lognormal", p99)
        if p99 < p50:
            raise ValueError(f"a lognormal needs p50 <= p99, got {p50!r} and {p99!r}")
        return cls(mu=log(p50), sigma=log(p99 / p50) / _Z99)

    @classmethod
    def by_moments(cls, *, mean: float, cv: float) -> Lognormal:
        """
        The lognormal with that mean and coefficient of variation.

        Args:
            mean: Expected value in seconds, above 0.
            cv: Standard deviation / mean, at least 0.

        Raises:
            ValueError: One of them is out of range.
        """
        check_positive("the mean of a lognormal", mean)
        check_not_negative("the cv of a lognormal", cv)
        variance = log1p(cv**2)
        return cls(mu=log(mean) - variance / 2, sigma=sqrt(variance))

    def sample(self, stream: Random) -> float:
        """Draw one time."""
        return exp(self.mu + self.sigma * _normal_quantile(stream.random() or _SMALLEST_U))

    def draw(self, u: float) -> float:
        """``exp(mu + sigma Φ⁻¹(u))``."""
        return exp(self.mu + self.sigma * _normal_quantile(u or _SMALLEST_U))

    def quantile(self, p: float) -> float:
        """The time not exceeded with probability *p* in [0, 1)."""
        return self.draw(p) if check_probability(p) else 0.0

    def cdf(self, x: float) -> float:
        """Probability of a time of at most *x* seconds."""
        if x <= 0 or not self.sigma:
            return float(x > 0 and log(x) >= self.mu)
        return _normal_cdf((log(x) - self.mu) / self.sigma)

    @property
    def mean(self) -> float:
        """``exp(mu + sigma²/2)``, in seconds."""
        return exp(self.mu + self.sigma**2 / 2)

    @property
    def scv(self) -> float:
        """``exp(sigma²) - 1``."""
        return expm1(self.sigma**2)
