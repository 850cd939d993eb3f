"""The platform's users: each operation of a workload is what one of them does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from umt_sim.platform.application import Application
from umt_sim.platform.contexts.analytics.commands import RecommendTopics, ResearchCompetitors
from umt_sim.platform.contexts.brand.commands import OnboardBrand, UpdateBrand
from umt_sim.platform.contexts.campaign.commands import CollectMetrics, LaunchCampaign
from umt_sim.platform.contexts.content.commands import CreateContent, GenerateVariations
from umt_sim.workload.operations import Arrival, Perform

if TYPE_CHECKING:
    from random import Random

__all__ = ["CHANNELS", "Users"]

BRANDS = 8
"""Brands that are onboarded before the load begins; the users work for one of them."""

CHANNELS = ("social", "cms")
"""Channels that need an upstream of their name; content for the platform's own site needs none."""

TONES = ("Professional", "Friendly", "Bold", "Calm")
COMPETITORS = ("Globex", "Initech", "Umbrella", "Hooli")
BUDGET_CENTS, DAILY_BUDGET_CENTS = 500_000, 50_000


class Users:
    """
    Users who choose at random whom they work for, and name everything they ask for.

    A name holds the number of its arrival, so there must be one thing of each name. Who
    wants to go on with a campaign or content before there is any begins with a new one.

    Args:
        application: What they use.
        stream: For what they choose.
        channels: Where content can be published.
    """

    def __init__(self, application: Application, stream: Random, channels: Sequence[str]) -> None:
        self._application = application
        self._stream = stream
        self._channels = channels
        self._brands: list[UUID] = []
        self._contents: list[UUID] = []
        self._campaigns: list[UUID] = []

    @property
    def operations(self) -> Mapping[str, Perform]:
        """Everything they do, by the name a scenario calls it."""
        return {
            "create_content": self.create_content,
            "launch_campaign": self.launch_campaign,
            "onboard_brand": self.onboard_brand,
            "update_brand": self.update_brand,
            "generate_variations": self.generate_variations,
            "collect_metrics": self.collect_metrics,
            "recommend_topics": self.recommend_topics,
            "research_competitors": self.research_competitors,
            "read_dashboard": self.read_dashboard,
        }

    async def onboard_brands(self) -> None:
        """Onboard the brands that everything else is about."""
        for number in range(BRANDS):
            answer = await self._application.client.onboard_brand(_brand(f"Brand {number}"))
            self._brands.append(UUID(str(answer["brand_id"])))

    async def onboard_brand(self, arrival: Arrival) -> str:
        """Onboard one more brand."""
        answer = await self._application.client.onboard_brand(
            _brand(f"Brand of arrival {arrival.number}")
        )
        return str(answer["brand_id"])

    async def update_brand(self, arrival: Arrival) -> str:  # noqa: ARG002 - one is like another
        """Have one of the brands speak in another tone."""
        answer = await self._application.client.update_brand(
            UpdateBrand(brand_id=self._a_brand(), content_tone=self._stream.choice(TONES))
        )
        return str(answer["brand_id"])

    async def create_content(self, arrival: Arrival) -> str:
        """Create content for one of the brands, on one of the channels."""
        answer = await self._application.client.create_content(
            CreateContent(
                brand_id=self._a_brand(),
                title=f"Story {arrival.number}",
                channel=self._stream.choice(self._channels),
            )
        )
        return _kept(answer, "content_id", self._contents)

    async def generate_variations(self, arrival: Arrival) -> str:
        """Have one more variation of some content written."""
        if not self._contents:
            await self.create_content(arrival)
        answer = await self._application.client.generate_variations(
            GenerateVariations(content_id=self._stream.choice(self._contents), count=1)
        )
        return str(answer["content_id"])

    async def launch_campaign(self, arrival: Arrival) -> str:
        """Advertise one of the brands."""
        answer = await self._application.client.launch_campaign(
            LaunchCampaign(
                brand_id=self._a_brand(),
                name=f"Campaign {arrival.number}",
                budget_cents=BUDGET_CENTS,
                daily_budget_cents=DAILY_BUDGET_CENTS,
            )
        )
        return _kept(answer, "campaign_id", self._campaigns)

    async def collect_metrics(self, arrival: Arrival) -> str:
        """Ask how one of the campaigns does."""
        if not self._campaigns:
            await self.launch_campaign(arrival)
        campaign = self._stream.choice(self._campaigns)
        await self._application.client.collect_metrics(CollectMetrics(campaign_id=campaign))
        return str(campaign)

    async def recommend_topics(self, arrival: Arrival) -> str:  # noqa: ARG002 - as above
        """Be advised what to write about."""
        answer = await self._application.client.recommend_topics(
            RecommendTopics(brand_id=self._a_brand())
        )
        return str(answer["report_id"])

    async def research_competitors(self, arrival: Arrival) -> str:  # noqa: ARG002 - as above
        """Find out what one of the others does."""
        answer = await self._application.client.research_competitors(
            ResearchCompetitors(
                brand_id=self._a_brand(), competitors=(self._stream.choice(COMPETITORS),)
            )
        )
        return str(answer["report_id"])

    async def read_dashboard(self, arrival: Arrival) -> None:  # noqa: ARG002 - as above
        """Look at one of the brands."""
        await self._application.dashboard.read(self._a_brand())

    def _a_brand(self) -> UUID:
        return self._stream.choice(self._brands)


def _kept(answer: Mapping[str, Any], field: str, ids: list[UUID]) -> str:
    """The id in *answer*, remembered among *ids*."""
    identity = str(answer[field])
    ids.append(UUID(identity))
    return identity


def _brand(name: str) -> OnboardBrand:
    return OnboardBrand(
        name=name,
        description="A brand made for a simulated run",
        industry_name="Technology",
        industry_code="TECH",
        primary_color="#FF5733",
        secondary_color="#33FF57",
        font_family="Roboto",
        content_tone="Professional",
    )
