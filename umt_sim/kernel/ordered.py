"""Sets that iterate in the order of insertion, where asyncio or a driver has one that does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["OrderedFrozenSet", "OrderedSet", "OrderedWeakSet"]

T = TypeVar("T")


class OrderedSet(MutableSet[T]):
    """A set in order of insertion, on a dictionary. ``pop`` takes the oldest element."""

    __slots__ = ("__weakref__", "_elements")

    def __init__(self, elements: Iterable[T] = ()) -> None:
        self._elements = self._empty()
        for element in elements:
            self._elements[element] = None

    @staticmethod
    def _empty() -> Any:
        return {}

    def __contains__(self, element: object) -> bool:
        return element in self._elements

    def __iter__(self) -> Iterator[T]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)})"

    def add(self, value: T) -> None:
        """Add an element at the end, unless it is there."""
        self._elements[value] = None

    def discard(self, value: T) -> None:
        """Remove an element if it is there."""
        self._elements.pop(value, None)

    def update(self, *others: Iterable[T]) -> None:
        """Add all elements of *others*."""
        for other in others:
            for element in other:
                self._elements[element] = None

    def difference_update(self, *others: Iterable[T]) -> None:
        """Remove all elements of *others*."""
        for other in others:
            for element in list(other):
                self._elements.pop(element, None)

    def copy(self) -> OrderedSet[T]:
        """A set with the same elements in the same order."""
        return type(self)(self)

    def union(self, *others: Iterable[T]) -> OrderedSet[T]:
        """Elements of this set, then those of *others*."""
        result = self.copy()
        result.update(*others)
        return result


class OrderedFrozenSet(OrderedSet[T]):
    """Stands for ``frozenset``: told apart by its class, and left alone by those who use it."""

    __slots__ = ()


class OrderedWeakSet(OrderedSet[T]):
    """Likewise, holding its elements weakly. Replaces ``weakref.WeakSet``."""

    __slots__ = ()

    @staticmethod
    def _empty() -> Any:
        return WeakKeyDictionary()
