"""Ad campaigns and their money."""

from __future__ import annotations

from umt_sim.platform.contexts.campaign.model import (
    AdSet,
    Budget,
    Campaign,
    CampaignStatus,
    Money,
    Schedule,
    Targeting,
)
from umt_sim.platform.contexts.campaign.repository import CampaignRepository

__all__ = [
    "AdSet",
    "Budget",
    "Campaign",
    "CampaignRepository",
    "CampaignStatus",
    "Money",
    "Schedule",
    "Targeting",
]
