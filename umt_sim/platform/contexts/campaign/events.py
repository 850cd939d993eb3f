"""What the campaign context publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from umt_sim.platform.domain.model import DomainEvent

__all__ = ["CampaignCompleted", "CampaignLaunched"]


@dataclass(frozen=True, slots=True)
class CampaignLaunched(DomainEvent):
    """A campaign runs; ``reference`` is its name at the ad platform."""

    event_type: ClassVar[str] = "campaign.launched"
    campaign_id: UUID
    brand_id: UUID
    reference: str
    budget_cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class CampaignCompleted(DomainEvent):
    """A campaign is over: its budget is spent, or its time."""

    event_type: ClassVar[str] = "campaign.completed"
    campaign_id: UUID
    spent_cents: int
