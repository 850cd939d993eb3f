"""Faults of whole servers: restarted, killed and frozen behind their proxies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from umt_sim.bootstrap import Supply, open_world
from umt_sim.errors import UnsupportedFault
from umt_sim.faults.actions import Action, Crash, Down, Kill, Pause, ServerRestart
from umt_sim.journal.recorder import Recorder
from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.base import Endpoint, Touched, World

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("real_servers", "state")]

Story = Callable[[World, Endpoint], Awaitable[None]]


def _told(kind: Any, story: Story, **settings: Any) -> None:
    """Tell *story* with one service of a live world, with *settings* as a scenario has them."""

    async def main() -> None:
        endpoints = await world.set_up(Recorder(asyncio.get_running_loop().time))
        try:
            await story(world, endpoints[kind])
        finally:
            await world.tear_down()

    with open_world(
        (ServiceSpec(kind, kind, **settings),), seed=1, world="live", supply=Supply("system")
    ) as world:
        world.run(main())


def _client(endpoint: Endpoint) -> Any:
    return Redis(
        host=endpoint.host,
        port=endpoint.port,
        socket_timeout=0.3,
        socket_connect_timeout=0.3,
        retry=Retry(NoBackoff(), 0),
    )


async def _during(world: World, action: Action, story: Awaitable[None]) -> Touched:
    await world.begin("fault", action)
    try:
        await story
    finally:
        touched = await world.end("fault")
    return touched


@pytest.mark.parametrize(
    "action",
    [
        Down(target="redis"),
        ServerRestart(service="redis"),
        Kill(host="redis-server"),
        Pause(host="redis-server"),
    ],
    ids=lambda action: action.kind,
)
def test_a_server_is_away_while_its_fault_lasts(action: Action) -> None:
    """Nobody answers during the fault; afterwards it answers on the same address."""

    async def story(world: World, endpoint: Endpoint) -> None:
        client = _client(endpoint)
        assert await client.ping()

        async def refused() -> None:
            with pytest.raises(RedisError):
                await client.ping()

        touched = await _during(world, action, refused())
        assert 1 <= touched.connections
        with suppress(RedisError):
            await client.ping()  # the connection of before may be found broken only now
        assert await client.ping()
        await client.aclose()

    _told("redis", story)


def test_committed_rows_survive_a_killed_postgres() -> None:
    """It recovers what was committed before the fault is over."""

    async def story(world: World, endpoint: Endpoint) -> None:
        connection = await asyncpg.connect(endpoint.url)
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

        async def broken() -> None:
            with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
                await connection.fetchval("SELECT 1")

        await _during(world, Kill(host="postgres-server"), broken())
        again = await asyncpg.connect(endpoint.url)
        assert 7 == await again.fetchval("SELECT number FROM kept")
        await again.close()

    _told("postgres", story)


@pytest.mark.parametrize(
    ("settings", "restarted", "killed"),
    [
        ({"persistence": "none"}, None, None),
        ({"persistence": "snapshot", "snapshot_every": 60.0}, b"1", b"1"),
        ({"persistence": "always"}, b"1", b"2"),
    ],
    ids=["none", "snapshot", "always"],
)
def test_redis_has_left_what_it_keeps(
    settings: dict[str, Any], restarted: bytes | None, killed: bytes | None
) -> None:
    """As in the sim world: a server stopped in good order takes one more snapshot."""

    async def story(world: World, endpoint: Endpoint) -> None:
        async def value(action: Action, written: int) -> Any:
            async with _client(endpoint) as client:
                await client.set("key", written)
            await _during(world, action, asyncio.sleep(0))
            async with _client(endpoint) as client:
                return await client.get("key")

        assert restarted == await value(ServerRestart(service="redis"), 1)
        assert killed == await value(Kill(host="redis-server"), 2)

    _told("redis", story, **settings)


def test_a_power_cut_is_refused_by_name() -> None:
    """A machine of ours cannot lose its power; what can be done is said."""

    async def story(world: World, endpoint: Endpoint) -> None:
        with pytest.raises(UnsupportedFault, match=r"crash of redis-server.*it can do every toxic"):
            await world.begin("cut", Crash(host="redis-server"))

    _told("redis", story)
