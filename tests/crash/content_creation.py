"""One content creation during which an agent may lose power, and what is left afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.crash.power_cut import Points, PowerCut, resumptions
from tests.fakes.acme import ACME
from tests.fakes.stage import Stage, but, played
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.application import AGENTS, Application
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.errors import PlatformError
from umt_sim.servers.postgres import Engine

__all__ = ["FLOW", "Aftermath", "create_content"]

FLOW = ("content-strategy-agent", "content-creation-agent", "content-ad-management-agent")
"""The agents a content creation passes through."""

OUTAGE_SECONDS = 1.0
CLIENT_WAITS_SECONDS = 150.0
"""Longer than any recovery takes, so that a task that is lost is lost, and not just late."""
SETTLED_WITHIN_SECONDS = 60.0

_BRANDS = "brand-management-agent"


@dataclass
class Aftermath:
    """
    What one run left behind.

    Attributes:
        points: The await points that were passed.
        answer: What the client was told; ``None`` if it was told nothing.
        contents: Status by id of all content there is.
        posts: How often each idempotency key took effect at the social network.
        waiting: Messages by queue that are ready or unacknowledged.
        outbox: Events that were not sent.
        stored_before: Content was stored when the power failed.
        announced_before: The news of it had gone out when the power failed, and was acted on.
        errors: What nobody had foreseen.
    """

    points: list[str] = field(default_factory=list)
    answer: Mapping[str, Any] | None = None
    contents: dict[str, str] = field(default_factory=dict)
    posts: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    outbox: int = 0
    stored_before: bool = False
    announced_before: bool = False
    errors: list[str] = field(default_factory=list)

    @property
    def at_rest(self) -> bool:
        """Whether there is nothing left to do."""
        published = "published" in self.contents.values()
        return published and not self.outbox and not self.waiting

    @property
    def losses(self) -> list[str]:
        """In what the platform has failed; nothing, if it kept its promises."""
        promised = None if self.answer is None else str(self.answer["content_id"])
        losses = []
        if promised is None:
            losses.append("the accepted task was never answered")
        if {promised: "published"} != self.contents:
            losses.append(f"promised {promised}, stored {self.contents}")
        if [1] != list(self.posts.values()):
            losses.append(f"posted {self.posts}")
        if self.waiting:
            losses.append(f"left in queues: {self.waiting}")
        if self.outbox:
            losses.append(f"{self.outbox} events left in the outbox")
        return losses + self.errors


def create_content(
    engine: Engine,
    host: str,
    cut_at: int | None = None,
    *,
    agents: Mapping[str, type[Agent]] = AGENTS,
    points: Points = resumptions,
) -> Aftermath:
    """
    Have one piece of content created, and *host* lose power at one of its await points.

    Its power comes back a second later. The run ends when everything has come to rest,
    or has had ample time to.

    Args:
        engine: Behind the simulated PostgreSQL.
        host: Its points are counted.
        cut_at: Number of the point; ``None`` cuts no power.
        agents: Used in place of the platform's own of the same names.
        points: What counts as one.
    """
    needed = {name: agents.get(name, AGENTS[name]) for name in (_BRANDS, *FLOW)}

    async def play(stage: Stage) -> Aftermath:
        policies = but("content-creation", timeout=CLIENT_WAITS_SECONDS)
        async with stage.application(policies, agents=needed) as application:
            run = _Run(
                stage,
                application,
                PowerCut(stage.kernel.loop, stage.network.host(host), points=points, cut_at=cut_at),
            )
            try:
                return await run.play()
            finally:
                await run.database.close()

    return played(engine, play)


class _Run:
    def __init__(self, stage: Stage, application: Application, power_cut: PowerCut) -> None:
        self.stage = stage
        self.application = application
        self.power_cut = power_cut
        self.database = PostgresDatabase(stage.config)
        self.aftermath = Aftermath(power_cut.passed)

    async def play(self) -> Aftermath:
        brand = UUID((await self.application.client.onboard_brand(ACME))["brand_id"])
        self.power_cut.watch()
        request = asyncio.create_task(self._request(brand))
        if self.power_cut.is_due:
            await self._outage()
        await self._settle()
        self.power_cut.look_away()
        if request.done():
            self.aftermath.answer = await request
        else:
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        self.aftermath.errors += [f"{where}: {error!r}" for where, error in self.stage.errors]
        return self.aftermath

    async def _request(self, brand: UUID) -> Mapping[str, Any] | None:
        try:
            return await self.application.client.create_content(
                CreateContent(brand_id=brand, title="Hello", channel="social")
            )
        except PlatformError as error:
            self.aftermath.errors.append(f"the client met {error!r}")
            return None

    async def _outage(self) -> None:
        async with asyncio.timeout(CLIENT_WAITS_SECONDS):
            await self.power_cut.power_failed.wait()
        await asyncio.sleep(OUTAGE_SECONDS)
        await self._look()
        self.aftermath.stored_before = bool(self.aftermath.contents)
        self.aftermath.announced_before = bool(self.aftermath.posts)
        self.power_cut.host.restart()
        await self.application.restart(self.power_cut.host.name)

    async def _settle(self) -> None:
        """Wait until nothing is left to do."""
        last = self.stage.now() + SETTLED_WITHIN_SECONDS
        while self.stage.now() < last:
            await asyncio.sleep(1)
            await self._look()
            if self.aftermath.at_rest:
                return

    async def _look(self) -> None:
        """See what there is in tables, in queues, and at the social network."""
        rows = await self.database.query("SELECT id, status FROM contents")
        self.aftermath.contents = {str(row["id"]): row["status"] for row in rows}
        self.aftermath.outbox = len(await self.database.query("SELECT id FROM outbox"))
        self.aftermath.posts = dict(self.stage.servers["social"].log.effects_by_key())
        queues = self.stage.servers["rabbitmq"].hosts["/"].queues
        self.aftermath.waiting = {
            name: count for name, queue in queues.items() if (count := queue.ready + queue.unacked)
        }
