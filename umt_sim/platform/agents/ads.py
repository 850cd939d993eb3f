"""Content & Ad Management: sends content out, runs campaigns, collects results."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.answers import name_of, read_answer
from umt_sim.platform.agents.handlers import hears, takes
from umt_sim.platform.agents.writer import Brief, Writer
from umt_sim.platform.contexts.analytics.model import Metric, MetricCollection, TimeFrame
from umt_sim.platform.contexts.campaign.commands import CollectMetrics, LaunchCampaign
from umt_sim.platform.contexts.campaign.model import (
    AdSet,
    Budget,
    Campaign,
    Money,
    Schedule,
    Targeting,
)
from umt_sim.platform.contexts.content.commands import PublishContent
from umt_sim.platform.contexts.content.events import ContentCreated
from umt_sim.platform.contexts.content.model import Content, ContentStatus
from umt_sim.platform.errors import InvariantViolated
from umt_sim.platform.messages.types import EventMessage, Header, TaskMessage
from umt_sim.platform.ports.http_gateway import path_of

__all__ = ["ContentAdManagementAgent"]


class ContentAdManagementAgent(Agent):
    """Brings content to readers and ads to customers."""

    role: ClassVar[str] = "content-ad-management"

    @hears("content.created", needs=("storage",))
    async def publish_new_content(self, message: EventMessage, event: ContentCreated) -> None:
        """What was drafted on request is approved by the request: send it out."""
        content = await self.repositories.contents.get(event.content_id)
        if content.status is ContentStatus.DRAFT:
            content.approve()
            await self._publish(message, content)

    @takes("publish_content", needs=("storage",))
    async def publish_content(self, task: TaskMessage, command: PublishContent) -> Any:
        """Send approved or scheduled content out."""
        content = await self.repositories.contents.get(command.content_id)
        return await self._publish(task, content)

    @takes("launch_campaign", needs=("storage", "llm", "ads"))
    async def launch_campaign(self, task: TaskMessage, command: LaunchCampaign) -> Any:
        """Have the ad written, start the campaign at the ad platform, and store it."""
        campaign = Campaign.create(
            campaign_id=self.new_id(),
            brand_id=command.brand_id,
            name=command.name,
            budget=Budget(
                Money(command.budget_cents, command.currency),
                Money(command.daily_budget_cents, command.currency),
            ),
            schedule=Schedule(self.ports.clock.now()),
        )
        key = task.effect_key
        text = await Writer(self.ports.gateways["llm"]).write(
            Brief(
                title=command.name,
                content_type="ad",
                tone=command.tone,
                topics=command.interests,
            ),
            idempotency_key=f"{key}:ad",
        )
        campaign.add_ad_set(AdSet("main", text, Targeting(command.interests), command.content_ids))
        campaign.launch(await self._start_at_platform(campaign, key))
        answer = {"campaign_id": str(campaign.id), "reference": campaign.reference}
        await self.store(task, campaign, answer=answer)
        return answer

    @takes("collect_metrics", needs=("storage", "ads"))
    async def collect_metrics(self, task: TaskMessage, command: CollectMetrics) -> Any:
        """Ask the ad platform how a campaign does; note what was spent, keep the numbers."""
        campaign = await self.repositories.campaigns.get(command.campaign_id)
        response = await self.ports.gateways["ads"].request(
            "GET", path_of("campaigns", campaign.reference, "spend")
        )
        spent_cents, impressions, clicks = read_answer(
            "ads", response, spent_cents=int, impressions=float, clicks=float
        )
        spent = Money(spent_cents, campaign.budget.total.currency)
        if not spent <= campaign.spent:
            campaign.spend(spent - campaign.spent)
        collection = MetricCollection.collect(
            collection_id=self.new_id(),
            subject_id=campaign.id,
            time_frame=TimeFrame(campaign.schedule.starts, self.ports.clock.now()),
            metrics=[
                Metric("spent", spent.cents / 100, campaign.budget.total.currency),
                Metric("impressions", impressions),
                Metric("clicks", clicks),
            ],
        )
        answer = {metric.name: metric.value for metric in collection.metrics}
        await self.store(task, campaign, collection, answer=answer)
        return answer

    async def _start_at_platform(self, campaign: Campaign, key: str) -> str:
        """Start *campaign* at the ad platform; the platform's own name for it."""
        budget = campaign.budget
        response = await self.ports.gateways["ads"].request(
            "POST",
            "/campaigns",
            json={
                "name": campaign.name,
                "budget_cents": budget.total.cents,
                "daily_budget_cents": budget.daily.cents,
                "currency": budget.total.currency,
            },
            headers={"idempotency-key": key},
        )
        (reference,) = read_answer("ads", response, id=name_of)
        return str(reference)

    async def _publish(self, cause: Header, content: Content) -> Any:
        reference = await self._send_out(content)
        content.publish(reference)
        answer = {"content_id": str(content.id), "reference": reference}
        await self.store(cause, content, answer=answer)
        return answer

    async def _send_out(self, content: Content) -> str:
        """Hand *content* to its channel; the channel's own name for it."""
        match content.channel:
            case "site":
                # Our own site shows what the database says is published.
                return f"site/{content.id}"
            case "social":
                return await self._post("social", "/posts", content, {"text": content.body})
            case "cms":
                body = {"title": content.title, "body": content.body}
                return await self._post("cms", "/documents", content, body)
            case other:
                raise InvariantViolated(
                    f"there is no channel {other!r}; known are site, social, cms", content.id
                )

    async def _post(self, upstream: str, path: str, content: Content, body: Any) -> str:
        if upstream not in self.ports.gateways:
            raise InvariantViolated(f"{self.agent_id} has no {upstream} upstream", content.id)
        response = await self.ports.gateways[upstream].request(
            "POST", path, json=body, headers={"idempotency-key": _publication(content.id)}
        )
        (reference,) = read_answer(upstream, response, id=name_of)
        return f"{upstream}/{reference}"


def _publication(content_id: UUID) -> str:
    """The same key for every attempt to send one piece of content out."""
    return f"publish:{content_id}"
