"""
Somebody's service: orders go into PostgreSQL and over RabbitMQ to a shipping worker.

Nothing in it knows of umt_sim except ``orders``, the factory at the end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import asyncpg
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel

from umt_sim.systems.base import Setting
from umt_sim.workload.operations import Arrival, Operations

SCHEMA = """
    create table if not exists orders (
        id integer primary key,
        status text not null check (status in ('placed', 'shipped'))
    )
"""


class OrderService:
    """Takes orders; a worker of its own ships them."""

    def __init__(self, pool: asyncpg.Pool, channel: AbstractRobustChannel) -> None:
        self._pool = pool
        self._channel = channel

    async def place(self, order: int) -> None:
        """Store an order and tell the worker, within two seconds."""
        async with asyncio.timeout(2.0):
            await self._pool.execute("insert into orders values ($1, 'placed')", order)
            message = aio_pika.Message(
                json.dumps({"order": order}).encode(),
                message_id=f"order-{order}",
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await self._channel.default_exchange.publish(message, routing_key="shipping")

    async def ship(self, message: AbstractIncomingMessage) -> None:
        """Mark an order as shipped; on an error the message goes back to its queue, later."""
        order = json.loads(message.body)["order"]
        try:
            await self._pool.execute("update orders set status = 'shipped' where id = $1", order)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.5)  # a message that comes straight back is a busy loop
            await message.nack(requeue=True)
        else:
            await message.ack()


@asynccontextmanager
async def orders(setting: Setting) -> AsyncIterator[Operations]:
    """Open the service with its own drivers at the endpoints of the scenario."""
    async with (
        asyncpg.create_pool(
            setting.endpoints["postgres"].url,
            min_size=2,
            max_size=8,
            command_timeout=5.0,  # a server without power never answers: nothing else ends the wait
        ) as pool,
        await aio_pika.connect_robust(setting.endpoints["rabbitmq"].url) as connection,
    ):
        await pool.execute(SCHEMA)
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=16)
        service = OrderService(pool, channel)
        queue = await channel.declare_queue("shipping", durable=True)
        await queue.consume(service.ship)

        async def place_order(arrival: Arrival) -> None:
            await service.place(arrival.number)

        yield Operations({"place_order": place_order})
