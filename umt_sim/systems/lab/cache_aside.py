"""
A reader with a Redis cache before its PostgreSQL database, on plain redis-py and asyncpg.

``read`` asks for the one product everybody wants: from the cache, else from the database,
leaving a copy in the cache. Settings under ``policies.cache.settings``:

- ``seconds``: how long a copy lives; 10 if left out.
- ``together``: whether readers who miss at the same time share one query; if not, which is
  the default, each makes its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from umt_sim.systems.base import Setting
from umt_sim.systems.lab.guards import option
from umt_sim.workload.operations import Arrival, Operations

__all__ = ["start"]

CACHE, DATABASE = "cache", "database"
KEY = "product:1"
SCHEMA = "create table products (id integer primary key, name text not null)"
PRODUCT = "insert into products values (1, 'umbrella')"
QUERY = "select name from products where id = 1"
ANSWER_SECONDS = 10.0

Load = Callable[[], Awaitable[str]]


@asynccontextmanager
async def start(setting: Setting) -> AsyncIterator[Operations]:
    """Fill the database and connect; leaving disconnects."""
    cache = Redis.from_url(
        setting.endpoints[CACHE].url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=ANSWER_SECONDS,
        decode_responses=True,
    )
    async with (
        cache,
        asyncpg.create_pool(
            setting.endpoints[DATABASE].url, min_size=4, max_size=32, command_timeout=ANSWER_SECONDS
        ) as pool,
    ):
        await pool.execute(SCHEMA)
        await pool.execute(PRODUCT)

        async def load() -> str:
            return str(await pool.fetchval(QUERY))

        seconds = option(setting, CACHE, "seconds", 10)
        together = option(setting, CACHE, "together", default=False)
        reader = _Reader(cache, _Together(load) if together else load, seconds)
        yield Operations({"read": reader.read})


class _Reader:
    """Reads through the cache."""

    def __init__(self, cache: Redis, load: Load, seconds: float) -> None:
        self._cache = cache
        self._load = load
        self._milliseconds = round(seconds * 1000)

    async def read(self, arrival: Arrival) -> None:  # noqa: ARG002 - one is like another
        if await self._cache.get(KEY) is None:
            await self._cache.set(KEY, await self._load(), px=self._milliseconds)


class _Together:
    """Whoever asks while an answer is under way gets that answer."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._under_way: asyncio.Task[str] | None = None

    async def __call__(self) -> str:
        if self._under_way is None:
            self._under_way = asyncio.ensure_future(self._load())
            self._under_way.add_done_callback(self._forget)
        return await asyncio.shield(self._under_way)

    def _forget(self, done: asyncio.Future[str]) -> None:
        self._under_way = None
        if not done.cancelled():
            done.exception()  # every caller gets it; there may be none left
