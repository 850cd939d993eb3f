"""Payloads of the tasks the campaign context takes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

__all__ = ["CollectMetrics", "LaunchCampaign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchCampaign:
    """
    Advertise a brand.

    The content strategy agent adds ``interests`` and ``tone``. Amounts are in the
    smallest unit of the currency.
    """

    brand_id: UUID
    name: str
    budget_cents: int
    daily_budget_cents: int
    currency: str = "EUR"
    content_ids: tuple[UUID, ...] = ()
    interests: tuple[str, ...] = ()
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectMetrics:
    """Ask the ad platform how a campaign does."""

    campaign_id: UUID
