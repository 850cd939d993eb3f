"""How one kind of aggregate becomes a row and comes back."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from umt_sim.platform.domain.model import AggregateRoot
from umt_sim.platform.ports.database import Row

__all__ = ["AggregateTable"]

A = TypeVar("A", bound=AggregateRoot)


class AggregateTable(ABC, Generic[A]):
    """
    Where one kind of aggregate is kept. Every context writes its own.

    The table has ``id``, ``version`` and ``document`` besides *columns*. What is
    read is built anew each time: nobody shares an object with the storage.

    Attributes:
        name: Of the table.
        kind: Type of the aggregate.
        columns: SQL type of every further column.
    """

    name: ClassVar[str]
    kind: ClassVar[type[AggregateRoot]]
    columns: ClassVar[Mapping[str, str]]

    @abstractmethod
    def values(self, aggregate: A) -> Mapping[str, Any]:
        """The value of every further column."""

    @abstractmethod
    def document(self, aggregate: A) -> Mapping[str, Any]:
        """The rest of *aggregate*, as JSON values."""

    @abstractmethod
    def restore(self, row: Row, document: Mapping[str, Any]) -> A:
        """The aggregate in *row*."""

    def load(self, row: Row) -> A:
        """The aggregate in *row*, as it was saved."""
        return self.restore(row, json.loads(row["document"]))
