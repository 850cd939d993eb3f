"""
How often each operation of a driver crosses the network and back, in both worlds.

A latency toxic on both directions adds itself once for each round trip, so
n = added time / (upstream latency + downstream latency). It is the same number against
the real servers behind Toxiproxy and against ours in virtual time, because the drivers
are the same; this is what makes latencies of the two worlds comparable.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any

import aio_pika
import asyncpg
import pytest
from redis.asyncio import Redis

from umt_sim.bootstrap import Supply, open_world
from umt_sim.faults.actions import AddToxic, Stream
from umt_sim.faults.toxics import Latency
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.scenario.plan import WorldName
from umt_sim.servers.postgres import Engine, PostgreSQL, recipe
from umt_sim.servers.specs import Kind, ServiceSpec
from umt_sim.worlds.base import Endpoint, World

ONE_WAY = 0.04  # seconds
KINDS: tuple[Kind, ...] = ("rabbitmq", "postgres", "redis")

EXPECTED = {
    "aio-pika: connect": 3,
    "aio-pika: channel with confirms": 2,
    "aio-pika: confirmed publish": 1,
    "aio-pika: unconfirmed publish": 0,
    "aio-pika: ack": 0,
    "asyncpg: connect, trust": 2,
    "asyncpg: first query": 2,
    "asyncpg: cached query": 1,
    "asyncpg: transaction with one cached statement": 3,
    "redis-py: first command": 4,
    "redis-py: first command, protocol 2": 2,
    "redis-py: warm command": 1,
}

PASSWORDS = (("md5", "md5"), ("scram", "scram-sha-256"))
"""Users, and how each proves that it knows its password."""


def test_round_trips_in_virtual_time() -> None:
    """Every operation crosses as often as the table says."""
    assert EXPECTED == _measured("sim")


@pytest.mark.live
@pytest.mark.usefixtures("real_servers", "state")
def test_round_trips_to_real_servers() -> None:
    """The same numbers, so the two worlds agree."""
    assert EXPECTED == _measured("live")


@pytest.mark.live
@pytest.mark.usefixtures("real_servers", "state")
def test_round_trips_of_passwords_to_a_real_server() -> None:
    """MD5 takes one more than no password, SCRAM two."""
    found: dict[str, int] = {}

    async def main() -> None:
        endpoints = await world.set_up(Recorder(asyncio.get_running_loop().time))
        try:
            endpoint = endpoints["postgres"]
            await _ask_for_passwords(endpoint)
            meter = _Meter(world, "postgres", found)
            for user in ("md5", "scram"):
                url = dataclasses.replace(endpoint, user=user, password="secret").url
                _, base = await _timed(lambda url=url: _connected(url))
                await meter(user, lambda url=url: _connected(url), base)
        finally:
            await world.tear_down()

    services = (ServiceSpec("postgres", "postgres"),)
    with open_world(services, seed=1, world="live", supply=Supply("system")) as world:
        world.run(main())
    assert {"md5": 3, "scram": 4} == found


async def _ask_for_passwords(endpoint: Endpoint) -> None:
    """Two users that log in with a password, each in its way."""
    rules = [f"host all {user} 127.0.0.1/32 {how}" for user, how in PASSWORDS]
    connection = await asyncpg.connect(endpoint.url)
    for user, how in PASSWORDS:
        await connection.execute(f"SET password_encryption = '{how}'")
        await connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'secret'")
    rows = ", ".join(f"('{rule}')" for rule in [*rules, "host all all 127.0.0.1/32 trust"])
    place = await connection.fetchval("SHOW hba_file")
    await connection.execute(f"COPY (VALUES {rows}) TO '{place}'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
    await asyncio.sleep(0.5)  # the server reads its rules a moment later


async def _connected(url: str) -> None:
    connection = await asyncpg.connect(url)
    connection.terminate()


def test_round_trips_of_a_password_in_virtual_time() -> None:
    """Our server asks by SCRAM, the only way that PostgreSQL still recommends."""
    with Engine(recipe()) as engine, Kernel(seed=1) as kernel:
        network = Network(kernel)
        server = PostgreSQL(
            engine=engine, unix_time=lambda: 0.0, stream=Random(1), password="secret"
        )

        async def main() -> float:
            await network.host("behind").run(server.start("behind", 5432))
            network.proxy("postgres", listen=("postgres", 5432), upstream=("behind", 5432))
            network.begin("slow", _slow("postgres"))
            _, seconds = await _timed(
                lambda: _connected("postgresql://umt:secret@postgres:5432/umt")
            )
            network.end("slow")
            await server.stop()
            return seconds

        assert 4 == round(kernel.run(main()) / (2 * ONE_WAY), 9)


def _slow(service: str) -> AddToxic:
    toxic = Latency(latency_ms=ONE_WAY * 1000)
    return AddToxic(target=service, toxic=toxic, stream=Stream.BOTH)


def _measured(name: WorldName) -> dict[str, int]:
    services = tuple(ServiceSpec(kind, kind) for kind in KINDS)
    found: dict[str, int] = {}

    async def main() -> None:
        endpoints = await world.set_up(Recorder(asyncio.get_running_loop().time))
        try:
            await _rabbitmq(endpoints["rabbitmq"], _Meter(world, "rabbitmq", found))
            await _postgres(endpoints["postgres"], _Meter(world, "postgres", found))
            await _redis(endpoints["redis"], _Meter(world, "redis", found))
        finally:
            await world.tear_down()

    with open_world(services, seed=1, world=name, supply=Supply("system")) as world:
        world.run(main())
    return found


class _Meter:
    """Counts round trips through one service's proxy."""

    def __init__(self, world: World, service: str, found: dict[str, int]) -> None:
        self._world = world
        self._service = service
        self._found = found

    async def __call__(
        self, name: str, operation: Callable[[], Awaitable[Any]], base: float = 0.0
    ) -> Any:
        """Do *operation* while the toxic is there; *base* is what it takes otherwise."""
        async with self._slow():
            answer, seconds = await _timed(operation)
        self._found[name] = round((seconds - base) / (2 * ONE_WAY))
        return answer

    @asynccontextmanager
    async def _slow(self) -> AsyncIterator[None]:
        await self._world.begin("slow", _slow(self._service))
        try:
            yield
        finally:
            await self._world.end("slow")


