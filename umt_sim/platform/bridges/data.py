"""An old schema's rows as aggregates of the new one: resumable, and verified."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from umt_sim.platform.contexts.brand.model import Brand, BrandStyling, Industry
from umt_sim.platform.contexts.brand.postgres import BrandTable
from umt_sim.platform.contexts.content.model import (
    Content,
    ContentStatus,
    ContentType,
    ContentVersion,
)
from umt_sim.platform.contexts.content.postgres import ContentTable
from umt_sim.platform.domain.model import AggregateRoot
from umt_sim.platform.errors import DomainError, PlatformError
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.database import Database, Row, Session
from umt_sim.platform.storage.defaults import announcements
from umt_sim.platform.storage.migrations import LOCK
from umt_sim.platform.storage.table import AggregateTable
from umt_sim.platform.storage.unit_of_work import SqlUnitOfWork

__all__ = [
    "BrandImport",
    "ContentImport",
    "Import",
    "ImportDiffers",
    "RowRefused",
    "Verification",
    "import_rows",
    "new_id_of",
    "verify",
]

A = TypeVar("A", bound=AggregateRoot)

BEFORE_ALL = -(2**63)
"""Old ids may be zero, or less."""


class ImportDiffers(PlatformError):
    """What was imported is not what the old schema holds."""

    def __init__(self, name: str, verification: Verification) -> None:
        self.verification = verification
        super().__init__(
            f"import of {name} differs: {verification.old_count} old rows, "
            f"{verification.new_count} new ones, checksums "
            f"{verification.old_checksum[:12]} and {verification.new_checksum[:12]}"
        )


class RowRefused(PlatformError):
    """An old row breaks a rule of the new model. Mend it where it is, and import on."""

    def __init__(self, source: str, old_id: int, rule: DomainError) -> None:
        self.source = source
        self.old_id = old_id
        super().__init__(f"row {old_id} of {source} is not imported: {rule}")


class Import(ABC, Generic[A]):
    """
    How the rows of one old table become aggregates.

    Attributes:
        name: Under which progress is remembered.
        source: The old table. Its ``id`` is a growing integer.
        table: The new one.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    table: ClassVar[AggregateTable[Any]]

    @abstractmethod
    def aggregate(self, row: Row) -> A:
        """The aggregate of an old row; events are not recorded: nothing happened anew."""


class BrandImport(Import[Brand]):
    """Old brands: a name, a description, an industry, two colours."""

    name = "brands"
    source = "old_brands"
    table = BrandTable()

    def aggregate(self, row: Row) -> Brand:
        """The brand of an old row. What the old schema did not know gets a neutral value."""
        return Brand(
            new_id_of("brand", row["id"]),
            name=row["name"],
            description=row["description"] or "",
            industry=Industry(row["industry"], _code_of(row["industry"])),
            styling=BrandStyling(
                row["primary_color"] or "#000000",
                row["secondary_color"] or "#FFFFFF",
                row["font"] or "sans-serif",
                row["tone"] or "neutral",
            ),
        )


