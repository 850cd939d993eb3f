"""What the five agents do besides the two big flows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.fakes.acme import ACME
from tests.fakes.stage import Stage, on_stage
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.redis import RedisCache
from umt_sim.platform.application import Application
from umt_sim.platform.contexts.analytics.commands import (
    AnalyzeContent,
    RecommendTopics,
    ResearchCompetitors,
)
from umt_sim.platform.contexts.brand.commands import CreateProject, UpdateBrand
from umt_sim.platform.contexts.campaign.commands import CollectMetrics, LaunchCampaign
from umt_sim.platform.contexts.content.commands import (
    CreateContent,
    GenerateVariations,
    PublishContent,
    ScoreVariation,
    VariationCounts,
)
from umt_sim.platform.contexts.content.model import Content
from umt_sim.platform.contexts.content.postgres import PostgresContentRepository
from umt_sim.platform.contexts.integration.commands import SyncPlatform
from umt_sim.platform.errors import InvariantViolated, RequestFailed
from umt_sim.servers.postgres import Engine

Play = Callable[[Stage, Application, UUID], Awaitable[None]]


def with_brand(engine: Engine, play: Play) -> Stage:
    """Run *play* on a running platform with one brand; no error may go unnoticed."""

    async def on(stage: Stage) -> Stage:
        async with stage.application() as application:
            brand = await application.client.onboard_brand(ACME)
            await play(stage, application, UUID(brand["brand_id"]))
        assert [] == stage.errors
        return stage

    return on_stage(engine, on)


async def stored(stage: Stage, sql: str) -> list[dict[str, Any]]:
    database = PostgresDatabase(stage.config)
    try:
        return [dict(row) for row in await database.query(sql)]
    finally:
        await database.close()


def announced(stage: Stage) -> list[str]:
    """Types of the events that were published, in order."""
    prefix = "publish umt.events:"
    names = [span.name for span in stage.finished_spans()]
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def test_a_changed_brand_gets_another_strategy(engine: Engine) -> None:
    """brand.updated empties the cache: the next content has the new tone's strategy."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        client = application.client
        before = await client.recommend_topics(RecommendTopics(brand_id=brand))
        await client.update_brand(UpdateBrand(brand_id=brand, description="Finest chocolate"))
        await asyncio.sleep(1)
        after = await client.recommend_topics(RecommendTopics(brand_id=brand))
        assert ["technology", "leading", "provider"] == before["topics"]
        assert ["technology", "finest", "chocolate"] == after["topics"]

    stage = with_brand(engine, play)
    assert 2 == announced(stage).count("strategy.recommended")


def test_a_project_needs_a_brand_that_exists(engine: Engine) -> None:
    """A project of a known brand is stored and announced, of an unknown one refused."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        await application.client.create_project(CreateProject(brand_id=brand, name="Launch"))
        with pytest.raises(RequestFailed, match="there is no brand"):
            await application.client.create_project(
                CreateProject(brand_id=UUID(int=9), name="Launch")
            )
        assert [{"name": "Launch"}] == await stored(stage, "SELECT name FROM projects")

    assert "project.created" in announced(with_brand(engine, play))


def test_variations_are_added_and_compared(engine: Engine) -> None:
    """Two more variations get the next letters; the winner of a test is noted and announced."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        client = application.client
        made = await client.create_content(CreateContent(brand_id=brand, title="Hello"))
        await asyncio.sleep(2)
        content = UUID(made["content_id"])
        more = await client.generate_variations(GenerateVariations(content_id=content, count=2))
        assert 4 == more["variations"]
        result = await client.score_variation(
            ScoreVariation(
                control=VariationCounts(label="A", impressions=1000, conversions=50),
                challenger=VariationCounts(label="B", impressions=1000, conversions=80),
                content_id=content,
            )
        )
        assert "B" == result["winner"]
        (row,) = await stored(stage, "SELECT document->'variations' AS v FROM contents")
        assert all(f'"{label}"' in row["v"] for label in "ABCD")

    assert "content.tested" in announced(with_brand(engine, play))


def test_published_content_is_not_published_again(engine: Engine) -> None:
    """Publishing what is out already is refused with the ways that are open."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        made = await application.client.create_content(
            CreateContent(brand_id=brand, title="Hello", channel="cms")
        )
        await asyncio.sleep(2)
        with pytest.raises(RequestFailed, match="content is published and cannot become publ"):
            await application.client.publish_content(
                PublishContent(content_id=UUID(made["content_id"]))
            )

    with_brand(engine, play)


def test_a_request_for_more_variations_than_letters_costs_nothing(engine: Engine) -> None:
    """The number is checked before a text is paid for, and before a list of that length is made."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        made = await application.client.create_content(CreateContent(brand_id=brand, title="Hi"))
        for count in (-1, 26, 10**9):
            with pytest.raises(RequestFailed, match=f"{count} variations; ask for 0 to 25"):
                await application.client.generate_variations(
                    GenerateVariations(content_id=UUID(made["content_id"]), count=count)
                )

    assert 1 == len(with_brand(engine, play).servers["llm"].log.requests)


