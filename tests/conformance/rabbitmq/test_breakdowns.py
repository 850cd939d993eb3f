"""Alarms and restarts. They concern every client of the broker, so they come last by name."""

import asyncio

import pytest
from aio_pika import DeliveryMode, ExchangeType, Message
from pamqp import commands

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker

PERSISTENT, TRANSIENT = DeliveryMode.PERSISTENT, DeliveryMode.NOT_PERSISTENT


@on_every_broker
async def test_alarm_blocks_publishers(broker: Broker) -> None:
    """A connection that publishes while memory is low is told and read no further."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(1, commands.Queue.Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    await broker.server.set_alarm()
    try:
        client.publish(1, "", name, b"x")
        assert (await client.expect(commands.Connection.Blocked)).reason == "low on memory"
        client.send(1, commands.Queue.Declare(queue=name, passive=True))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.receive()
    finally:
        await broker.server.clear_alarm()
    await client.expect(commands.Connection.Unblocked)
    assert (await client.expect(commands.Queue.DeclareOk)).queue == name
    assert await client.becomes_ready(1, name, 1)


@on_every_broker
async def test_alarm_leaves_others_alone(broker: Broker) -> None:
    """A connection that only consumes does not notice."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(1, commands.Queue.Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    client.publish(1, "", name, b"x")
    assert await client.becomes_ready(1, name, 1)
    await broker.server.set_alarm()
    try:
        client.send(1, commands.Basic.Get(queue=name))
        await client.expect(commands.Basic.GetOk)
        assert (await client.expect_content())[1] == b"x"
    finally:
        await broker.server.clear_alarm()


@on_every_broker
async def test_restart_says_goodbye(broker: Broker) -> None:
    """Open connections are closed with 320."""
    client = await broker.raw(1)
    closed = asyncio.create_task(client.closed_connection())
    await broker.server.restart()
    assert await closed == (
        320,
        "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
        0,
        0,
    )


@on_every_broker
async def test_what_survives_a_restart(broker: Broker) -> None:
    """Durable queues and exchanges, their bindings, and persistent messages in them."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(
        broker.name("kept"), ExchangeType.DIRECT, durable=True
    )
    await channel.declare_exchange(broker.name("gone"), ExchangeType.DIRECT)
    queue = await channel.declare_queue(broker.name("kept"), durable=True)
    await channel.declare_queue(broker.name("gone"))
    await queue.bind(exchange, "k")
    for body, mode in ((b"1", PERSISTENT), (b"2", TRANSIENT), (b"3", PERSISTENT)):
        await exchange.publish(Message(body, delivery_mode=mode), "k")
    taken = await queue.get()
    assert taken.body == b"1"
    await broker.server.restart()

    channel = await broker.channel()
    exchange = await channel.get_exchange(broker.name("kept"))
    await exchange.publish(Message(b"4", delivery_mode=PERSISTENT), "k")
    queue = await channel.get_queue(broker.name("kept"))
    left = [await queue.get(no_ack=True) for _ in range(3)]
    assert [message.body for message in left] == [b"1", b"3", b"4"]
    assert [message.redelivered for message in left] == [True, False, False]
    assert await queue.get(fail=False) is None
    for declare in (commands.Queue.Declare, commands.Exchange.Declare):
        field = "queue" if declare is commands.Queue.Declare else "exchange"
        method = declare(**{field: broker.name("gone"), "passive": True})
        assert (await broker.refusal(method))[0] == 404


@on_every_broker
async def test_quorum_queues_keep_everything(broker: Broker) -> None:
    """In a quorum queue every message is on disk, whatever its delivery mode."""
    channel = await broker.channel()
    queue = await channel.declare_queue(
        broker.name(), durable=True, arguments={"x-queue-type": "quorum"}
    )
    await channel.default_exchange.publish(Message(b"x", delivery_mode=TRANSIENT), queue.name)
    await broker.server.restart()
    channel = await broker.channel()
    queue = await channel.get_queue(broker.name())
    for _ in range(100):
        message = await queue.get(no_ack=True, fail=False)
        if message is not None:
            break
        await asyncio.sleep(0.05)
    assert message is not None
    assert message.body == b"x"
