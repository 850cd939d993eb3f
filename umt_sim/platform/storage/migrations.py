"""Numbered .sql files, applied once and in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from umt_sim.platform.errors import PlatformError
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.database import Database, Session

__all__ = ["LOCK", "Migration", "MigrationChanged", "migrate", "read_migrations"]

LOCK = 0x554D54  # "UMT": one process at a time makes tables


class MigrationChanged(PlatformError):
    """A file that was applied has been edited since. Write a new one instead."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"migration {name} was edited after it was applied; add a new one")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: ``content/0001_contents.sql`` is named ``content/0001_contents``."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of its text, to notice that somebody edited it."""
        return sha256(self.sql.encode()).hexdigest()


def read_migrations(package: str, prefix: str) -> list[Migration]:
    """The .sql files in the folder ``migrations`` of *package*, in the order of their names."""
    folder = files(package).joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [
        Migration(f"{prefix}/{name.removesuffix('.sql')}", folder.joinpath(name).read_text("utf-8"))
        for name in names
    ]


async def migrate(
    database: Database, migrations: Iterable[Migration], *, clock: Clock
) -> Sequence[str]:
    """
    Apply what is missing, in one transaction.

    Several processes may call it at the same time: one works, the others wait.

    Returns:
        Names of the migrations that were applied now.

    Raises:
        MigrationChanged: An applied file was edited since.
    """
    async with database.transaction() as session:
        await session.query("SELECT pg_advisory_xact_lock($1)", LOCK)
        await session.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL)"
        )
        rows = await session.query("SELECT name, checksum FROM migrations")
        applied = {str(row["name"]): str(row["checksum"]) for row in rows}
        return [
            migration.name
            for migration in migrations
            if await _apply(session, migration, applied.get(migration.name), clock)
        ]


async def _apply(session: Session, migration: Migration, applied: str | None, clock: Clock) -> bool:
    if applied is not None:
        if applied != migration.checksum:
            raise MigrationChanged(migration.name)
        return False
    await session.execute(migration.sql)
    await session.execute(
        "INSERT INTO migrations (name, checksum, applied_at) VALUES ($1, $2, $3)",
        migration.name,
        migration.checksum,
        clock.now(),
    )
    return True
