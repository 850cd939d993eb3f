"""
A producer and a worker with a RabbitMQ queue between them, on plain aio-pika.

``submit`` publishes one job and waits for its confirm; ``submit_poison`` publishes one that
no handler survives. The worker has a host of its own, ``worker``, and these settings under
``policies.worker.settings``:

- ``prefetch``: jobs it works on at once; 1 if left out.
- ``handling``: seconds that each takes; 0.1 if left out.
- ``set_aside``: whether a job that fails a second time goes to the queue ``dead``, which is
  the default. If not, it goes back to the head of the queue, for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection

from umt_sim.systems.base import Setting
from umt_sim.systems.lab.guards import option
from umt_sim.workload.operations import Arrival, Operations

__all__ = ["start"]

BROKER, WORKER = "rabbitmq", "worker"
JOBS, DEAD = "jobs", "dead"
POISON = b"poison"
CONFIRM_SECONDS = 2.0


@asynccontextmanager
async def start(setting: Setting) -> AsyncIterator[Operations]:
    """Declare the queues and start producer and worker; leaving stops them."""
    async with AsyncExitStack() as stack:
        connection = await aio_pika.connect_robust(setting.endpoints[BROKER].url)
        stack.push_async_callback(connection.close)
        channel = await connection.channel()
        await _declare(channel)
        worker = _Worker(setting)
        stack.push_async_callback(worker.stop)
        await worker.start()
        setting.on_restart(WORKER, worker.start)
        producer = _Producer(channel)
        yield Operations({"submit": producer.submit, "submit_poison": producer.submit_poison})


async def _declare(channel: AbstractRobustChannel) -> None:
    await channel.declare_queue(DEAD, durable=True)
    await channel.declare_queue(JOBS, durable=True, arguments=_ARGUMENTS)


_ARGUMENTS = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}


class _Producer:
    """Publishes jobs."""

    def __init__(self, channel: AbstractRobustChannel) -> None:
        self._channel = channel

    async def submit(self, arrival: Arrival) -> None:
        await self._publish(arrival, b"work")

    async def submit_poison(self, arrival: Arrival) -> None:
        await self._publish(arrival, POISON)

    async def _publish(self, arrival: Arrival, body: bytes) -> None:
        job = aio_pika.Message(
            body,
            message_id=f"job-{arrival.number}",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        async with asyncio.timeout(CONFIRM_SECONDS):
            await self._channel.default_exchange.publish(job, routing_key=JOBS)


class _Worker:
    """Handles jobs on its own host until it is stopped."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._prefetch = option(setting, WORKER, "prefetch", 1)
        self._handling = option(setting, WORKER, "handling", 0.1)
        self._set_aside = option(setting, WORKER, "set_aside", default=True)
        self._stopping = asyncio.Event()
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the worker takes jobs."""
        self._ready.clear()
        self._task = self._setting.launch(WORKER, self._run())
        await self._ready.wait()

    async def stop(self) -> None:
        """Let the worker close its connection."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CONFIRM_SECONDS)

    async def _run(self) -> None:
        connection: AbstractRobustConnection = await aio_pika.connect_robust(
            self._setting.endpoints[BROKER].url
        )
        async with connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=self._prefetch)
            queue = await channel.declare_queue(JOBS, durable=True, arguments=_ARGUMENTS)
            await queue.consume(self._handle)
            self._ready.set()
            await self._stopping.wait()

    async def _handle(self, job: AbstractIncomingMessage) -> None:
        await asyncio.sleep(self._handling)
        if job.body != POISON:
            await job.ack()
        else:
            await job.reject(requeue=not (self._set_aside and job.redelivered))
