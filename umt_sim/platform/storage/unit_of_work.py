"""Aggregates, their events and an idempotency key, written by one statement."""

# ruff: noqa: S608 - names of tables and columns are our own; every value travels beside the text

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from umt_sim.platform.domain.model import AggregateRoot, DomainEvent
from umt_sim.platform.errors import AlreadyHandled, UpstreamRefused, VersionConflict
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.database import Session
from umt_sim.platform.storage.outbox import OutboxEntry
from umt_sim.platform.storage.table import AggregateTable

__all__ = ["EventWriter", "SqlUnitOfWork", "SqlWork"]

EventWriter = Callable[[DomainEvent], OutboxEntry]

NOT_SAVED = "UMT09"
"""SQLSTATE raised by ``must_be_saved`` of the first migration."""
UNIQUE_VIOLATION = "23505"


class SqlUnitOfWork:
    """
    Opens work on a database.

    Everything in one work is sent as a single statement: a ``WITH`` query with
    one part per write. PostgreSQL runs such a statement as a transaction, so it
    is as safe as BEGIN ... COMMIT and takes one round trip instead of four. The
    parts cannot see each other's rows: one work writes an aggregate at most once.

    Args:
        session: Where to write. On a session of an open transaction the work
            becomes a part of that transaction.
        tables: Of every kind of aggregate that may be saved.
        clock: Stamps outbox entries and idempotency keys.
        published: Told which events were stored, once they are.
        lease_seconds: For how long a stored event is left to *published* before
            any relay may take it; 0 leaves it to the relays at once.
    """

    def __init__(
        self,
        session: Session,
        tables: Iterable[AggregateTable[Any]],
        *,
        clock: Clock,
        published: Callable[[Iterable[OutboxEntry]], None] | None = None,
        lease_seconds: float = 10.0,
    ) -> None:
        self._session = session
        self._tables = {table.kind: table for table in tables}
        self._clock = clock
        self._published = published
        self._lease = timedelta(seconds=lease_seconds if published else 0)

    @asynccontextmanager
    async def begin(self, write_event: EventWriter) -> AsyncIterator[SqlWork]:
        """
        Work that is committed at the end of the ``async with`` block.

        Args:
            write_event: Makes the outbox entry of each event.
        """
        work = SqlWork(self._tables, write_event, self._clock.now(), self._lease)
        yield work
        await self._commit(work)

    async def answer_to(self, idempotency_key: str) -> bytes | None:
        """What was answered to the task of this key; ``None`` if it was never handled."""
        rows = await self._session.query(
            "SELECT answer FROM handled_tasks WHERE idempotency_key = $1", idempotency_key
        )
        return bytes(rows[0]["answer"]) if rows else None

    async def _commit(self, work: SqlWork) -> None:
        if not work.parts:
            return
        try:
            await self._session.query(work.statement(), *work.values)
        except UpstreamRefused as error:
            raise await self._explained(error, work) from error
        for aggregate, version in work.saved:
            aggregate.mark_saved(version)
        if self._published is not None and work.entries:
            self._published(work.entries)

    async def _explained(self, error: UpstreamRefused, work: SqlWork) -> Exception:
        """What the database's refusal means: a conflict, a repetition, or itself."""
        if error.code == UNIQUE_VIOLATION and "handled_tasks" in error.reason:
            return AlreadyHandled(work.idempotency_key)
        if error.code not in (UNIQUE_VIOLATION, NOT_SAVED):
            return error
        for aggregate, _ in work.saved:
            found = await self._stored_version(aggregate)
            if found != (aggregate.version or None):
                return VersionConflict(aggregate.id, aggregate.version, found)
        return error

    async def _stored_version(self, aggregate: AggregateRoot) -> int | None:
        table = self._tables[type(aggregate)]
        rows = await self._session.query(
            f"SELECT version FROM {table.name} WHERE id = $1",
            aggregate.id,
        )
        return int(rows[0]["version"]) if rows else None


