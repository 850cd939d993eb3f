"""
Prefetch decides which queue a group of consumers is: aio-pika on our RabbitMQ.

c consumers that handle one message at a time and may hold one are M/M/c; with no limit the
broker deals its messages out in turn, and they are c queues of their own, E_c/M/1; consumers
that handle all they may hold at once are M/M/(c x prefetch).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import cache
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from tests.ground_truth.cases import Case, Draws, cases_of, mean, quantile, virtually
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.rabbitmq import RabbitMQ

HOST, PORT = "rabbitmq", 5672
URL = f"amqp://guest:guest@{HOST}:{PORT}/"
MESSAGES, MANY = 5_000, 100_000

Handle = Callable[[AbstractIncomingMessage], Awaitable[None]]
Consume = Callable[[AbstractQueue, Handle], Coroutine[Any, Any, None]]


async def one_by_one(queue: AbstractQueue, handle: Handle) -> None:
    """Handle a message, then take the next of those that are here."""
    async with queue.iterator() as messages:
        async for message in messages:
            await handle(message)


async def all_at_once(queue: AbstractQueue, handle: Handle) -> None:
    """Handle every message from the moment it is here."""
    await queue.consume(handle)  # aio-pika starts a task for each
    await asyncio.Event().wait()


def run(
    case: Case, number: int, messages: int, *, consumers: int, prefetch: int, consume: Consume
) -> list[float]:
    """Seconds that each message waited until a handler took it up."""
    draws = Draws(case.id.split(".")[0], number)
    gap = draws.exponential("arrivals", case.params["lam"])
    service = draws.exponential("service", case.params["mu"])
    waits: list[float] = []

    async def play(kernel: Kernel, network: Network) -> None:
        broker = RabbitMQ(stream=draws.stream("names"), wall_clock=lambda: datetime.now(UTC))
        network.host(HOST)
        await broker.start(HOST, PORT)
        clock = kernel.loop.time
        done = asyncio.Event()

        async def handle(message: AbstractIncomingMessage) -> None:
            waits.append(clock() - float(message.body))
            await asyncio.sleep(service())
            await message.ack()
            if len(waits) == messages:
                done.set()

        async with await aio_pika.connect(URL) as connection:
            working: list[asyncio.Task[None]] = []
            for _ in range(consumers):
                channel: AbstractChannel = await connection.channel()
                await channel.set_qos(prefetch)
                queue = await channel.declare_queue("work", durable=True)
                working.append(asyncio.create_task(consume(queue, handle)))
            channel = await connection.channel(publisher_confirms=False)
            for _ in range(messages):
                await asyncio.sleep(gap())
                body = repr(clock()).encode()
                await channel.default_exchange.publish(aio_pika.Message(body), "work")
            await done.wait()
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
        await broker.stop()

    virtually(play)
    return waits


@cache
def unlimited(messages: int) -> list[float]:
    """Four consumers that take whatever the broker has."""
    case = cases_of("Q22")["Wq_inf"]
    return run(case, 0, messages, consumers=4, prefetch=0, consume=one_by_one)


@pytest.fixture
def messages(campaign: bool) -> int:
    """How many are sent."""
    return MANY if campaign else MESSAGES


def test_prefetch_of_one_is_one_queue_with_many_servers(messages: int) -> None:
    """Nobody waits while a consumer is idle: M/M/4."""
    case = cases_of("Q22")["Wq_p1"]
    waits = run(case, 0, messages, consumers=4, prefetch=1, consume=one_by_one)
    case.check(mean(waits), len(waits))


@pytest.mark.parametrize(
    ("metric", "estimate"),
    [("Wq_inf", mean), ("Wqp99_inf", lambda waits: quantile(waits, 0.99))],
)
def test_no_prefetch_limit_is_a_queue_for_each_consumer(
    metric: str, estimate: Callable[[list[float]], float], messages: int
) -> None:
    """Three times the wait with the same consumers: messages queue behind slow ones."""
    waits = unlimited(messages)
    cases_of("Q22")[metric].check(estimate(waits), len(waits))


def test_handlers_at_once_are_as_many_servers_as_prefetch_allows(messages: int) -> None:
    """Two consumers with a prefetch of two are M/M/4."""
    cases = cases_of("Q04")
    waits = run(cases["Wq"], 1, messages, consumers=2, prefetch=2, consume=all_at_once)
    cases["Wq"].check(mean(waits), len(waits))
    cases["Wq_p99"].check(quantile(waits, 0.99), len(waits))
    cases["P_wait"].check(mean([float(wait > 1e-9) for wait in waits]), len(waits))
