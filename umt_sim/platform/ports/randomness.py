"""Randomness, as the platform asks for it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["Randomness"]


@runtime_checkable
class Randomness(Protocol):
    """A source of random numbers. ``random.Random`` satisfies it."""

    def random(self) -> float:
        """A float, uniform in [0, 1)."""
        ...

    def uniform(self, a: float, b: float) -> float:
        """A float, uniform between *a* and *b*."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """An integer of *k* random bits."""
        ...