class SqlWork:
    """What one statement will write. Nothing is written before the work commits."""

    def __init__(
        self,
        tables: Mapping[type[AggregateRoot], AggregateTable[Any]],
        write_event: EventWriter,
        now: datetime,
        lease: timedelta,
    ) -> None:
        self.parts: list[str] = []
        self.checks: list[str] = []
        self.values: list[Any] = []
        self.saved: list[tuple[AggregateRoot, int]] = []
        self.entries: list[OutboxEntry] = []
        self.idempotency_key = ""
        self._tables = tables
        self._write_event = write_event
        self._now = now
        self._lease = lease

    def save(self, aggregate: AggregateRoot) -> None:
        """Write *aggregate*, and its events to the outbox."""
        table = self._tables[type(aggregate)]
        row = {**table.values(aggregate), "document": json.dumps(table.document(aggregate))}
        types = {**table.columns, "document": "jsonb"}
        name = f"saved_{len(self.saved)}"
        identity = self._place(aggregate.id, "uuid")
        if aggregate.version == 0:
            self._insert(name, table.name, identity, row, types)
        else:
            self._update(name, table.name, identity, aggregate.version, row, types)
        self.saved.append((aggregate, aggregate.version + 1))
        self.entries.extend(self._write_event(event) for event in aggregate.unsaved_events)

    def remember(self, idempotency_key: str, answer: bytes) -> None:
        """Note that the task of this key was handled, and what was answered."""
        self.idempotency_key = idempotency_key
        key = self._place(idempotency_key, "text")
        values = f"{key}, {self._place(answer, 'bytea')}, {self._place(self._now, 'timestamptz')}"
        self.parts.append(
            "remembered AS (INSERT INTO handled_tasks (idempotency_key, answer, handled_at)"
            f" VALUES ({values}))"
        )

    def statement(self) -> str:
        """Everything, as one statement with numbered places for the values."""
        if self.entries:
            self._announce()
        return f"WITH {', '.join(self.parts)} SELECT {', '.join(self.checks) or '1'}"

    def _insert(
        self, name: str, table: str, identity: str, row: Mapping[str, Any], types: Mapping[str, str]
    ) -> None:
        places = ", ".join(self._place(value, types[column]) for column, value in row.items())
        self.parts.append(
            f"{name} AS (INSERT INTO {table} (id, version, {', '.join(row)})"
            f" VALUES ({identity}, 1, {places}))"
        )

    def _update(
        self,
        name: str,
        table: str,
        identity: str,
        version: int,
        row: Mapping[str, Any],
        types: Mapping[str, str],
    ) -> None:
        changes = ", ".join(
            f"{column} = {self._place(value, types[column])}" for column, value in row.items()
        )
        expected = self._place(version, "integer")
        self.parts.append(
            f"{name} AS (UPDATE {table} SET version = version + 1, {changes}"
            f" WHERE id = {identity} AND version = {expected} RETURNING 1)"
        )
        self.checks.append(f"must_be_saved((SELECT count(*) FROM {name}), {identity}, {expected})")

    def _announce(self) -> None:
        columns = (
            self._place([entry.id for entry in self.entries], "uuid[]"),
            self._place([entry.event_type for entry in self.entries], "text[]"),
            self._place([entry.body for entry in self.entries], "bytea[]"),
            self._place([entry.traceparent for entry in self.entries], "text[]"),
            self._place([entry.correlation_id for entry in self.entries], "text[]"),
        )
        available = self._place(self._now + self._lease, "timestamptz")
        self.parts.append(
            "announced AS (INSERT INTO outbox"
            " (id, event_type, body, traceparent, correlation_id, available_at)"
            f" SELECT *, {available} FROM unnest({', '.join(columns)}))"
        )

    def _place(self, value: Any, sql_type: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{sql_type}"
