"""Content Strategy & Research: what a brand should write about, and what works."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.handlers import FORWARDED, hears, takes
from umt_sim.platform.agents.strategies import Strategies
from umt_sim.platform.agents.writer import Brief, Writer
from umt_sim.platform.contexts.analytics.commands import (
    AnalyzeContent,
    RecommendTopics,
    ResearchCompetitors,
)
from umt_sim.platform.contexts.analytics.model import Insight, Report, ReportKind, outstanding
from umt_sim.platform.contexts.brand.events import BrandUpdated
from umt_sim.platform.contexts.campaign.commands import LaunchCampaign
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.errors import InvariantViolated
from umt_sim.platform.messages.types import EventMessage, TaskMessage

__all__ = ["ContentStrategyAgent"]

CONFIDENCE_IN_HEARSAY = 0.5


class ContentStrategyAgent(Agent):
    """Plans content and campaigns before others make them, and studies what came of them."""

    role: ClassVar[str] = "content-strategy"

    @takes("create_content", needs=("storage",))
    async def plan_content(self, task: TaskMessage, command: CreateContent) -> Any:
        """Add topics and tone, and pass the task on to the content creation agent."""
        strategy = await self._strategies.of(command.brand_id)
        planned = replace(
            command,
            topics=command.topics or strategy.topics,
            tone=command.tone or strategy.tone,
        )
        await self._pass_on("content-creation", task, planned)
        return FORWARDED

    @takes("launch_campaign", needs=("storage",))
    async def plan_campaign(self, task: TaskMessage, command: LaunchCampaign) -> Any:
        """Add interests and tone, and pass the task on to the content & ad management agent."""
        strategy = await self._strategies.of(command.brand_id)
        planned = replace(
            command,
            interests=command.interests or strategy.topics,
            tone=command.tone or strategy.tone,
        )
        await self._pass_on("content-ad-management", task, planned)
        return FORWARDED

    @takes("recommend_topics", needs=("storage",))
    async def recommend_topics(self, task: TaskMessage, command: RecommendTopics) -> Any:
        """Advise a brand, and keep the advice."""
        strategy = await self._strategies.of(command.brand_id)
        report = self._report(command.brand_id, ReportKind.STRATEGY)
        report.recommend(strategy.topics)
        answer = {"report_id": str(report.id), "topics": list(strategy.topics)}
        await self.store(task, report, answer=answer)
        return answer

    @takes("analyze_content", needs=("storage",))
    async def analyze_content(self, task: TaskMessage, command: AnalyzeContent) -> Any:
        """Find out which subjects stand out, and keep it as insights."""
        collections = await self.repositories.metrics.latest(command.subject_ids)
        values = {
            collection.subject_id: value
            for collection in collections
            if (value := collection.value(command.metric)) is not None
        }
        report = self._report(command.brand_id, ReportKind.PERFORMANCE)
        for insight in outstanding(values, command.metric):
            report.add(insight)
        return await self._kept(task, report)

    @takes("research_competitors", needs=("storage", "llm"))
    async def research_competitors(self, task: TaskMessage, command: ResearchCompetitors) -> Any:
        """Have the language model say what it knows of others, and keep it as insights."""
        if not command.competitors:
            raise InvariantViolated("research names at least one competitor", command.brand_id)
        writer = Writer(self.ports.gateways["llm"])
        report = self._report(command.brand_id, ReportKind.COMPETITORS)
        for number, competitor in enumerate(command.competitors, 1):
            brief = Brief(
                title=f"What {competitor} does well",
                content_type="analysis",
                tone="factual",
                topics=[competitor],
            )
            statement = await writer.write(brief, idempotency_key=f"{task.effect_key}:{number}")
            report.add(Insight(statement, CONFIDENCE_IN_HEARSAY))
        return await self._kept(task, report)

    @hears("brand.updated", needs=("storage",))
    async def forget_strategy(self, _: EventMessage, event: BrandUpdated) -> None:
        """A changed brand needs another strategy."""
        await self._strategies.forget(event.brand_id)

    async def _pass_on(self, role: str, task: TaskMessage, planned: Any) -> None:
        forwarded = self.messages.forward(task, planned)
        await self.courier.task(role, forwarded, now=forwarded.timestamp)

    async def _kept(self, task: TaskMessage, report: Report) -> Any:
        answer = {
            "report_id": str(report.id),
            "insights": [insight.statement for insight in report.insights],
        }
        await self.store(task, report, answer=answer)
        return answer

    def _report(self, brand_id: Any, kind: ReportKind) -> Report:
        return Report.begin(report_id=self.new_id(), brand_id=brand_id, kind=kind)

    @property
    def _strategies(self) -> Strategies:
        return Strategies(self.repositories.brands, self.repositories.contents, self.ports.cache)
