"""Content Strategy & Research: what a brand should write about."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from typing import Any, ClassVar
from uuid import UUID

from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.handlers import FORWARDED, hears, takes
from umt_sim.platform.contexts.brand.events import BrandUpdated
from umt_sim.platform.contexts.brand.postgres import PostgresBrandRepository
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.contexts.content.postgres import PostgresContentRepository
from umt_sim.platform.contexts.content.strategy import Strategy, recommend
from umt_sim.platform.errors import PortError
from umt_sim.platform.messages.types import EventMessage, TaskMessage
from umt_sim.platform.resilience.errors import CallNotPermitted

__all__ = ["ContentStrategyAgent"]

STRATEGY_LIFE_SECONDS = 300.0

logger = logging.getLogger(__name__)


class ContentStrategyAgent(Agent):
    """
    Plans content before it is written.

    A brand's strategy is kept in the cache. A cache that fails is a cache that
    misses: the strategy is worked out from the database again.
    """

    role: ClassVar[str] = "content-strategy"

    @takes("create_content", needs=("storage",))
    async def plan_content(self, task: TaskMessage, command: CreateContent) -> Any:
        """Add topics and tone, and pass the task on to the content creation agent."""
        strategy = await self._strategy_of(command.brand_id)
        planned = replace(
            command,
            topics=command.topics or strategy.topics,
            tone=command.tone or strategy.tone,
        )
        await self.courier.task(
            "content-creation", self.messages.forward(task, planned), now=self.ports.clock.now()
        )
        return FORWARDED

    @hears("brand.updated")
    async def forget_strategy(self, message: EventMessage, event: BrandUpdated) -> None:
        """A changed brand needs another strategy."""
        await self.ports.cache.delete(_key(event.brand_id))

    async def _strategy_of(self, brand_id: UUID) -> Strategy:
        known = await self._cached(brand_id)
        if known is None:
            known = await self._work_out(brand_id)
            await self._cache(brand_id, known)
        return known

    async def _work_out(self, brand_id: UUID) -> Strategy:
        assert self.ports.database is not None, "planning needs storage"
        brand = await PostgresBrandRepository(self.ports.database).get(brand_id)
        written = await PostgresContentRepository(self.ports.database).of_brand(brand_id)
        return recommend(
            description=brand.description,
            industry=brand.industry.name,
            tone=brand.styling.content_tone,
            interests=brand.target_audience.interests if brand.target_audience else (),
            already_written=[content.title for content in written],
        )

    async def _cached(self, brand_id: UUID) -> Strategy | None:
        try:
            value = await self.ports.cache.get(_key(brand_id))
        except (PortError, CallNotPermitted) as error:
            logger.warning("the strategy cache is not read: %s", error)
            return None
        if value is None:
            return None
        fields = json.loads(value)
        return Strategy(tuple(fields["topics"]), fields["tone"])

    async def _cache(self, brand_id: UUID, strategy: Strategy) -> None:
        value = json.dumps(asdict(strategy)).encode()
        try:
            await self.ports.cache.set(_key(brand_id), value, ttl_seconds=STRATEGY_LIFE_SECONDS)
        except (PortError, CallNotPermitted) as error:
            logger.warning("the strategy cache is not written: %s", error)


def _key(brand_id: UUID) -> str:
    return f"umt:strategy:{brand_id}"
