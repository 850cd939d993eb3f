"""Where brands and projects are kept, as the context asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from umt_sim.platform.contexts.brand.model import Brand, Project

__all__ = ["BrandRepository", "ProjectRepository"]


class BrandRepository(Protocol):
    """All brands."""

    async def save(self, aggregate: Brand) -> None:
        """Store a brand, new or changed; raises ``VersionConflict``."""
        ...

    async def find(self, identity: UUID) -> Brand | None:
        """The brand of this id; ``None`` when there is none."""
        ...

    async def get(self, identity: UUID) -> Brand:
        """The brand of this id; raises ``NotFound``."""
        ...

    async def named(self, name: str) -> Sequence[Brand]:
        """Brands of this name."""
        ...


class ProjectRepository(Protocol):
    """All projects."""

    async def save(self, aggregate: Project) -> None:
        """Store a project, new or changed; raises ``VersionConflict``."""
        ...

    async def get(self, identity: UUID) -> Project:
        """The project of this id; raises ``NotFound``."""
        ...

    async def of_brand(self, brand_id: UUID) -> Sequence[Project]:
        """A brand's projects."""
        ...
