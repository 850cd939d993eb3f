"""The async generators that were begun and not finished, and whose they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any
from weakref import ref

from umt_sim.kernel.hosts import Life, current_life
from umt_sim.kernel.ordered import OrderedWeakSet

__all__ = ["Generators"]

Generator = AsyncGenerator[Any, Any]


class Generators(OrderedWeakSet[Generator]):
    """Where asyncio notes those it has to close at the end; here in the order they were begun."""

    __slots__ = ()

    def add(self, value: Generator) -> None:
        """Note one that begins, with the life of the host that runs it."""
        self._references[ref(value, self._references.pop)] = current_life()

    def disown(self, life: Life) -> list[Generator]:
        """Give those of a dead life out: nobody is to close them."""
        theirs = [known for known, owner in self._references.items() if owner is life]
        generators = [generator for known in theirs if (generator := known()) is not None]
        for generator in generators:
            self.discard(generator)
        return generators
