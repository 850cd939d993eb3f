"""
Ports behind a resilience policy: a port in, the same port out.

Whoever uses a guarded port meets, besides its own errors, what the guards raise:
``CallNotPermitted`` and ``CallTimedOut``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from umt_sim.platform.ports.cache import Cache
from umt_sim.platform.ports.circuit_breaker import CircuitBreaker
from umt_sim.platform.ports.database import Database, Row, Session
from umt_sim.platform.ports.http_gateway import HttpGateway, HttpResponse

__all__ = ["GuardedCache", "GuardedDatabase", "GuardedHttpGateway"]


class GuardedHttpGateway:
    """An HTTP gateway whose requests go through *guard*."""

    def __init__(self, gateway: HttpGateway, guard: CircuitBreaker) -> None:
        self._gateway = gateway
        self._guard = guard

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Send *json* to *path*, as often as the guard sees fit."""
        response: HttpResponse = await self._guard.call(
            self._gateway.request, method, path, json=json, headers=headers
        )
        return response

    async def close(self) -> None:
        """Give up the connections."""
        await self._gateway.close()


class GuardedCache:
    """A cache whose commands go through *guard*."""

    def __init__(self, cache: Cache, guard: CircuitBreaker) -> None:
        self._cache = cache
        self._guard = guard

    async def get(self, key: str) -> bytes | None:
        """The value stored under *key*; ``None`` when there is none or it expired."""
        value: bytes | None = await self._guard.call(self._cache.get, key)
        return value

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> None:
        """Store *value* under *key*; it is gone after *ttl_seconds*."""
        await self._guard.call(self._cache.set, key, value, ttl_seconds=ttl_seconds)

    async def delete(self, key: str) -> None:
        """Forget *key*, whether it was there or not."""
        await self._guard.call(self._cache.delete, key)

    async def close(self) -> None:
        """Give up the connections."""
        await self._cache.close()


class GuardedDatabase:
    """
    A database whose statements go through *guard*.

    A transaction does not: its statements are the caller's, who alone knows how to
    begin again. What agents store is a single statement, and guarded.
    """

    def __init__(self, database: Database, guard: CircuitBreaker) -> None:
        self._database = database
        self._guard = guard

    async def query(self, sql: str, *values: Any) -> Sequence[Row]:
        """The rows *sql* returns."""
        rows: Sequence[Row] = await self._guard.call(self._database.query, sql, *values)
        return rows

    async def execute(self, sql: str, *values: Any) -> int:
        """Run *sql* and say how many rows it touched."""
        touched: int = await self._guard.call(self._database.execute, sql, *values)
        return touched

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A session whose statements are kept together; unguarded."""
        async with self._database.transaction() as session:
            yield session

    async def close(self) -> None:
        """Give up the connections."""
        await self._database.close()
