"""
Redis as a cache: what expires after a time, and what makes room for others.

A key asked for at random, lam times a second, is found with probability lam T / (1 + lam T)
where it lives for T seconds, and 1 - exp(-lam T) where each request renews its life. Which
share of requests finds its key among the C most recently used of n is Che's approximation,
here for popularities that fall as 1 / rank^0.8.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from itertools import accumulate
from typing import Any

import pytest
from redis.asyncio import Redis as Client

from tests.ground_truth.cases import Draws, cases_of, virtually
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Instant
from umt_sim.servers.redis import Redis

HOST, PORT = "redis", 6379
FEW, MANY = 4_000, 100_000

# The case of the least recently used: keys, and places for them.
KEYS, PLACES = 10_000, 1_000
SKEW = 0.8
PLACE = 68  # bytes by the server's account: 62, a key of five, a value of one

Use = Callable[[Client], Coroutine[Any, Any, int]]


def hits(draws: Draws, use: Use, **config: str) -> int:
    """What *use* counted on a new server."""

    async def play(kernel: Kernel, network: Network) -> int:
        server = Redis(
            capacity=Instant(), clock=time.time, stream=draws.stream("server"), config=config
        )
        await network.host(HOST).run(server.start(HOST, PORT))
        async with Client(host=HOST, port=PORT, protocol=2) as client:
            found = await use(client)
        await server.stop()
        return found

    return virtually(play)


async def cached(
    client: Client, key: str, life: int | None = None, *, renewed: bool = False
) -> bool:
    """Whether *key* was there; if not, it is now."""
    value = await (client.getex(key, ex=life) if renewed else client.get(key))
    if value is None:
        await client.set(key, "v", ex=life)
    return value is not None


@pytest.mark.parametrize("metric", ["hit_fixed", "hit_sliding"])
def test_a_key_is_found_while_it_lives(metric: str, campaign: bool) -> None:
    """With a life from when it was written, and with one from when it was last read."""
    case, requests = cases_of("Q29")[metric], MANY if campaign else FEW
    draws, life = Draws("Q29", 0), int(case.params["T"])
    gap = draws.exponential("arrivals", case.params["lam"])

    async def use(client: Client) -> int:
        found = 0
        for _ in range(requests):
            await asyncio.sleep(gap())
            found += await cached(client, "key", life, renewed=metric == "hit_sliding")
        return found

    case.check(hits(draws, use) / requests, requests)


def test_the_least_recently_used_make_room(campaign: bool) -> None:
    """Counted from when the cache is full: from then on it holds what it always will."""
    case, requests = cases_of("Q31")["hit_che"], MANY if campaign else FEW
    draws = Draws("Q31", 0)
    popularity = list(accumulate(rank**-SKEW for rank in range(1, KEYS + 1)))
    keys = [f"{number:05}" for number in range(KEYS)]

    async def use(client: Client) -> int:
        stream = draws.stream("keys")
        room, left, found = PLACES, requests, 0
        while left:
            await asyncio.sleep(0.01)
            [key] = stream.choices(keys, cum_weights=popularity)
            there = await cached(client, key)
            if room:
                room -= not there
                continue
            left -= 1
            found += there
        assert PLACES <= await client.dbsize() <= PLACES + 1  # one that the next command evicts
        return found

    memory = {"maxmemory": str(PLACES * PLACE), "maxmemory-policy": "allkeys-lru"}
    case.check(hits(draws, use, **memory) / requests, requests)
