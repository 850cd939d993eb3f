"""
What aio-pika does of its own accord when the line is cut: the part of it that callers build on.

The same on our broker, in real and in virtual time, and on RabbitMQ.
"""

from __future__ import annotations

import asyncio

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
from aio_pika.exceptions import AMQPConnectionError, AMQPError, ChannelInvalidStateError

from tests.conformance.line import Line
from tests.conformance.rabbitmq.brokers import Broker, on_every_broker

OUTAGE = 0.5  # seconds


def watched(connection: AbstractRobustConnection) -> asyncio.Event:
    """An event that is set when the connection has come back."""
    back = asyncio.Event()
    connection.reconnect_callbacks.add(lambda *_: back.set(), weak=False)
    return back


async def outage(line: Line) -> None:
    """Cut the line for a while."""
    line.cut()
    await asyncio.sleep(OUTAGE)
    line.mend()


@on_every_broker
async def test_topology_and_consumer_come_back(broker: Broker) -> None:
    """Exchange, exclusive queue, binding and consumer are declared again and get new messages."""
    line = broker.line()
    connection = await broker.robust(line)
    channel = await connection.channel()
    exchange = await channel.declare_exchange(broker.name("x"), "topic", auto_delete=True)
    queue = await channel.declare_queue(broker.name(), exclusive=True)
    await queue.bind(exchange, "a.*")
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def consume(message: AbstractIncomingMessage) -> None:
        await message.ack()
        got.put_nowait(message.body)

    await queue.consume(consume)
    back = watched(connection)
    await outage(line)
    await back.wait()
    other = await broker.channel()
    reached = await other.get_exchange(broker.name("x"))
    await reached.publish(aio_pika.Message(b"after"), "a.b")
    assert b"after" == await got.get()


@on_every_broker
async def test_a_publish_fails_while_the_line_is_down(broker: Broker) -> None:
    """At once, on a robust channel too; ``ready`` waits until it makes sense to try again."""
    line = broker.line()
    connection = await broker.robust(line)
    channel = await connection.channel()
    queue = await channel.declare_queue(broker.name(), durable=True)
    line.cut()
    await asyncio.sleep(0.1)
    with pytest.raises(ChannelInvalidStateError):
        await channel.default_exchange.publish(aio_pika.Message(b"too early"), queue.name)
    ready = asyncio.create_task(channel.ready())
    await asyncio.sleep(0.1)
    assert not ready.done()
    line.mend()
    await ready
    await channel.default_exchange.publish(aio_pika.Message(b"in time"), queue.name)
    message = await queue.get()
    assert b"in time" == message.body
    await message.ack()
    await queue.delete()


@on_every_broker
async def test_a_lost_confirm_leaves_the_publisher_in_doubt(broker: Broker) -> None:
    """The message is in its queue, and its publisher is told that the connection broke."""
    line = broker.line()
    connection = await broker.robust(line)
    channel = await connection.channel()
    queue = await channel.declare_queue(broker.name(), durable=True)
    await line.swallow_answers()
    publishing = asyncio.create_task(
        channel.default_exchange.publish(aio_pika.Message(b"in doubt"), queue.name)
    )
    await asyncio.sleep(0.2)
    line.cut()
    with pytest.raises((AMQPError, ConnectionError)):
        await publishing
    other = await (await broker.channel()).get_queue(queue.name)
    message = await other.get()
    assert b"in doubt" == message.body
    await message.ack()
    await other.delete()


@on_every_broker
async def test_what_was_not_acked_comes_again(broker: Broker) -> None:
    """After the reconnection as a redelivery; an ack of the first delivery finds no channel."""
    line = broker.line()
    connection = await broker.robust(line)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1)
    queue = await channel.declare_queue(broker.name(), durable=True)
    got: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()

    async def consume(message: AbstractIncomingMessage) -> None:
        got.put_nowait(message)

    await queue.consume(consume)
    for body in (b"1", b"2"):
        await channel.default_exchange.publish(aio_pika.Message(body), queue.name)
    first = await got.get()
    back = watched(connection)
    await outage(line)
    await back.wait()
    again = await got.get()
    assert (b"1", False, True) == (again.body, first.redelivered, again.redelivered)
    with pytest.raises((ChannelInvalidStateError, AMQPError)):
        await first.ack()
    await asyncio.sleep(0.2)
    assert got.empty()  # the prefetch was declared again, too
    await again.ack()
    last = await got.get()
    await last.ack()
    await queue.delete(if_unused=False)


@on_every_broker
async def test_a_plain_connection_stays_broken(broker: Broker) -> None:
    """Without ``connect_robust`` nothing comes back, and each call says so at once."""
    line = broker.line()
    connection = await aio_pika.connect(f"amqp://guest:guest@{line.host}:{line.port}/")
    channel = await connection.channel()
    await outage(line)
    with pytest.raises(ChannelInvalidStateError):
        await channel.default_exchange.publish(aio_pika.Message(b"x"), "nowhere")
    assert channel.is_closed
    await connection.close()


@on_every_broker
async def test_a_first_connection_is_not_robust(broker: Broker) -> None:
    """``connect_robust`` gives up at once where there is nobody: retrying begins afterwards."""
    line = broker.line()
    line.cut()
    with pytest.raises(AMQPConnectionError):
        await aio_pika.connect_robust(f"amqp://guest:guest@{line.host}:{line.port}/")


@on_every_broker
async def test_an_iterator_does_not_hear_that_it_was_cancelled(broker: Broker) -> None:
    """Its queue is deleted by somebody else: it waits on, for messages that cannot come."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), durable=True)
    seen: list[bytes] = []

    async def iterate() -> None:
        async with queue.iterator() as messages:
            async for message in messages:
                seen.append(message.body)
                await message.ack()

    iterating = asyncio.create_task(iterate())
    await channel.default_exchange.publish(aio_pika.Message(b"1"), queue.name)
    await asyncio.sleep(0.3)
    other = await (await broker.channel()).get_queue(queue.name)
    await other.delete(if_unused=False)
    done, _ = await asyncio.wait([iterating], timeout=1)
    iterating.cancel()
    await asyncio.gather(iterating, return_exceptions=True)
    assert ([b"1"], set()) == (seen, done)


@on_every_broker
async def test_a_robust_consumer_begins_again_when_its_queue_is_back(broker: Broker) -> None:
    """A robust connection looks for the deleted queue until it finds it, and consumes."""
    connection = await broker.robust(broker.line())
    channel = await connection.channel()
    queue = await channel.declare_queue(broker.name(), durable=True)
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def consume(message: AbstractIncomingMessage) -> None:
        await message.ack()
        got.put_nowait(message.body)

    await queue.consume(consume)
    other = await broker.channel()
    await (await other.get_queue(queue.name)).delete(if_unused=False)
    await asyncio.sleep(0.3)
    again = await other.declare_queue(queue.name, durable=True)
    await other.default_exchange.publish(aio_pika.Message(b"2"), queue.name)
    assert b"2" == await got.get()
    await again.delete(if_unused=False)
