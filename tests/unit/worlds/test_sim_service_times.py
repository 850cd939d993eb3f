"""How fast a service of a scenario is: by operation, with a queue, cold after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import redis.exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from umt_sim.faults.actions import ServerRestart
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import StationTotals
from umt_sim.scenario.services import services
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.sim.world import SimWorld


def lasted(
    description: dict[str, Any], use: Callable[[SimWorld, Endpoint, Recorder], Awaitable[None]]
) -> StationTotals:
    """Use one service in virtual time; its station's account."""
    with SimWorld(services({"it": description}), seed=1) as world:
        recorder = Recorder(world._kernel.loop.time)

        async def main() -> None:
            endpoints = await world.set_up(recorder)
            await use(world, endpoints["it"], recorder)
            await world.tear_down()

        world.run(main())
    (totals,) = recorder.so_far(StationTotals)
    return totals


def client(endpoint: Endpoint) -> Redis:
    """A client that never retries."""
    return Redis(host=endpoint.host, port=endpoint.port, protocol=2, retry=Retry(NoBackoff(), 0))


def test_redis_commands_have_times_of_their_own() -> None:
    """``command`` is for those that are not named."""

    async def use(world: SimWorld, endpoint: Endpoint, recorder: Recorder) -> None:
        async with client(endpoint) as redis:
            await redis.ping()
            for command, seconds in ((redis.get("key"), 0.05), (redis.set("key", "v"), 2.0)):
                began = recorder.now()
                await command
                assert seconds == pytest.approx(recorder.now() - began)

    lasted({"kind": "redis", "command": "2s", "commands": {"get": "50ms"}}, use)


def test_postgres_statements_have_times_of_their_own() -> None:
    """``query`` is for those that are not named."""

    async def use(world: SimWorld, endpoint: Endpoint, recorder: Recorder) -> None:
        connection = await asyncpg.connect(endpoint.url)
        for statement, seconds in (("BEGIN", 0.5), ("SELECT 1", 1.0), ("COMMIT", 3.0)):
            began = recorder.now()
            await connection.execute(statement)
            assert seconds == pytest.approx(recorder.now() - began)
        await connection.close()

    lasted({"kind": "postgres", "query": "1s", "begin": "500ms", "commit": "3s"}, use)


def test_a_restarted_server_is_cold() -> None:
    """Four times as slow at first, as stated later; and the books balance."""

    async def use(world: SimWorld, endpoint: Endpoint, recorder: Recorder) -> None:
        async def get() -> float:
            began = recorder.now()
            async with client(endpoint) as redis:
                await redis.ping()
            return recorder.now() - began

        warm = await get()
        await world.begin("restart", ServerRestart(service="it"))
        await world.end("restart")
        assert warm * 2 < await get()
        await world._kernel.env.timeout(60)
        assert warm == pytest.approx(await get())

    description = {"kind": "redis", "command": "10ms", "warm_up": {"factor": 4, "for": "30s"}}
    totals = lasted(description, use)
    assert totals.arrivals == totals.completed
    assert totals.busy_seconds == pytest.approx(totals.served_seconds, rel=1e-9)


def test_a_full_queue_refuses() -> None:
    """One is served, one waits; the third connection is cut, as the documentation says."""

    async def use(world: SimWorld, endpoint: Endpoint, recorder: Recorder) -> None:
        async with client(endpoint) as one, client(endpoint) as two, client(endpoint) as three:
            for each in (one, two, three):
                await each.ping()
            asked = [asyncio.create_task(each.get("key")) for each in (one, two, three)]
            done = await asyncio.gather(*asked, return_exceptions=True)
        (refusal,) = (answer for answer in done if answer is not None)
        assert isinstance(refusal, redis.exceptions.ConnectionError)

    description = {"kind": "redis", "commands": {"GET": "1s"}, "workers": 1, "queue_limit": 1}
    assert 1 == lasted(description, use).refused
