"""Distributions made of observed values or of other distributions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, fsum
from typing import TYPE_CHECKING

from umt_sim.distributions.base import (
    Distribution,
    check_not_negative,
    check_positive,
    check_probability,
)

if TYPE_CHECKING:
    from random import Random

__all__ = ["Empirical", "Mixture"]


@dataclass(frozen=True, slots=True)
class Empirical:
    """
    Exactly the observed times, each as likely as the others; nothing between them.

    Args:
        values: Seconds, in any order; kept sorted.

    Raises:
        ValueError: There are none, or one is negative or not finite.
    """

    values: Sequence[float]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("an empirical distribution needs at least one value")
        for value in self.values:
            check_not_negative("an observed time", value)
        object.__setattr__(self, "values", tuple(sorted(self.values)))

    def sample(self, stream: Random) -> float:
        """Draw one time."""
        return self.draw(stream.random())

    def draw(self, u: float) -> float:
        """The value at position ``⌊u n⌋`` of the sorted values."""
        return self.values[int(u * len(self.values))]

    def quantile(self, p: float) -> float:
        """The smallest value that at least a share *p* in [0, 1) of the values do not exceed."""
        return self.values[max(0, ceil(check_probability(p) * len(self.values)) - 1)]

    @property
    def mean(self) -> float:
        """Average of the values, in seconds."""
        return fsum(self.values) / len(self.values)

    @property
    def scv(self) -> float:
        """Variance of the values (over n, for they are the whole distribution) / mean²."""
        mean = self.mean
        if not mean:
            return 0.0
        return fsum((value - mean) ** 2 for value in self.values) / len(self.values) / mean**2


@dataclass(frozen=True, slots=True)
class Mixture:
    """
    One of several distributions, picked by weight: a fast path and a slow one.

    The uniform number that picks the component is stretched over the width of its
    weight and used again inside it, so that a sample still takes one number.
    A component of weight w is resolved to 2⁻⁵³/w. Quantiles are not offered:
    the composed function is not increasing in *u*.

    Args:
        components: The distributions.
        weights: One for each, above 0; they need not sum to 1.

    Raises:
        ValueError: The two differ in length, or a weight is not positive.
    """

    components: Sequence[Distribution]
    weights: Sequence[float]
    _bounds: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.components:
            raise ValueError("a mixture needs at least one component")
        if len(self.components) != len(self.weights):
            raise ValueError(
                f"a mixture needs one weight for each component, "
                f"got {len(self.weights)} for {len(self.components)}"
            )
        for weight in self.weights:
            check_positive("the weight of a component", weight)
        total = fsum(self.weights)
        shares = tuple(weight / total for weight in self.weights)
        object.__setattr__(self, "components", tuple(self.components))
        object.__setattr__(self, "weights", shares)
        object.__setattr__(self, "_bounds", (0.0, *tuple(accumulate(shares))[:-1]))

    def sample(self, stream: Random) -> float:
        """Draw one time."""
        return self.draw(stream.random())

    def draw(self, u: float) -> float:
        """Pick the component under *u* and draw from it with what is left of *u*."""
        index = bisect_right(self._bounds, u) - 1
        rest = (u - self._bounds[index]) / self.weights[index]
        return self.components[index].draw(min(rest, 1 - 2.0**-53))

    @property
    def mean(self) -> float:
        """Weighted mean of the components' means, in seconds."""
        return fsum(w * part.mean for w, part in zip(self.weights, self.components, strict=True))

    @property
    def scv(self) -> float:
        """From the components' second moments, ``mean² (scv + 1)`` each."""
        mean = self.mean
        if not mean:
            return 0.0
        second = fsum(
            w * part.mean**2 * (part.scv + 1)
            for w, part in zip(self.weights, self.components, strict=True)
        )
        return second / mean**2 - 1
