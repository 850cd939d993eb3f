"""Load and save one kind of aggregate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from umt_sim.platform.domain.model import AggregateRoot
from umt_sim.platform.errors import NotFound
from umt_sim.platform.ports.database import Session
from umt_sim.platform.storage.table import AggregateTable
from umt_sim.platform.storage.unit_of_work import EventWriter, SqlUnitOfWork

__all__ = ["Repository"]

A = TypeVar("A", bound=AggregateRoot)


class Repository(Generic[A]):
    """
    Aggregates of one kind, in PostgreSQL.

    ``save`` writes the aggregate and its unsaved events in one transaction. To
    write more than one thing together, use a unit of work instead.

    Args:
        session: A database, or a session of an open transaction.
        unit_of_work: Writes; left out, one that leaves events to the outbox relays.
        write_event: Makes the outbox entry of each event; left out, an announcement
            by the sender ``repository`` stamped by the machine's clock.
    """

    table: ClassVar[AggregateTable[Any]]

    def __init__(
        self,
        session: Session,
        *,
        unit_of_work: SqlUnitOfWork | None = None,
        write_event: EventWriter | None = None,
    ) -> None:
        self._session = session
        self._unit_of_work = unit_of_work
        self._write_event = write_event

    async def save(self, aggregate: A) -> None:
        """
        Store *aggregate*, new or changed.

        Raises:
            VersionConflict: Somebody saved it since it was loaded; nothing was written.
            PortError: The database failed.
        """
        # Here and not above: only a script that names no clock needs the machine's.
        from umt_sim.platform.storage.defaults import announcements, machine_clock

        unit_of_work = self._unit_of_work or SqlUnitOfWork(
            self._session, [self.table], clock=machine_clock()
        )
        async with unit_of_work.begin(self._write_event or announcements()) as work:
            work.save(aggregate)

    async def find(self, identity: UUID) -> A | None:
        """The aggregate of this id; ``None`` when there is none."""
        found = await self._select("id = $1", identity)
        return found[0] if found else None

    async def get(self, identity: UUID) -> A:
        """
        The aggregate of this id.

        Raises:
            NotFound: There is none.
        """
        found = await self.find(identity)
        if found is None:
            raise NotFound(self.table.kind.__name__.lower(), identity)
        return found

    async def _select(self, condition: str, *values: Any) -> Sequence[A]:
        rows = await self._session.query(
            # Table and condition are our own text; values travel beside it.
            f"SELECT * FROM {self.table.name} WHERE {condition}",  # noqa: S608
            *values,
        )
        return [self.table.load(row) for row in rows]
