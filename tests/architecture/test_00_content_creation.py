"""The content creation flow, end to end, over every part of the platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from tests.fakes.acme import ACME
from tests.fakes.stage import InWorld, Stage
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.agents.repositories import Repositories, postgres_repositories
from umt_sim.platform.contexts.campaign.commands import CollectMetrics, LaunchCampaign
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.contexts.content.model import ContentStatus
from umt_sim.platform.errors import ErrorClass, RequestFailed
from umt_sim.platform.tracing.logs import TraceContextFilter


@asynccontextmanager
async def looking_at(stage: Stage) -> AsyncIterator[tuple[Repositories, PostgresDatabase]]:
    database = PostgresDatabase(stage.config)
    try:
        yield postgres_repositories(database), database
    finally:
        await database.close()


def test_content_is_planned_written_stored_and_published(in_world: InWorld) -> None:
    """A request for content ends as published content with the brand's tone and topics."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = await application.client.onboard_brand(ACME)
            answer = await application.client.create_content(
                CreateContent(brand_id=UUID(brand["brand_id"]), title="Hello", channel="social")
            )
            await asyncio.sleep(3)
            async with looking_at(stage) as (stored, database):
                content = await stored.contents.get(UUID(answer["content_id"]))
                assert [] == await database.query("SELECT * FROM outbox")
            assert ContentStatus.PUBLISHED is content.status
            assert "social/post-000001" == content.reference
            assert 2 == len(content.variations) == answer["variations"]
            assert "technology, leading, provider" == content.metadata["topics"]
        assert [] == stage.errors
        assert 1 == len(stage.servers["llm"].log.requests)
        assert 1 == len(stage.servers["social"].log.effects)

    in_world(play)


def test_one_trace_spans_the_whole_request(in_world: InWorld) -> None:
    """Client, three agents, cache, database, language model and both events share a trace."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = await application.client.onboard_brand(ACME)
            stage.exporter.clear()
            await application.client.create_content(
                CreateContent(brand_id=UUID(brand["brand_id"]), title="Hello")
            )
            await asyncio.sleep(3)
        spans = stage.finished_spans()
        root = next(span for span in spans if span.name == "create_content")
        ours = [s for s in spans if s.context.trace_id == root.context.trace_id]
        assert {
            "create_content",
            "publish umt.tasks:content-strategy.create_content",
            "process umt.tasks:content-strategy.create_content:umt.content-strategy",
            "GET",
            "SELECT brands",
            "SELECT contents",
            "SET",
            "publish umt.tasks:content-creation.create_content",
            "process umt.tasks:content-creation.create_content:umt.content-creation",
            "POST /v1/completions",
            "INSERT contents INSERT handled_tasks INSERT outbox",
            "publish amq.default",
            "publish umt.events:content.created",
            "process umt.events:content.created:umt.content-ad-management",
            "UPDATE contents INSERT handled_tasks INSERT outbox",
            "publish umt.events:content.published",
        } == {span.name for span in ours}
        assert {
            "marketing-client",
            "content-strategy-agent",
            "content-creation-agent",
            "content-ad-management-agent",
        } == {span.instrumentation_scope.name for span in ours}
        by_id = {span.context.span_id: span for span in ours}
        for span in ours:
            assert span is root or span.parent.span_id in by_id
            if span.name.startswith("process"):
                assert [span.parent.span_id] == [link.context.span_id for link in span.links]

    in_world(play)


def test_one_trace_spans_a_campaign(in_world: InWorld) -> None:
    """Client, two agents, cache, database, language model and ad platform share a trace."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            stage.exporter.clear()
            await application.client.launch_campaign(
                LaunchCampaign(
                    brand_id=brand, name="Spring", budget_cents=100, daily_budget_cents=10
                )
            )
            await asyncio.sleep(1)
        root = next(span for span in stage.finished_spans() if span.name == "launch_campaign")
        ours = [s for s in stage.finished_spans() if s.context.trace_id == root.context.trace_id]
        assert {
            "launch_campaign",
            "publish umt.tasks:content-strategy.launch_campaign",
            "process umt.tasks:content-strategy.launch_campaign:umt.content-strategy",
            "GET",
            "SELECT brands",
            "SELECT contents",
            "SET",
            "publish umt.tasks:content-ad-management.launch_campaign",
            "process umt.tasks:content-ad-management.launch_campaign:umt.content-ad-management",
            "POST /v1/completions",
            "POST /campaigns",
            "INSERT campaigns INSERT handled_tasks INSERT outbox",
            "publish amq.default",
            "publish umt.events:campaign.launched",
        } == {span.name for span in ours}
        known = {span.context.span_id for span in ours}
        assert all(span is root or span.parent.span_id in known for span in ours)

    in_world(play)


def test_what_agents_log_carries_the_trace(
    in_world: InWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning of an agent names the trace of the request that it was working on."""
    caplog.handler.addFilter(TraceContextFilter())

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            stage.exporter.clear()
            stage.proxies["redis"].disable()
            caplog.clear()
            await application.client.create_content(CreateContent(brand_id=brand, title="Hello"))
        spans = {f"{span.context.span_id:016x}": span for span in stage.finished_spans()}
        (root,) = [span for span in spans.values() if span.name == "create_content"]
        told = [r for r in caplog.records if r.getMessage().startswith("the strategy cache is not")]
        assert 2 == len(told)  # neither read nor written
        for record in told:
            assert f"{root.context.trace_id:032x}" == record.trace_id
            where = "process umt.tasks:content-strategy.create_content:umt.content-strategy"
            assert where == spans[record.span_id].name

    in_world(play)


def test_the_strategy_is_read_from_the_cache_the_second_time(in_world: InWorld) -> None:
    """A brand is looked up in the database once; later requests find its strategy in Redis."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            for number in range(3):
                await application.client.create_content(
                    CreateContent(brand_id=brand, title=f"Story {number}")
                )
        names = [span.name for span in stage.finished_spans()]
        assert 1 == names.count("SELECT brands")
        assert 3 == names.count("GET")

    in_world(play)


def test_a_campaign_is_planned_written_and_started(in_world: InWorld) -> None:
    """A campaign goes over the broker, the database, the cache and two HTTP upstreams."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            answer = await application.client.launch_campaign(
                LaunchCampaign(
                    brand_id=brand,
                    name="Spring",
                    budget_cents=90_000_000,
                    daily_budget_cents=86_400_000,
                )
            )
            await asyncio.sleep(3)  # a thousand cents a second
            campaign = UUID(answer["campaign_id"])
            numbers = await application.client.collect_metrics(CollectMetrics(campaign_id=campaign))
            assert 30 <= numbers["spent"] < 60  # real time is never exact
            async with looking_at(stage) as (stored, _):
                kept = await stored.campaigns.get(campaign)
            assert round(numbers["spent"] * 100) == kept.spent.cents
            assert ("technology", "leading", "provider") == kept.ad_sets[0].targeting.interests
        assert 1 == len(stage.servers["llm"].log.requests)
        assert 1 == len(stage.servers["ads"].log.effects)

    in_world(play)


def test_a_request_for_an_unknown_brand_is_answered_with_the_reason(in_world: InWorld) -> None:
    """The client hears that the brand does not exist, and nothing is tried again."""

    async def play(stage: Stage) -> None:
        async with stage.application() as application:
            with pytest.raises(RequestFailed, match="there is no brand") as failure:
                await application.client.create_content(
                    CreateContent(brand_id=UUID(int=5), title="Hello")
                )
            assert ErrorClass.CLIENT is failure.value.error_class
            assert "NotFound" == failure.value.error_type
        assert [] == stage.errors

    in_world(play)
