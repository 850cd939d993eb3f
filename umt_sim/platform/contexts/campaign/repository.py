"""Where campaigns are kept, as the context asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from umt_sim.platform.contexts.campaign.model import Campaign

__all__ = ["CampaignRepository"]


class CampaignRepository(Protocol):
    """All campaigns."""

    async def save(self, aggregate: Campaign) -> None:
        """Store a campaign, new or changed; raises ``VersionConflict``."""
        ...

    async def find(self, identity: UUID) -> Campaign | None:
        """The campaign of this id; ``None`` when there is none."""
        ...

    async def get(self, identity: UUID) -> Campaign:
        """The campaign of this id; raises ``NotFound``."""
        ...

    async def of_brand(self, brand_id: UUID) -> Sequence[Campaign]:
        """A brand's campaigns."""
        ...
