"""Sets that iterate in the order of insertion, where asyncio or a driver has one that does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from typing import Any, TypeVar
from weakref import ref

__all__ = ["OrderedFrozenSet", "OrderedSet", "OrderedWeakSet"]

T = TypeVar("T")


class OrderedSet(MutableSet[T], dict[T, None]):  # type: ignore[misc]  # a set in all it does
    """
    A set in order of insertion. ``pop`` takes the oldest element.

    A dictionary's keys, by its own methods: drivers keep every future of theirs in a set.
    """

    __slots__ = ("__weakref__",)

    __contains__ = dict.__contains__
    __iter__ = dict.__iter__
    __len__ = dict.__len__
    add = dict.setdefault  # to None
    remove = dict.__delitem__
    clear = dict.clear

    def __init__(self, elements: Iterable[T] = ()) -> None:
        dict.__init__(self, dict.fromkeys(elements))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)})"

    def discard(self, value: T) -> None:
        """Remove an element if it is there."""
        dict.pop(self, value, None)

    def update(self, *others: Iterable[T]) -> None:  # type: ignore[override]
        """Add all elements of *others*."""
        for other in others:
            dict.update(self, dict.fromkeys(other))

    def difference_update(self, *others: Iterable[T]) -> None:
        """Remove all elements of *others*."""
        for other in others:
            for element in list(other):
                self.discard(element)

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


class OrderedWeakSet(MutableSet[T]):
    """Likewise, holding its elements weakly. Replaces ``weakref.WeakSet``."""

    __slots__ = ("__weakref__", "_references")

    def __init__(self, elements: Iterable[T] = ()) -> None:
        self._references: dict[ref[T], Any] = {}
        for element in elements:
            self.add(element)

    def __contains__(self, element: object) -> bool:
        try:
            return ref(element) in self._references
        except TypeError:  # it cannot be held weakly
            return False

    def __iter__(self) -> Iterator[T]:
        for reference in tuple(self._references):
            element = reference()
            if element is not None:
                yield element

    def __len__(self) -> int:
        return len(self._references)

    def add(self, value: T) -> None:
        """Add an element at the end, unless it is there."""
        self._references[ref(value, self._references.pop)] = None

    def discard(self, value: T) -> None:
        """Remove an element if it is there."""
        self._references.pop(ref(value), None)

    def copy(self) -> OrderedWeakSet[T]:
        """A set with the same elements in the same order."""
        return type(self)(self)
