"""What a distribution of times can be asked, and the checks its arguments pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random

__all__ = ["Distribution", "check_not_negative", "check_positive", "check_probability"]


class Distribution(Protocol):
    """A distribution of non-negative times, in seconds."""

    def sample(self, stream: Random) -> float:
        """Draw one time; takes exactly one uniform number from *stream*."""
        ...

    def draw(self, u: float) -> float:
        """The time that the uniform number *u* in [0, 1) leads to."""
        ...

    @property
    def mean(self) -> float:
        """Expected value, in seconds."""
        ...

    @property
    def scv(self) -> float:
        """Squared coefficient of variation, variance / mean²; 1 for an exponential."""
        ...


def check_positive(name: str, value: float) -> None:
    """Refuse what is not a finite number above zero."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")


def check_not_negative(name: str, value: float) -> None:
    """Refuse what is not a finite number of at least zero."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")


def check_probability(p: float) -> float:
    """Return *p* if it is a probability below one, where every quantile is finite."""
    if not 0 <= p < 1:
        raise ValueError(f"a quantile is asked for a probability in [0, 1), got {p!r}")
    return p
