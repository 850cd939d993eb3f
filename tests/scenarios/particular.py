"""Systems that fare differently with one server and with another of the same kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from umt_sim.systems.base import Setting
from umt_sim.workload.operations import Arrival, Operations

QUEUE = "jobs"


@asynccontextmanager
async def never_sets_aside(setting: Setting) -> AsyncIterator[Operations]:
    """Gives every message of a quorum queue back, ten times a second."""
    async with await aio_pika.connect_robust(setting.endpoints["broker"].url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1)
        queue = await channel.declare_queue(
            QUEUE, durable=True, arguments={"x-queue-type": "quorum"}
        )

        async def give_back(job: AbstractIncomingMessage) -> None:
            await asyncio.sleep(0.1)
            await job.reject(requeue=True)

        await queue.consume(give_back)

        async def work(arrival: Arrival) -> None:
            job = aio_pika.Message(b"", message_id=f"job-{arrival.number}")
            await channel.default_exchange.publish(job, routing_key=QUEUE)

        yield Operations({"work": work})


@asynccontextmanager
async def trusts_its_cache(setting: Setting) -> AsyncIterator[Operations]:
    """Keeps what only it knows in Redis, and cannot work without."""
    at = setting.endpoints["cache"]
    async with Redis(host=at.host, port=at.port, retry=Retry(NoBackoff(), 0)) as cache:
        await cache.set("session", "Ada")

        async def work(arrival: Arrival) -> None:
            if await cache.get("session") is None:
                raise LookupError("nobody is logged in any more")

        yield Operations({"work": work})
