"""Where integrations are kept, as the context asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from umt_sim.platform.contexts.integration.model import Integration

__all__ = ["IntegrationRepository"]


class IntegrationRepository(Protocol):
    """All integrations."""

    async def save(self, aggregate: Integration) -> None:
        """Store an integration, new or changed; raises ``VersionConflict``."""
        ...

    async def find(self, identity: UUID) -> Integration | None:
        """The integration of this id; ``None`` when there is none."""
        ...

    async def get(self, identity: UUID) -> Integration:
        """The integration of this id; raises ``NotFound``."""
        ...

    async def of_brand(self, brand_id: UUID) -> Sequence[Integration]:
        """A brand's integrations."""
        ...
