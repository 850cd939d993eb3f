"""Brands and projects in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from umt_sim.platform.contexts.brand.model import (
    Brand,
    BrandStyling,
    Industry,
    Project,
    SocialMediaAccount,
    TargetAudience,
)
from umt_sim.platform.ports.database import Row
from umt_sim.platform.storage.repository import Repository
from umt_sim.platform.storage.table import AggregateTable

__all__ = ["BrandTable", "PostgresBrandRepository", "PostgresProjectRepository", "ProjectTable"]


class BrandTable(AggregateTable[Brand]):
    """Table ``brands``."""

    name = "brands"
    kind = Brand
    columns: ClassVar[Mapping[str, str]] = {"name": "text", "industry_code": "text"}

    def values(self, aggregate: Brand) -> Mapping[str, Any]:
        """What brands are looked up by."""
        return {"name": aggregate.name, "industry_code": aggregate.industry.code}

    def document(self, aggregate: Brand) -> Mapping[str, Any]:
        """The rest."""
        audience = aggregate.target_audience
        return {
            "description": aggregate.description,
            "industry_name": aggregate.industry.name,
            "styling": asdict(aggregate.styling),
            "target_audience": asdict(audience) if audience else None,
            "social_media_accounts": [asdict(a) for a in aggregate.social_media_accounts],
        }

    def restore(self, row: Row, document: Mapping[str, Any]) -> Brand:
        """The brand in *row*."""
        audience = document["target_audience"]
        if audience is not None:
            audience = TargetAudience(**{**audience, "interests": tuple(audience["interests"])})
        return Brand(
            row["id"],
            name=row["name"],
            description=document["description"],
            industry=Industry(document["industry_name"], row["industry_code"]),
            styling=BrandStyling(**document["styling"]),
            target_audience=audience,
            social_media_accounts=[
                SocialMediaAccount(**account) for account in document["social_media_accounts"]
            ],
            version=row["version"],
        )


class PostgresBrandRepository(Repository[Brand]):
    """All brands, in PostgreSQL."""

    table = BrandTable()

    async def named(self, name: str) -> Sequence[Brand]:
        """Brands of this name."""
        return await self._select("name = $1 ORDER BY id", name)


class ProjectTable(AggregateTable[Project]):
    """Table ``projects``."""

    name = "projects"
    kind = Project
    columns: ClassVar[Mapping[str, str]] = {"brand_id": "uuid", "name": "text"}

    def values(self, aggregate: Project) -> Mapping[str, Any]:
        """What projects are looked up by."""
        return {"brand_id": aggregate.brand_id, "name": aggregate.name}

    def document(self, aggregate: Project) -> Mapping[str, Any]:
        """The rest."""
        return {"goal": aggregate.goal}

    def restore(self, row: Row, document: Mapping[str, Any]) -> Project:
        """The project in *row*."""
        return Project(
            row["id"],
            brand_id=row["brand_id"],
            name=row["name"],
            goal=document["goal"],
            version=row["version"],
        )


class PostgresProjectRepository(Repository[Project]):
    """All projects, in PostgreSQL."""

    table = ProjectTable()

    async def of_brand(self, brand_id: UUID) -> Sequence[Project]:
        """A brand's projects."""
        return await self._select("brand_id = $1 ORDER BY name, id", brand_id)