async def _timed(operation: Callable[[], Awaitable[Any]]) -> tuple[Any, float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await operation()
    return answer, loop.time() - began


async def _rabbitmq(endpoint: Endpoint, meter: _Meter) -> None:
    async with AsyncExitStack() as stack:
        _, base = await _timed(lambda: _opened(stack, endpoint.url))
        connection = await meter("aio-pika: connect", lambda: _opened(stack, endpoint.url), base)
        channel = await meter("aio-pika: channel with confirms", connection.channel)
        queue = await channel.declare_queue("round-trips", exclusive=True)
        plain = await connection.channel(publisher_confirms=False)
        message = aio_pika.Message(b"")

        async def publish(through: Any) -> None:
            await through.default_exchange.publish(message, routing_key=queue.name)

        await publish(channel)
        await meter("aio-pika: confirmed publish", lambda: publish(channel))
        await meter("aio-pika: unconfirmed publish", lambda: publish(plain))
        received = await queue.get(timeout=5)
        await meter("aio-pika: ack", received.ack)


async def _opened(stack: AsyncExitStack, url: str) -> Any:
    connection = await aio_pika.connect(url)
    stack.push_async_callback(connection.close)
    return connection


async def _postgres(endpoint: Endpoint, meter: _Meter) -> None:
    async def connected() -> Any:
        connection = await asyncpg.connect(endpoint.url)
        connections.append(connection)
        return connection

    async def transaction() -> None:
        async with connection.transaction():
            await connection.fetchval("SELECT 1")

    connections: list[Any] = []
    _, base = await _timed(connected)
    connection = await meter("asyncpg: connect, trust", connected, base)
    await meter("asyncpg: first query", lambda: connection.fetchval("SELECT 1"))
    await meter("asyncpg: cached query", lambda: connection.fetchval("SELECT 1"))
    await meter("asyncpg: transaction with one cached statement", transaction)
    for connection in connections:
        await connection.close()


async def _redis(endpoint: Endpoint, meter: _Meter) -> None:
    def client(**settings: Any) -> Redis:
        return Redis(host=endpoint.host, port=endpoint.port, **settings)

    modern, old = client(), client(protocol=2)
    await meter("redis-py: first command", modern.ping)
    await meter("redis-py: warm command", modern.ping)
    await meter("redis-py: first command, protocol 2", old.ping)
    await modern.aclose()
    await old.aclose()
