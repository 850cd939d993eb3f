"""Campaigns in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from umt_sim.platform.contexts.campaign.model import (
    AdSet,
    Budget,
    Campaign,
    CampaignStatus,
    Money,
    Schedule,
    Targeting,
)
from umt_sim.platform.ports.database import Row
from umt_sim.platform.storage.repository import Repository
from umt_sim.platform.storage.table import AggregateTable

__all__ = ["CampaignTable", "PostgresCampaignRepository"]


class CampaignTable(AggregateTable[Campaign]):
    """Table ``campaigns``. The database, too, refuses to spend more than the budget."""

    name = "campaigns"
    kind = Campaign
    columns: ClassVar[Mapping[str, str]] = {
        "brand_id": "uuid",
        "status": "text",
        "currency": "text",
        "budget_cents": "bigint",
        "spent_cents": "bigint",
    }

    def values(self, aggregate: Campaign) -> Mapping[str, Any]:
        """What campaigns are looked up and added up by."""
        return {
            "brand_id": aggregate.brand_id,
            "status": aggregate.status.value,
            "currency": aggregate.budget.total.currency,
            "budget_cents": aggregate.budget.total.cents,
            "spent_cents": aggregate.spent.cents,
        }

    def document(self, aggregate: Campaign) -> Mapping[str, Any]:
        """The rest."""
        ends = aggregate.schedule.ends
        return {
            "name": aggregate.name,
            "daily_cents": aggregate.budget.daily.cents,
            "starts": aggregate.schedule.starts.isoformat(),
            "ends": ends.isoformat() if ends else None,
            "reference": aggregate.reference,
            "ad_sets": [_ad_set_document(ad_set) for ad_set in aggregate.ad_sets],
        }

    def restore(self, row: Row, document: Mapping[str, Any]) -> Campaign:
        """The campaign in *row*."""
        currency = row["currency"]
        ends = document["ends"]
        return Campaign(
            row["id"],
            brand_id=row["brand_id"],
            name=document["name"],
            budget=Budget(
                Money(row["budget_cents"], currency), Money(document["daily_cents"], currency)
            ),
            schedule=Schedule(
                datetime.fromisoformat(document["starts"]),
                datetime.fromisoformat(ends) if ends else None,
            ),
            ad_sets=[_ad_set(fields) for fields in document["ad_sets"]],
            spent=Money(row["spent_cents"], currency),
            status=CampaignStatus(row["status"]),
            reference=document["reference"],
            version=row["version"],
        )


class PostgresCampaignRepository(Repository[Campaign]):
    """All campaigns, in PostgreSQL."""

    table = CampaignTable()

    async def of_brand(self, brand_id: UUID) -> Sequence[Campaign]:
        """A brand's campaigns."""
        return await self._select("brand_id = $1 ORDER BY id", brand_id)


def _ad_set_document(ad_set: AdSet) -> dict[str, Any]:
    targeting = ad_set.targeting
    return {
        "name": ad_set.name,
        "text": ad_set.text,
        "interests": list(targeting.interests),
        "ages": [targeting.age_from, targeting.age_to],
        "content_ids": [str(identity) for identity in ad_set.content_ids],
    }


def _ad_set(fields: Mapping[str, Any]) -> AdSet:
    return AdSet(
        fields["name"],
        fields["text"],
        Targeting(tuple(fields["interests"]), *fields["ages"]),
        tuple(UUID(identity) for identity in fields["content_ids"]),
    )
