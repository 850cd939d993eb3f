"""Integrations in PostgreSQL. What is stored of their credentials is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from umt_sim.platform.contexts.integration.model import (
    ConnectionSettings,
    Credentials,
    Integration,
    IntegrationStatus,
    SyncResult,
)
from umt_sim.platform.ports.database import Row
from umt_sim.platform.storage.repository import Repository
from umt_sim.platform.storage.table import AggregateTable

__all__ = ["IntegrationTable", "PostgresIntegrationRepository"]


class IntegrationTable(AggregateTable[Integration]):
    """Table ``integrations``."""

    name = "integrations"
    kind = Integration
    columns: ClassVar[Mapping[str, str]] = {
        "brand_id": "uuid",
        "platform": "text",
        "status": "text",
        "sealed_credentials": "bytea",
    }

    def values(self, aggregate: Integration) -> Mapping[str, Any]:
        """What integrations are looked up by, and the sealed credentials."""
        return {
            "brand_id": aggregate.brand_id,
            "platform": aggregate.settings.platform,
            "status": aggregate.status.value,
            "sealed_credentials": aggregate.credentials.sealed,
        }

    def document(self, aggregate: Integration) -> Mapping[str, Any]:
        """The rest."""
        sync = aggregate.last_sync
        return {
            "account": aggregate.settings.account,
            "items_per_sync": aggregate.settings.items_per_sync,
            "last_sync": [sync.at.isoformat(), sync.items, sync.failure] if sync else None,
        }

    def restore(self, row: Row, document: Mapping[str, Any]) -> Integration:
        """The integration in *row*."""
        sync = document["last_sync"]
        return Integration(
            row["id"],
            brand_id=row["brand_id"],
            settings=ConnectionSettings(
                row["platform"], document["account"], document["items_per_sync"]
            ),
            credentials=Credentials(bytes(row["sealed_credentials"])),
            status=IntegrationStatus(row["status"]),
            last_sync=SyncResult(datetime.fromisoformat(sync[0]), *sync[1:]) if sync else None,
            version=row["version"],
        )


class PostgresIntegrationRepository(Repository[Integration]):
    """All integrations, in PostgreSQL."""

    table = IntegrationTable()

    async def of_brand(self, brand_id: UUID) -> Sequence[Integration]:
        """A brand's integrations."""
        return await self._select("brand_id = $1 ORDER BY id", brand_id)
