"""
How aggregates are kept in a relational database. SQL, but no driver.

``table``         how one kind of aggregate becomes a row and comes back
``unit_of_work``  aggregates, events and idempotency keys written by one statement
``repository``    load and save one kind of aggregate
``outbox``        publishes stored events after their transaction
``migrations``    numbered .sql files, applied once and in order

One row per aggregate: the columns that queries need, and the rest as a JSON
document. An aggregate is loaded and saved as a whole, so a row is its true unit.
"""

from __future__ import annotations

from umt_sim.platform.storage.migrations import Migration, migrate, read_migrations
from umt_sim.platform.storage.outbox import OutboxEntry, OutboxRelay
from umt_sim.platform.storage.repository import Repository
from umt_sim.platform.storage.table import AggregateTable
from umt_sim.platform.storage.unit_of_work import EventWriter, SqlUnitOfWork

__all__ = [
    "AggregateTable",
    "EventWriter",
    "Migration",
    "OutboxEntry",
    "OutboxRelay",
    "Repository",
    "SqlUnitOfWork",
    "migrate",
    "read_migrations",
]
