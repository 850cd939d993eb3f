"""The same flows against a real RabbitMQ, Redis and PostgreSQL, in their own time."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from random import Random
from uuid import UUID

import pytest

from tests.fakes.stage import ACME
from umt_sim.errors import WorldUnavailable
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.rabbitmq import RabbitMQMessageBroker
from umt_sim.platform.application import Application
from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)
from umt_sim.platform.contexts.campaign.commands import LaunchCampaign
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.contexts.content.model import ContentStatus
from umt_sim.platform.contexts.content.postgres import PostgresContentRepository
from umt_sim.platform.ports.message_broker import Delivery, Parcel, QueueSpec
from umt_sim.platform.surroundings import Surroundings
from umt_sim.servers.capacity import Instant
from umt_sim.servers.http import APPLICATIONS, HttpUpstream
from umt_sim.worlds.live.servers import private_servers

pytestmark = pytest.mark.live

LOCAL = "127.0.0.1"


@pytest.fixture(scope="module")
def servers() -> Iterator[Configuration]:
    """Private servers on free ports; the configuration that leads to them."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(private_servers("rabbitmq", "postgres", "redis"))
        except WorldUnavailable as missing:
            pytest.skip(str(missing))
        broker, engine, redis = found["rabbitmq"], found["postgres"], found["redis"]
        yield Configuration(
            rabbitmq=RabbitMQSettings(
                host=LOCAL, port=broker.port, user=broker.user, password=broker.password
            ),
            redis=RedisSettings(host=LOCAL, port=redis.port),
            postgres=PostgresSettings(host=LOCAL, port=engine.port, user="umt", database="umt"),
        )


@asynccontextmanager
async def running(
    config: Configuration, errors: list[BaseException]
) -> AsyncIterator[tuple[Application, Configuration]]:
    """The application on *config*, with every HTTP upstream on this machine."""
    upstreams = {
        name: HttpUpstream(application=build(Random(1)), capacity=Instant(), stream=Random(2))
        for name, build in APPLICATIONS.items()
    }
    for upstream in upstreams.values():
        await upstream.start(LOCAL, 0)
    whole = dataclasses.replace(
        config,
        upstreams={
            name: HttpSettings(base_url=f"http://{LOCAL}:{upstream.port}")
            for name, upstream in upstreams.items()
        },
    )
    surroundings = Surroundings(on_error=lambda _, error: errors.append(error))
    try:
        async with Application(whole, surroundings=surroundings) as application:
            yield application, whole
    finally:
        for upstream in upstreams.values():
            await upstream.stop()


def test_content_and_campaign_end_to_end(servers: Configuration) -> None:
    """Content is published and a campaign launched; the outbox is empty in the end."""
    errors: list[BaseException] = []

    async def main() -> None:
        async with running(servers, errors) as (application, config):
            client = application.client
            brand = UUID((await client.onboard_brand(ACME))["brand_id"])
            made = await client.create_content(
                CreateContent(brand_id=brand, title="Hello", channel="social")
            )
            launched = await client.launch_campaign(
                LaunchCampaign(
                    brand_id=brand, name="Spring", budget_cents=100, daily_budget_cents=10
                )
            )
            assert "campaign-000001" == launched["reference"]
            await asyncio.sleep(4)
            database = PostgresDatabase(config)
            content = await PostgresContentRepository(database).get(UUID(made["content_id"]))
            left = await database.query("SELECT event_type FROM outbox")
            await database.close()
            assert ContentStatus.PUBLISHED is content.status
            assert [] == list(left)

    asyncio.run(main())
    assert [] == errors


def test_a_delay_queue_gives_parcels_back(servers: Configuration) -> None:
    """Dead-lettering by TTL works between queues as the real broker has them."""

    async def main() -> None:
        broker = RabbitMQMessageBroker(servers)
        arrived: asyncio.Queue[Parcel] = asyncio.Queue()

        async def consume(delivery: Delivery) -> None:
            await arrived.put(delivery.parcel)
            await delivery.ack()

        spec = QueueSpec("delayed", delays_seconds=(0.2,), dead_letter_queue="umt.dead-letters")
        await broker.subscribe(spec, consume)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await broker.publish(Parcel("", spec.delay_queue(1), b"{}", message_id="m1"))
        async with asyncio.timeout(10):
            parcel = await arrived.get()
        assert "m1" == parcel.message_id
        assert loop.time() - began >= 0.19
        await broker.close()

    asyncio.run(main())
