"""How long a breaker stays open, as a function of how often it has opened without closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from umt_sim.platform.ports.randomness import Randomness

__all__ = ["ConstantWait", "ExponentialWait", "Wait", "WaitBy", "as_wait"]


class Wait:
    """Base of the waits. Seconds; attempts count from 1."""

    __slots__ = ()

    def seconds(self, attempt: int, randomness: Randomness) -> float:
        """How long to stay open for the *attempt*-th time in a row."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ConstantWait(Wait):
    """Always the same."""

    length: float

    def __post_init__(self) -> None:
        if not (isfinite(self.length) and self.length > 0):
            raise ValueError(
                f"the wait in the open state is {self.length} s; write a positive number of "
                "seconds, or start in State.FORCED_OPEN to stay open"
            )

    def seconds(self, attempt: int, randomness: Randomness) -> float:  # noqa: ARG002  # the base's
        """The length."""
        return self.length


@dataclass(frozen=True, slots=True)
class ExponentialWait(Wait):
    """
    ``min(initial * multiplier ** (attempt - 1), longest)``, then spread by jitter.

    Args:
        initial: First wait, in seconds.
        multiplier: Growth per attempt; at least 1.
        longest: Cap, in seconds. There always is one: 2 ** 40 seconds is "never again".
        jitter: Fraction by which the wait is spread both ways, uniformly; 0 for none.
            Many processes that opened together then do not probe together.
    """

    initial: float
    multiplier: float = 2.0
    longest: float = 3600.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.initial) and self.initial > 0):
            raise ValueError(f"initial wait is {self.initial} s; write a positive number")
        if not (isfinite(self.multiplier) and self.multiplier >= 1):
            raise ValueError(f"multiplier is {self.multiplier}; write 1 or more")
        if not self.longest >= self.initial:
            raise ValueError(
                f"longest wait is {self.longest} s; write at least the initial {self.initial} s"
            )
        if not 0 <= self.jitter < 1:
            raise ValueError(f"jitter is {self.jitter}; write a fraction from 0 to below 1")

    def seconds(self, attempt: int, randomness: Randomness) -> float:
        """The capped power, spread by jitter."""
        try:
            wait = min(self.initial * self.multiplier ** (attempt - 1), self.longest)
        except OverflowError:
            wait = self.longest
        if self.jitter:
            wait *= randomness.uniform(1 - self.jitter, 1 + self.jitter)
        return wait


@dataclass(frozen=True, slots=True)
class WaitBy(Wait):
    """What a function of the attempt says. It runs under the breaker's lock: keep it pure."""

    function: Callable[[int], float]

    def seconds(self, attempt: int, randomness: Randomness) -> float:  # noqa: ARG002  # the base's
        """The function's answer."""
        return self.function(attempt)


def as_wait(wait: Wait | float | Callable[[int], float]) -> Wait:
    """A wait from what may be written in the settings: a wait, seconds, or a function."""
    if isinstance(wait, Wait):
        return wait
    if callable(wait):
        return WaitBy(wait)
    return ConstantWait(float(wait))
