"""A host without power takes its server along: Redis and HTTP upstreams, busy and idle."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import redis.exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from umt_sim.faults.actions import Action, Crash, Kill
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import StationTotals
from umt_sim.scenario.services import services
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.sim.world import SimWorld

HOST = "it-server"
FAULTS = [Crash(host=HOST), Kill(host=HOST)]


def played(
    description: dict[str, Any], use: Callable[[SimWorld, Endpoint], Awaitable[None]]
) -> StationTotals:
    """Use one service; its station's account."""
    with SimWorld(services({"it": description}), seed=1) as world:
        recorder = Recorder(world._kernel.loop.time)

        async def main() -> None:
            endpoints = await world.set_up(recorder)
            await use(world, endpoints["it"])
            await world.tear_down()

        world.run(main())
    (totals,) = recorder.so_far(StationTotals)
    return totals


def patient(endpoint: Endpoint) -> Redis:
    """A client that waits 2 s and never retries."""
    return Redis(
        host=endpoint.host,
        port=endpoint.port,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=2,
        socket_connect_timeout=2,
    )


@pytest.mark.parametrize("fault", FAULTS, ids=["crash", "kill"])
def test_redis_comes_back_with_what_it_answered(fault: Action) -> None:
    """A command in service and one that waits fail without effect; what was said to be done is."""

    async def use(world: SimWorld, endpoint: Endpoint) -> None:
        async with patient(endpoint) as one, patient(endpoint) as two:
            await one.set("key", "value")
            commands = [asyncio.create_task(client.append("n", "x")) for client in (one, two)]
            await asyncio.sleep(0.5)
            await world.begin("gone", fault)
            for outcome in await asyncio.gather(*commands, return_exceptions=True):
                assert isinstance(outcome, redis.exceptions.RedisError | OSError)
            await world.end("gone")
            assert (b"value", None) == (await one.get("key"), await two.get("n"))

    totals = played({"kind": "redis", "persistence": "always", "commands": {"append": "1s"}}, use)
    assert (0, 0) == (totals.waiting, totals.busy)
    assert totals.arrivals == totals.completed + totals.withdrawn + totals.refused


@pytest.mark.parametrize("fault", FAULTS, ids=["crash", "kill"])
def test_upstreams_drop_what_they_were_doing(fault: Action) -> None:
    """A request in service has no effect; what took effect before is remembered."""

    async def use(world: SimWorld, endpoint: Endpoint) -> None:
        url = f"http://{endpoint.host}:{endpoint.port}/posts"
        async with httpx.AsyncClient(timeout=3) as client:
            first = await client.post(url, json={"text": "one", "account": "a"})
            asked = asyncio.create_task(client.post(url, json={"text": "two", "account": "a"}))
            await asyncio.sleep(0.5)
            await world.begin("gone", fault)
            with pytest.raises(httpx.TransportError):
                await asked
            await world.end("gone")
            again = await client.get(f"{url}/{first.json()['id']}")
            assert (200, "one") == (again.status_code, again.json()["text"])
            third = await client.post(url, json={"text": "three", "account": "a"})
            assert "post-000002" == third.json()["id"]

    totals = played({"kind": "http", "app": "social", "request": "1s", "concurrency": 1}, use)
    assert (0, 0) == (totals.waiting, totals.busy)
    assert totals.arrivals == totals.completed + totals.withdrawn + totals.refused
