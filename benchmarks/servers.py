"""CPU time of one operation through the simulated servers: client, loop, network and server."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from random import Random

import httpx
from redis.asyncio import Redis as RedisClient

from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Capacity, Instant, Station
from umt_sim.servers.http import APPLICATIONS, HttpUpstream
from umt_sim.servers.redis import Redis

BATCHES = 20
HOST = "127.0.0.1"


async def best(operation: Callable[[], Awaitable[object]], calls: int) -> float:
    """CPU microseconds of one call, in the quickest of the batches."""
    batches = []
    for _ in range(BATCHES):
        began = time.process_time()
        for _ in range(calls):
            await operation()
        batches.append((time.process_time() - began) / calls * 1e6)
    return min(batches)


def station(kernel: Kernel, seconds: float) -> Station:
    return Station(
        kernel.env,
        name="server",
        workers=1,
        default=Constant(seconds),
        stream=Random(1),
        recorder=Recorder(kernel.loop.time),
    )


async def redis(title: str, capacity: Capacity) -> None:
    server = Redis(capacity=capacity, clock=time.time, stream=Random(1))
    await server.start(HOST, 6379)
    client = RedisClient(host=HOST, port=server.port, protocol=2)
    await client.set("key", "value")
    for name, operation in (
        ("GET", lambda: client.get("key")),
        ("SET", lambda: client.set("key", "value")),
    ):
        print(f"redis {name}, {title}: {await best(operation, 500):.0f} µs")
    await client.aclose()
    await server.stop()


async def http(title: str, capacity: Capacity) -> None:
    server = HttpUpstream(
        application=APPLICATIONS["llm"](Random(1)), capacity=capacity, stream=Random(1)
    )
    await server.start(HOST, 80)
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client:
        body = {"prompt": "Announce waterproof jackets", "max_tokens": 40}
        cost = await best(lambda: client.post("/v1/completions", json=body), 100)
    print(f"http completion, {title}: {cost:.0f} µs")
    await server.stop()


async def serving(capacity: Capacity) -> None:
    cost = await best(lambda: capacity.serve("operation"), 2000)
    print(f"station, free worker: {cost:.1f} µs")


def main() -> None:
    with Kernel(seed=1) as kernel:
        Network(kernel)
        kernel.run(serving(station(kernel, 0.001)))
        for title, capacity in (("instant", Instant()), ("station", station(kernel, 0.0002))):
            kernel.run(redis(title, capacity))
        for title, capacity in (("instant", Instant()), ("station", station(kernel, 0.0002))):
            kernel.run(http(title, capacity))


if __name__ == "__main__":
    main()
