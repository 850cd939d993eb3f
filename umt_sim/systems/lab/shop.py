"""
A shop whose orders and lookups share one pool of database connections, on plain asyncpg.

``look_up`` is one short query. ``order`` writes a row and asks the payment service. Whether
it holds its connection while it waits for the answer is ``policies.shop.settings.hold``
(true if left out); ``policies.shop.settings.connections`` is the size of the pool (8).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from umt_sim.systems.base import Setting
from umt_sim.systems.lab.gateway import StreamGateway
from umt_sim.systems.lab.guards import option
from umt_sim.workload.operations import Arrival, Operations

__all__ = ["start"]

DATABASE, PAYMENTS, SHOP = "database", "payments", "shop"
SCHEMA = "create table orders (id integer primary key)"
STORE = "insert into orders values ($1)"
COUNT = "select count(*) from orders where id < $1"
PATIENCE = 1.0


@asynccontextmanager
async def start(setting: Setting) -> AsyncIterator[Operations]:
    """Create the table and fill the pool; leaving closes it."""
    payments = StreamGateway(setting.endpoints[PAYMENTS])
    connections = option(setting, SHOP, "connections", 8)
    async with asyncpg.create_pool(
        setting.endpoints[DATABASE].url, min_size=connections, max_size=connections
    ) as pool:
        await pool.execute(SCHEMA)
        shop = _Shop(pool, payments, hold=option(setting, SHOP, "hold", default=True))
        yield Operations({"look_up": shop.look_up, "order": shop.order})
    await payments.close()


class _Shop:
    """Takes orders and answers questions."""

    def __init__(self, pool: asyncpg.Pool, payments: StreamGateway, *, hold: bool) -> None:
        self._pool = pool
        self._payments = payments
        self._hold = hold

    async def look_up(self, arrival: Arrival) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._pool.fetchval(COUNT, arrival.number)

    async def order(self, arrival: Arrival) -> None:
        if self._hold:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(STORE, arrival.number)
                await self._pay(arrival)
        else:
            await self._pay(arrival)
            await self._pool.execute(STORE, arrival.number)

    async def _pay(self, arrival: Arrival) -> None:
        await self._payments.request("GET", f"/{arrival.number}")