def test_a_campaign_that_cannot_be_stored_is_not_started(engine: Engine) -> None:
    """More money than the database has room for is refused before the ad platform hears of it."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        with pytest.raises(RequestFailed, match="nobody has more than 9223372036854775807 cents"):
            await application.client.launch_campaign(
                LaunchCampaign(brand_id=brand, name="Big", budget_cents=2**63, daily_budget_cents=1)
            )

    assert [] == with_brand(engine, play).servers["ads"].log.requests


def test_a_brand_of_a_taken_id_is_refused_at_once(engine: Engine) -> None:
    """Trying again would find the id taken again."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        began = stage.now()
        with pytest.raises(RequestFailed, match=f"{brand} is new, but version 1 is stored"):
            await application.client.onboard_brand(replace(ACME, brand_id=brand))
        assert stage.now() - began < 1

    with_brand(engine, play)


def test_a_cached_strategy_of_another_release_is_worked_out_again(engine: Engine) -> None:
    """What cannot be read is not there."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        cache = RedisCache(stage.config)
        for value in (b"\xff", b"{}", b"[1]", b"null", b'{"topics": 3, "tone": null}'):
            await cache.set(f"umt:strategy:{brand}", value, ttl_seconds=60)
            answer = await application.client.recommend_topics(RecommendTopics(brand_id=brand))
            assert answer["topics"]
        await cache.close()

    with_brand(engine, play)


def test_a_task_done_before_is_answered_even_if_doing_it_again_is_forbidden(
    engine: Engine,
) -> None:
    """A repetition by a new message under the same key gets the first answer."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        database = PostgresDatabase(stage.config)
        content = Content.create(brand_id=brand, title="Hi", body="Hello", channel="social")
        content.approve()
        await PostgresContentRepository(database).save(content)
        await database.close()
        publish = partial(
            application.client._request,
            "content-ad-management",
            "publish_content",
            PublishContent(content_id=content.id),
            "same-key",
            10.0,
        )
        assert await publish() == await publish()

    with_brand(engine, play)


def test_credentials_with_a_line_break_are_refused_before_they_leave(engine: Engine) -> None:
    """Pasted from a file, they would fail at the platform with an error that quotes them."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        with pytest.raises(InvariantViolated, match="credentials are visible ASCII") as refusal:
            await application.client.connect_platform(brand, "social", "acme", "hunter2\n")
        assert "hunter2" not in str(refusal.value)

    with_brand(engine, play)


def test_collected_metrics_lead_to_insights(engine: Engine) -> None:
    """Of four campaigns the one that runs longest stands out."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        client = application.client

        async def launch(name: str, daily: int) -> UUID:
            answer = await client.launch_campaign(
                LaunchCampaign(
                    brand_id=brand,
                    name=name,
                    budget_cents=100_000_000,
                    daily_budget_cents=daily,
                )
            )
            return UUID(answer["campaign_id"])

        campaigns = [await launch(f"C{n}", 864_000) for n in range(3)]
        campaigns.append(await launch("C3", 86_400_000))
        await asyncio.sleep(60)
        for campaign in campaigns:
            await client.collect_metrics(CollectMetrics(campaign_id=campaign))
        report = await client.analyze_content(
            AnalyzeContent(brand_id=brand, subject_ids=tuple(campaigns), metric="spent")
        )
        (insight,) = report["insights"]
        assert f"spent of {campaigns[3]} is 1.7 standard deviations above" in insight

    stage = with_brand(engine, play)
    assert 4 == announced(stage).count("metrics.collected")
    assert 1 == announced(stage).count("insight.discovered")


def test_competitors_are_researched_one_by_one(engine: Engine) -> None:
    """One question to the model and one insight for each competitor."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        report = await application.client.research_competitors(
            ResearchCompetitors(brand_id=brand, competitors=("Globex", "Initech"))
        )
        assert 2 == len(report["insights"])
        with pytest.raises(RequestFailed, match="research names at least one competitor"):
            await application.client.research_competitors(
                ResearchCompetitors(brand_id=brand, competitors=())
            )

    stage = with_brand(engine, play)
    assert 2 == len(stage.servers["llm"].log.requests)


def test_credentials_never_travel_or_rest_in_the_clear(engine: Engine) -> None:
    """Not on the wire, not in the database, not in a span; yet the platform gets them."""
    secret = "hunter2-s3cr3t"

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        answer = await application.client.connect_platform(brand, "social", "acme", secret)
        await application.client.refresh_credentials(UUID(answer["integration_id"]))
        for table in ("integrations", "outbox", "handled_tasks"):
            assert secret not in str(await stored(stage, f"SELECT * FROM {table}"))
        assert secret not in "".join(span.to_json() for span in stage.finished_spans())

    assert "integration.connected" in announced(with_brand(engine, play))


def test_a_sync_that_fails_is_an_outcome(engine: Engine) -> None:
    """Numbers of known posts are fetched; an unknown one makes the sync fail, and both are told."""

    async def play(stage: Stage, application: Application, brand: UUID) -> None:
        client = application.client
        await client.create_content(CreateContent(brand_id=brand, title="Hi", channel="social"))
        await asyncio.sleep(2)
        answer = await client.connect_platform(brand, "social", "acme", "s")
        integration = UUID(answer["integration_id"])
        good = await client.sync_platform(
            SyncPlatform(integration_id=integration, references=("post-000001",))
        )
        bad = await client.sync_platform(
            SyncPlatform(integration_id=integration, references=("post-000009",))
        )
        assert 1 == good["items"]
        assert "404 Not Found" in bad["failure"]
        assert [{"status": "failing"}] == await stored(stage, "SELECT status FROM integrations")

    told = announced(with_brand(engine, play))
    assert ["integration.sync_completed", "integration.sync_failed"] == told[-2:]
