"""A named condition on a domain object, which can be combined with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Specification"]

T = TypeVar("T")


@dataclass(frozen=True)
class Specification(Generic[T]):
    """
    A condition with a name, so that a refusal can say which rule was not met.

    ``published & in_brand(b)``, ``draft | in_review`` and ``~archived`` read as they sound.
    """

    name: str
    holds: Callable[[T], bool]

    def is_satisfied_by(self, candidate: T) -> bool:
        """Whether *candidate* meets the condition."""
        return self.holds(candidate)

    def __and__(self, other: Specification[T]) -> Specification[T]:
        return Specification(
            f"({self.name} and {other.name})",
            lambda candidate: self.holds(candidate) and other.holds(candidate),
        )

    def __or__(self, other: Specification[T]) -> Specification[T]:
        return Specification(
            f"({self.name} or {other.name})",
            lambda candidate: self.holds(candidate) or other.holds(candidate),
        )

    def __invert__(self) -> Specification[T]:
        return Specification(f"not {self.name}", lambda candidate: not self.holds(candidate))