class ContentImport(Import[Content]):
    """Old content: a title, a text, and whether it was live."""

    name = "contents"
    source = "old_contents"
    table = ContentTable()

    def aggregate(self, row: Row) -> Content:
        """The content of an old row."""
        return Content(
            new_id_of("content", row["id"]),
            brand_id=new_id_of("brand", row["brand_id"]),
            title=row["title"],
            content_type=ContentType.POST,
            channel="site",
            versions=[ContentVersion(1, row["body"])],
            status=ContentStatus.PUBLISHED if row["live"] else ContentStatus.DRAFT,
            reference=f"old/{row['id']}" if row["live"] else "",
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """Both sides counted and summed up."""

    old_count: int
    new_count: int
    old_checksum: str
    new_checksum: str

    @property
    def matches(self) -> bool:
        """Whether nothing is missing or changed."""
        return (self.old_count, self.old_checksum) == (self.new_count, self.new_checksum)


def new_id_of(kind: str, old_id: int) -> UUID:
    """The same id for the same old row, everywhere: a name-based UUID, though of SHA-256."""
    return UUID(bytes=sha256(f"{kind}:{old_id}".encode()).digest()[:16], version=5)


async def import_rows(
    database: Database, what: Import[Any], *, clock: Clock, batch: int = 100
) -> int:
    """
    Import what was not imported yet; the number of rows imported now.

    Each batch is a transaction that also notes how far it came: interrupted at any
    moment, the next call goes on where the last commit was, and no row comes twice.

    Raises:
        RowRefused: A row breaks a rule. Those before its batch are imported.
    """
    async with database.transaction() as session:
        # Without the lock two who make the table at once disturb each other.
        await session.query("SELECT pg_advisory_xact_lock($1)", LOCK)
        await session.execute(
            "CREATE TABLE IF NOT EXISTS imports (name text PRIMARY KEY, last_id bigint NOT NULL)"
        )
    total = 0
    while True:
        async with database.transaction() as session:
            rows = await session.query(
                # Names of tables are our own text; values travel beside it.
                f"SELECT * FROM {what.source} WHERE id > $1::bigint ORDER BY id LIMIT $2",  # noqa: S608
                await _progress(session, what.name),
                batch,
            )
            if not rows:
                return total
            await _import(session, what, rows, clock)
        total += len(rows)


async def verify(database: Database, what: Import[Any]) -> Verification:
    """
    Compare every old row with what was made of it.

    Raises:
        ImportDiffers: A row is missing or changed.
    """
    old_rows = await database.query(f"SELECT * FROM {what.source} ORDER BY id")  # noqa: S608
    expected = {str(a.id): _canonical(what.table, a) for a in map(what.aggregate, old_rows)}
    stored = await database.query(
        f"SELECT * FROM {what.table.name} WHERE id = ANY($1::uuid[])",  # noqa: S608
        [UUID(identity) for identity in expected],
    )
    found = {str(row["id"]): _canonical(what.table, what.table.load(row)) for row in stored}
    verification = Verification(len(expected), len(found), _checksum(expected), _checksum(found))
    if not verification.matches:
        raise ImportDiffers(what.name, verification)
    return verification


async def _import(session: Session, what: Import[Any], rows: Any, clock: Clock) -> None:
    unit_of_work = SqlUnitOfWork(session, [what.table], clock=clock)
    async with unit_of_work.begin(announcements("import")) as work:
        for row in rows:
            try:
                work.save(what.aggregate(row))
            except DomainError as rule:
                raise RowRefused(what.source, row["id"], rule) from rule
    await session.execute(
        "INSERT INTO imports (name, last_id) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET last_id = EXCLUDED.last_id",
        what.name,
        rows[-1]["id"],
    )


async def _progress(session: Session, name: str) -> int:
    """The last imported id. Locked, so that two importers take turns."""
    await session.execute(
        "INSERT INTO imports (name, last_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        name,
        BEFORE_ALL,
    )
    rows = await session.query("SELECT last_id FROM imports WHERE name = $1 FOR UPDATE", name)
    return int(rows[0]["last_id"])


def _code_of(industry: str) -> str:
    """A code for an industry that had none: ``FOOD_DRINK`` of ``Food & Drink``."""
    code = re.sub(r"[^A-Z0-9]+", "_", industry.upper()).strip("_")
    if not code[:1].isalpha():
        code = f"I_{code}"
    return code[:16].ljust(2, "_")


def _canonical(table: AggregateTable[Any], aggregate: AggregateRoot) -> Mapping[str, Any]:
    return {**table.values(aggregate), **table.document(aggregate)}


def _checksum(aggregates: Mapping[str, Mapping[str, Any]]) -> str:
    """Of every field of every aggregate, in the order of their ids."""
    digest = sha256()
    for identity in sorted(aggregates):
        fields = aggregates[identity]
        digest.update(repr([identity, *((name, fields[name]) for name in sorted(fields))]).encode())
    return digest.hexdigest()
