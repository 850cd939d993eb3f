"""
How long to wait before trying again.

With ``e(n) = min(longest, base * factor ** (n - 1))`` after the *n*-th failure:

    none            e(n)
    full            uniform(0, e(n))
    equal           e(n) / 2 + uniform(0, e(n) / 2)
    decorrelated    min(longest, uniform(base, 3 * the wait before)), which begins with base

Source:
    M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isfinite

from umt_sim.platform.ports.randomness import Randomness

__all__ = ["Backoff", "Jitter"]


class Jitter(Enum):
    """How the waits of many callers are spread."""

    NONE = "none"
    FULL = "full"
    EQUAL = "equal"
    DECORRELATED = "decorrelated"


@dataclass(frozen=True, slots=True)
class Backoff:
    """
    Exponential waits with jitter. Durations in seconds.

    Args:
        base: After the first failure.
        factor: Growth per failure.
        longest: No wait is longer.
        jitter: Full by default: callers that failed together must not return together.
    """

    base: float = 0.1
    factor: float = 2.0
    longest: float = 20.0
    jitter: Jitter = Jitter.FULL

    def __post_init__(self) -> None:
        if not (isfinite(self.base) and self.base > 0):
            raise ValueError(f"backoff base is {self.base} s; write a positive number of seconds")
        if not (isfinite(self.factor) and self.factor >= 1):
            raise ValueError(f"backoff factor is {self.factor}; write 1 or more")
        if not self.longest >= self.base:
            raise ValueError(
                f"longest backoff is {self.longest} s; write at least the base, {self.base} s"
            )

    def wait(self, failures: int, before: float | None, randomness: Randomness) -> float:
        """
        Seconds to wait after *failures* failures in a row.

        Args:
            failures: From 1.
            before: The wait before this one, ``None`` if there was none.
            randomness: Where jitter comes from.
        """
        if self.jitter is Jitter.DECORRELATED:
            last = self.base if before is None else before
            return min(self.longest, randomness.uniform(self.base, last * 3))
        grown = self.exponential(failures)
        if self.jitter is Jitter.FULL:
            return randomness.uniform(0.0, grown)
        if self.jitter is Jitter.EQUAL:
            return grown / 2 + randomness.uniform(0.0, grown / 2)
        return grown

    def exponential(self, failures: int) -> float:
        """``min(longest, base * factor ** (failures - 1))``."""
        try:
            return min(self.longest, self.base * self.factor ** (failures - 1))
        except OverflowError:
            return self.longest
