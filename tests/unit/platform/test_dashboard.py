"""The dashboard counts content, and remembers what it counted for a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from umt_sim.kernel import Kernel
from umt_sim.platform.adapters.in_memory import InMemoryCache
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.dashboard import LIFE_SECONDS, Dashboard
from umt_sim.platform.errors import PortUnavailable

BRAND = UUID(int=1)


class Counting:
    """A database that knows one answer and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def query(self, sql: str, *values: Any) -> Sequence[dict[str, Any]]:
        self.asked += 1
        return [{"status": "draft", "pieces": 2}, {"status": "published", "pieces": self.asked}]

    async def execute(self, sql: str, *values: Any) -> int:
        raise AssertionError("reading changes nothing")


class Broken:
    """A cache that is not there."""

    async def get(self, key: str) -> bytes | None:
        raise PortUnavailable("cache", "get")

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> None:
        raise PortUnavailable("cache", "set")

    async def delete(self, key: str) -> None: ...

    async def close(self) -> None: ...


def test_counts_are_remembered_until_they_are_too_old() -> None:
    """A second reading within the time costs no query; a later one does."""

    async def main() -> list[int]:
        database = Counting()
        dashboard = Dashboard(database, InMemoryCache(SystemClock()))
        await dashboard.read(BRAND)
        remembered = await dashboard.read(BRAND)
        await asyncio.sleep(LIFE_SECONDS + 0.001)
        counted = await dashboard.read(BRAND)
        return [remembered["published"], counted["published"], database.asked]

    with Kernel(seed=1) as kernel:
        assert [1, 2, 2] == kernel.run(main())


def test_a_broken_cache_only_costs_a_query() -> None:
    """Without a cache every reading counts anew, and succeeds."""
    database = Counting()
    dashboard = Dashboard(database, Broken())
    counts = [asyncio.run(dashboard.read(BRAND)) for _ in range(2)]
    assert [{"draft": 2, "published": 1}, {"draft": 2, "published": 2}] == counts


def test_a_broken_database_is_told() -> None:
    """What is neither remembered nor countable is an error of the port."""

    class Gone(Counting):
        async def query(self, sql: str, *values: Any) -> Sequence[dict[str, Any]]:
            raise PortUnavailable("database", "query")

    with pytest.raises(PortUnavailable):
        asyncio.run(Dashboard(Gone(), Broken()).read(BRAND))
