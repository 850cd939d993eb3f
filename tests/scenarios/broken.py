"""Systems with one fault each that an invariant or an expectation is there to find."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from umt_sim.journal.records import (
    OUTBOX,
    BreakerEvent,
    EffectRecord,
    Observation,
    QueueSample,
    StationTotals,
)
from umt_sim.systems.base import Setting
from umt_sim.systems.lab.gateway import StreamGateway
from umt_sim.workload.operations import Arrival, Operations

QUEUE = "jobs"


@asynccontextmanager
async def loses_messages(setting: Setting) -> AsyncIterator[Operations]:
    """Trusts a queue that does not survive its broker."""
    async with await aio_pika.connect_robust(setting.endpoints["rabbitmq"].url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(QUEUE, durable=True)

        async def work(arrival: Arrival) -> None:
            job = aio_pika.Message(b"", message_id=f"job-{arrival.number}")  # transient
            async with asyncio.timeout(1.0):
                await channel.default_exchange.publish(job, routing_key=QUEUE)

        yield Operations({"work": work})


@asynccontextmanager
async def keeps_its_queue(setting: Setting) -> AsyncIterator[Operations]:
    """Takes messages and never acknowledges them."""
    async with await aio_pika.connect_robust(setting.endpoints["rabbitmq"].url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, durable=True)
        await queue.consume(_forget)

        async def work(arrival: Arrival) -> None:
            await channel.default_exchange.publish(aio_pika.Message(b""), routing_key=QUEUE)

        yield Operations({"work": work})


async def _forget(message: AbstractIncomingMessage) -> None:
    """Neither acknowledge *message* nor give it back."""


@asynccontextmanager
async def does_it_twice(setting: Setting) -> AsyncIterator[Operations]:
    """Repeats a request that was answered, without an idempotency key."""
    gateway = StreamGateway(setting.endpoints["cms"])

    async def work(arrival: Arrival) -> None:
        for _ in range(2):
            await gateway.request("POST", "/documents", json={"title": f"Story {arrival.number}"})

    yield Operations({"work": work})
    await gateway.close()


@asynccontextmanager
async def drops_an_error(setting: Setting) -> AsyncIterator[Operations]:
    """Starts a task and forgets it."""

    async def fail() -> None:
        raise ValueError("nobody will see this")

    async def work(arrival: Arrival) -> None:
        asyncio.create_task(fail())  # noqa: RUF006 - the fault

    yield Operations({"work": work})


@asynccontextmanager
async def breaks_its_breaker(setting: Setting) -> AsyncIterator[Operations]:
    """Has a breaker that closes without trying."""

    async def work(arrival: Arrival) -> None:
        for before, after in (("closed", "half_open"), ("half_open", "closed")):
            now = setting.recorder.now()
            setting.recorder.add(BreakerEvent(now, "home-made", "state_transition", before, after))

    yield Operations({"work": work})


@asynccontextmanager
async def forgets_its_outbox(setting: Setting) -> AsyncIterator[Operations]:
    """Stores what happened, and has no relay that would send it."""
    unsent = 0

    async def work(arrival: Arrival) -> None:
        nonlocal unsent
        unsent += 1
        now = setting.recorder.now()
        setting.recorder.add(EffectRecord(now, "stored", str(arrival.number)))
        setting.recorder.add(QueueSample(now, "database", OUTBOX, unsent, 0, 0))

    yield Operations({"work": work})


@asynccontextmanager
async def cooks_its_books(setting: Setting) -> AsyncIterator[Operations]:
    """Has a station that says it served more than ever came."""

    async def work(arrival: Arrival) -> None:
        now = setting.recorder.now()
        setting.recorder.add(StationTotals(now, "desk", 1, 2, 0, 0, 0, 0, 1.0, 0.0, 1.0, 0.0))

    yield Operations({"work": work})


@asynccontextmanager
async def leaks_its_connections(setting: Setting) -> AsyncIterator[Operations]:
    """Takes a connection for every request, and tells how many are out; none comes back."""
    taken = 0

    async def work(arrival: Arrival) -> None:
        nonlocal taken
        taken += 1
        setting.recorder.add(Observation(setting.recorder.now(), "connections_out", taken))

    yield Operations({"work": work})
