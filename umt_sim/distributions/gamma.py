"""
Gamma times. The inverse of the distribution function is found by iteration.

Source:
    Press, Teukolsky, Vetterling, Flannery (2007), Numerical Recipes, 3rd ed., chapter 6.2:
    series and continued fraction for P(a, x), and the start of the Halley iteration.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, lgamma, log, sqrt
from typing import TYPE_CHECKING

from umt_sim.distributions.base import check_not_negative, check_positive, check_probability

if TYPE_CHECKING:
    from random import Random

__all__ = ["Gamma"]

_ACCURACY = 1e-15  # of a term of the expansions, relative to their sum
_TINY = 1e-300  # keeps the continued fraction away from a division by zero
_MOST_TERMS = 10_000  # far above the few times sqrt(shape) that are needed
_MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class Gamma:
    """
    Sums of exponential stages (Erlang) and everything between: any cv above 0.

    A sample costs some 10 to 20 µs, for the inversion is iterative.

    Args:
        shape: Above 0; a whole number k is the sum of k exponentials.
        scale: Seconds, above 0; the mean of one such stage.
    """

    shape: float
    scale: float

    def __post_init__(self) -> None:
        check_positive("the shape of a gamma", self.shape)
        check_positive("the scale of a gamma", self.scale)

    @classmethod
    def by_moments(cls, *, mean: float, cv: float) -> Gamma:
        """The gamma with that *mean* in seconds and coefficient of variation *cv*, both above 0."""
        check_positive("the mean of a gamma", mean)
        check_positive("the cv of a gamma", cv)
        return cls(shape=cv**-2, scale=mean * cv**2)

    def sample(self, stream: Random) -> float:
        """Draw one time."""
        return self.scale * _inverse(self.shape, stream.random())

    def draw(self, u: float) -> float:
        """The time that the uniform number *u* in [0, 1) leads to."""
        return self.scale * _inverse(self.shape, u)

    def quantile(self, p: float) -> float:
        """The time not exceeded with probability *p* in [0, 1)."""
        return self.draw(check_probability(p))

    def cdf(self, x: float) -> float:
        """Probability of a time of at most *x* seconds."""
        check_not_negative("a time", x)
        return _excess(self.shape, x / self.scale, 0.0) if x else 0.0

    @property
    def mean(self) -> float:
        """``shape × scale``, in seconds."""
        return self.shape * self.scale

    @property
    def scv(self) -> float:
        """``1 / shape``."""
        return 1 / self.shape


def _excess(a: float, x: float, p: float) -> float:
    """P(a, x) - p for the regularised lower incomplete gamma function P, exact in both tails."""
    front = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        return front * _series(a, x) - p
    return (1 - p) - front * _continued_fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1 / a
    for n in range(1, _MOST_TERMS):
        term *= x / (a + n)
        total += term
        if term < total * _ACCURACY:
            break
    return total


def _continued_fraction(a: float, x: float) -> float:
    """Lentz's method for the upper tail Q(a, x), without its front factor."""
    b = x + 1 - a
    c = 1 / _TINY
    d = 1 / b
    h = d
    for i in range(1, _MOST_TERMS):
        step = -i * (i - a)
        b += 2
        d = 1 / ((step * d + b) or _TINY)
        c = (b + step / c) or _TINY
        factor = c * d
        h *= factor
        if abs(factor - 1) < _ACCURACY:
            break
    return h


def _inverse(a: float, p: float) -> float:
    """The x with P(a, x) = p: Halley's method, kept inside a bracket by bisection."""
    if p <= 0:
        return 0.0
    x = _first_guess(a, p)
    low, high = 0.0, float("inf")
    log_norm = lgamma(a)
    for _ in range(_MOST_STEPS):
        error = _excess(a, x, p)
        if error > 0:
            high = x
        else:
            low = x
        density = exp((a - 1) * log(x) - x - log_norm)
        newton = error / density if density else float("inf")
        step = newton / (1 - min(1.0, newton * ((a - 1) / x - 1)) / 2)
        following = x - step
        if not low < following < high:
            following = (low + high) / 2 if isfinite(high) else 2 * x
        if abs(following - x) <= 1e-13 * x:
            return following
        x = following
    return x


def _first_guess(a: float, p: float) -> float:
    if a > 1:  # Wilson and Hilferty: the cube root is nearly normal
        tail = min(p, 1 - p)
        t = sqrt(-2 * log(tail))
        z = (2.30753 + t * 0.27061) / (1 + t * (0.99229 + t * 0.04481)) - t
        z = -z if p < 0.5 else z
        return max(1e-3, a * (1 - 1 / (9 * a) - z / (3 * sqrt(a))) ** 3)
    t = 1 - a * (0.253 + a * 0.12)
    return max((p / t) ** (1 / a) if p < t else 1 - log((1 - p) / (1 - t)), _TINY)
