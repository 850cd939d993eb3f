"""The same servers on asyncio's own loop: they serve, restart in their place, and leave nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import aio_pika
import asyncpg
import httpx
import pytest
from redis.asyncio import Redis as Client

from umt_sim.distributions import Constant
from umt_sim.servers.capacity import Capacity, Instant
from umt_sim.servers.http import APPLICATIONS, HttpUpstream
from umt_sim.servers.pacing import Paced
from umt_sim.servers.postgres import Engine, PostgreSQL, recipe
from umt_sim.servers.rabbitmq import RabbitMQ
from umt_sim.servers.redis import Redis

HOST = "127.0.0.1"
SLOW = 0.05  # seconds that each operation takes where it is paced

Build = Callable[[Capacity], Any]
Use = Callable[[int], Awaitable[None]]


async def publish(port: int) -> None:
    """A message there and back."""
    async with await aio_pika.connect(f"amqp://guest:guest@{HOST}:{port}/") as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("q", exclusive=True)
        await channel.default_exchange.publish(aio_pika.Message(b"x"), "q")
        await (await queue.get()).ack()


async def get(port: int) -> None:
    """A value there and back."""
    async with Client(host=HOST, port=port) as client:
        await client.set("key", "value")
        assert b"value" == await client.get("key")


async def complete(port: int) -> None:
    """A request to the language model."""
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        answer = await client.post("/v1/completions", json={"prompt": "p", "max_tokens": 3})
        assert 200 == answer.status_code


async def query(port: int) -> None:
    """A question to the database."""
    connection = await asyncpg.connect(host=HOST, port=port, user="umt", database="umt", ssl=False)
    assert 2 == await connection.fetchval("SELECT 1 + $1::int", 1)
    await connection.close()


def rabbitmq(capacity: Capacity) -> RabbitMQ:
    return RabbitMQ(stream=Random(1), wall_clock=lambda: datetime.now(UTC), capacity=capacity)


def redis(capacity: Capacity) -> Redis:
    return Redis(capacity=capacity, clock=time.time, stream=Random(1))


def http(capacity: Capacity) -> HttpUpstream:
    return HttpUpstream(
        application=APPLICATIONS["llm"](Random(1)), capacity=capacity, stream=Random(1)
    )


SERVERS: dict[str, tuple[Build, Use]] = {
    "rabbitmq": (rabbitmq, publish),
    "redis": (redis, get),
    "http": (http, complete),
}


async def life(build: Build, use: Use, capacity: Capacity) -> None:
    """Start, serve, restart in the same place, serve, stop; and nothing is left."""
    server = build(capacity)
    await server.start(HOST, 0)
    port = server.port
    await use(port)
    await server.restart(down_for=0.05)
    assert port == server.port
    await use(port)
    await server.stop()
    with pytest.raises(OSError):
        await asyncio.open_connection(HOST, port)
    await asyncio.sleep(0.05)
    assert {asyncio.current_task()} == asyncio.all_tasks()


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_lives_on_a_real_loop(name: str) -> None:
    """Without a capacity model the machine itself is the capacity."""
    build, use = SERVERS[name]
    asyncio.run(life(build, use, Instant()))


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_can_be_slow_on_a_real_loop(name: str) -> None:
    """``Paced`` takes the place of ``Station``: operations take their time."""
    build, use = SERVERS[name]
    capacity = Paced(name=name, workers=1, default=Constant(SLOW), stream=Random(1))
    began = time.monotonic()
    asyncio.run(life(build, use, capacity))
    assert time.monotonic() - began >= 2 * SLOW


def test_the_front_end_of_postgresql_lives_on_a_real_loop() -> None:
    """With its engine behind it, and the machine's time for all that is virtual otherwise."""
    with Engine(recipe()) as engine:

        def build(capacity: Capacity) -> PostgreSQL:
            return PostgreSQL(
                engine=engine, unix_time=time.time, stream=Random(1), capacity=capacity
            )

        asyncio.run(life(build, query, Instant()))
