"""Where content is kept, as the context asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from umt_sim.platform.contexts.content.model import Content

__all__ = ["ContentRepository"]


class ContentRepository(Protocol):
    """All content."""

    async def save(self, aggregate: Content) -> None:
        """Store a piece of content, new or changed; raises ``VersionConflict``."""
        ...

    async def find(self, identity: UUID) -> Content | None:
        """The content of this id; ``None`` when there is none."""
        ...

    async def get(self, identity: UUID) -> Content:
        """The content of this id; raises ``NotFound``."""
        ...

    async def of_brand(self, brand_id: UUID) -> Sequence[Content]:
        """A brand's content."""
        ...
