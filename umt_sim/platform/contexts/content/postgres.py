"""Content in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from umt_sim.platform.contexts.content.model import (
    Content,
    ContentStatus,
    ContentType,
    ContentVersion,
    TestResult,
    Variation,
)
from umt_sim.platform.ports.database import Row
from umt_sim.platform.storage.repository import Repository
from umt_sim.platform.storage.table import AggregateTable

__all__ = ["ContentTable", "PostgresContentRepository"]


class ContentTable(AggregateTable[Content]):
    """Table ``contents``."""

    name = "contents"
    kind = Content
    columns: ClassVar[Mapping[str, str]] = {"brand_id": "uuid", "status": "text", "title": "text"}

    def values(self, aggregate: Content) -> Mapping[str, Any]:
        """What content is looked up by."""
        return {
            "brand_id": aggregate.brand_id,
            "status": aggregate.status.value,
            "title": aggregate.title,
        }

    def document(self, aggregate: Content) -> Mapping[str, Any]:
        """The rest."""
        moment = aggregate.scheduled_for
        return {
            "content_type": aggregate.content_type.value,
            "channel": aggregate.channel,
            "versions": [version.body for version in aggregate.versions],
            "variations": [[v.label, v.body] for v in aggregate.variations],
            "test_results": [
                [r.control, r.challenger, r.lift, r.confidence] for r in aggregate.test_results
            ],
            "metadata": aggregate.metadata,
            "scheduled_for": moment.isoformat() if moment else None,
            "reference": aggregate.reference,
        }

    def restore(self, row: Row, document: Mapping[str, Any]) -> Content:
        """The content in *row*."""
        moment = document["scheduled_for"]
        return Content(
            row["id"],
            brand_id=row["brand_id"],
            title=row["title"],
            status=ContentStatus(row["status"]),
            content_type=ContentType(document["content_type"]),
            channel=document["channel"],
            versions=[ContentVersion(n, body) for n, body in enumerate(document["versions"], 1)],
            variations=[Variation(*fields) for fields in document["variations"]],
            test_results=[TestResult(*fields) for fields in document["test_results"]],
            metadata=document["metadata"],
            scheduled_for=datetime.fromisoformat(moment) if moment else None,
            reference=document["reference"],
            version=row["version"],
        )


class PostgresContentRepository(Repository[Content]):
    """All content, in PostgreSQL."""

    table = ContentTable()

    async def of_brand(self, brand_id: UUID) -> Sequence[Content]:
        """A brand's content."""
        return await self._select("brand_id = $1 ORDER BY title, id", brand_id)
