"""Quorum queues: durable by nature, counting how often a message comes back."""

import asyncio
from typing import Any

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from pamqp import commands

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker

Declare = commands.Queue.Declare
QUORUM = {"x-queue-type": "quorum"}


async def quorum(channel: AbstractChannel, name: str, **arguments: Any) -> AbstractQueue:
    """A quorum queue with ``x-`` arguments."""
    named = {"x-" + key.replace("_", "-"): value for key, value in arguments.items()}
    return await channel.declare_queue(name, durable=True, arguments=QUORUM | named)


async def arrival(queue: AbstractQueue, *, no_ack: bool = False) -> AbstractIncomingMessage:
    """The next message in *queue*, as soon as it is there."""
    for _ in range(100):
        message = await queue.get(no_ack=no_ack, fail=False)
        if message is not None:
            return message
        await asyncio.sleep(0.02)
    raise AssertionError("nothing came")


async def becomes_ready(channel: AbstractChannel, queue: AbstractQueue, count: int) -> None:
    """Wait until *queue* holds *count* messages: returns take their time in a real cluster."""
    for _ in range(100):
        declared = await channel.declare_queue(queue.name, passive=True)
        if declared.declaration_result.message_count == count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{queue.name} never held {count} messages")


@pytest.mark.parametrize(
    ("options", "term"),
    [
        ({"durable": False}, "non-durable"),
        ({"durable": True, "exclusive": True}, "exclusive-owner"),
        ({"durable": True, "auto_delete": True}, "auto-delete"),
    ],
)
@on_every_broker
async def test_what_they_cannot_be(broker: Broker, options: dict[str, Any], term: str) -> None:
    """406 names the property that does not go with replication."""
    name = broker.name()
    assert await broker.refusal(Declare(queue=name, arguments=QUORUM, **options)) == (
        406,
        f"PRECONDITION_FAILED - invalid property '{term}' for queue '{name}' in vhost '/'",
        50,
        10,
    )


@on_every_broker
async def test_another_type_is_another_queue(broker: Broker) -> None:
    """The type is part of the description."""
    name = broker.name()
    code, text, *_ = await broker.refusal(
        Declare(queue=name, durable=True, arguments=QUORUM), Declare(queue=name, durable=True)
    )
    assert (code, text) == (
        406,
        (
            f"PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '{name}' in"
            " vhost '/': received none but current is the value 'quorum' of type 'longstr'"
        ),
    )


@on_every_broker
async def test_messages_pass(broker: Broker) -> None:
    """Published, confirmed, delivered, acknowledged."""
    channel = await broker.channel()
    queue = await quorum(channel, broker.name())
    for number in range(5):
        await channel.default_exchange.publish(Message(b"%d" % number), queue.name)
    received: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    await queue.consume(received.put)
    messages = [await received.get() for _ in range(5)]
    assert [message.body for message in messages] == [b"%d" % number for number in range(5)]
    for message in messages:
        await message.ack()


@on_every_broker
async def test_deliveries_are_counted(broker: Broker) -> None:
    """A message that comes back says how often it was delivered."""
    channel = await broker.channel()
    queue = await quorum(channel, broker.name())
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    first = await arrival(queue)
    assert not first.headers.get("x-delivery-count")
    for count in (1, 2):
        await first.reject(requeue=True)
        first = await arrival(queue)
        assert first.headers["x-delivery-count"] == count
        assert first.redelivered


@on_every_broker
async def test_delivery_limit(broker: Broker) -> None:
    """After so many returns a message is given up."""
    channel = await broker.channel()
    dead = await channel.declare_queue(exclusive=True)
    queue = await quorum(
        channel,
        broker.name(),
        delivery_limit=2,
        dead_letter_exchange="",
        dead_letter_routing_key=dead.name,
    )
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    for _ in range(3):
        await (await arrival(queue)).reject(requeue=True)
    found = await arrival(dead, no_ack=True)
    deaths: Any = found.headers["x-death"]
    assert (deaths[0]["reason"], deaths[0]["count"]) == ("delivery_limit", 1)


@pytest.mark.parametrize(
    ("arguments", "order"),
    [({"delivery_limit": 5}, [b"2", b"0", b"3"]), ({}, [b"3", b"2", b"0"])],
    ids=["limit", "no limit"],
)
@on_every_broker
async def test_where_returned_messages_go(
    broker: Broker, arguments: dict[str, int], order: list[bytes]
) -> None:
    """Before all others, in the order they came back; without a delivery limit to the end."""
    channel = await broker.channel()
    queue = await quorum(channel, broker.name("-".join(["q", *arguments])), **arguments)
    for number in range(4):
        await channel.default_exchange.publish(Message(b"%d" % number), queue.name)
    taken = [await arrival(queue) for _ in range(3)]
    for position in (2, 0):
        await taken[position].nack(requeue=True)
        await becomes_ready(channel, queue, 2 if position else 3)
    assert [(await arrival(queue, no_ack=True)).body for _ in range(3)] == order


@on_every_broker
async def test_no_limit_for_a_channel(broker: Broker) -> None:
    """A prefetch limit shared by consumers does not work with quorum queues."""
    name = broker.name()
    client = await broker.raw(1)
    client.send(1, Declare(queue=name, durable=True, arguments=QUORUM))
    await client.expect(commands.Queue.DeclareOk)
    client.send(1, commands.Basic.Qos(0, 5, global_=True))
    await client.expect(commands.Basic.QosOk)
    client.send(1, commands.Basic.Consume(queue=name))
    assert await client.closed_connection() == (
        540,
        f"NOT_IMPLEMENTED - queue '{name}' in vhost '/' does not support global qos",
        60,
        20,
    )


@on_every_broker
async def test_length_limit(broker: Broker) -> None:
    """The oldest messages make room here too."""
    channel = await broker.channel()
    queue = await quorum(channel, broker.name(), max_length=2)
    for number in range(4):
        await channel.default_exchange.publish(Message(b"%d" % number), queue.name)
    assert [(await arrival(queue, no_ack=True)).body for _ in range(2)] == [b"2", b"3"]


@on_every_broker
async def test_time_to_live(broker: Broker) -> None:
    """Messages expire here too."""
    channel = await broker.channel()
    queue = await quorum(channel, broker.name(), message_ttl=50)
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    await asyncio.sleep(0.3)
    assert await queue.get(fail=False) is None


@pytest.mark.parametrize("argument", ["x-max-priority", "x-queue-mode"])
@on_every_broker
async def test_arguments_for_other_types(broker: Broker, argument: str) -> None:
    """What only classic queues understand is refused, whatever its value."""
    name = broker.name()
    declared = Declare(queue=name, durable=True, arguments=QUORUM | {argument: -1})
    assert (await broker.refusal(declared))[:2] == (
        406,
        (
            f"PRECONDITION_FAILED - invalid arg '{argument}' for queue '{name}' in vhost '/'"
            " of queue type rabbit_quorum_queue"
        ),
    )


@pytest.mark.parametrize("flag", ["if-unused", "if-empty"])
@on_every_broker
async def test_no_conditions_for_deletion(broker: Broker, flag: str) -> None:
    """The flags that spare a queue in use are not implemented, and cost the connection."""
    name, option = broker.name(), {flag.replace("-", "_"): True}
    client = await broker.raw(1)
    client.send(1, Declare(queue=name, durable=True, arguments=QUORUM))
    await client.expect(commands.Queue.DeclareOk)
    client.send(1, commands.Queue.Delete(queue=name, **option))
    assert await client.closed_connection() == (
        540,
        (
            f"NOT_IMPLEMENTED - cannot delete queue '{name}' in vhost '/'. queue.delete operations"
            f" with {flag} flag set are not supported by quorum queues"
        ),
        50,
        40,
    )


@on_every_broker
async def test_no_exclusive_consumers(broker: Broker) -> None:
    """The wish to be alone is ignored: others come before and after."""
    name = broker.name()
    client = await broker.raw(1)
    client.send(1, Declare(queue=name, durable=True, arguments=QUORUM))
    await client.expect(commands.Queue.DeclareOk)
    for exclusive in (False, True, False):
        client.send(1, commands.Basic.Consume(queue=name, exclusive=exclusive))
        await client.expect(commands.Basic.ConsumeOk)


@on_every_broker
async def test_abandoned_messages_go_first(broker: Broker) -> None:
    """Messages of a channel that went away are the next, also without a delivery limit."""
    channel = await broker.channel()
    queue = await quorum(channel, broker.name())
    for number in range(3):
        await channel.default_exchange.publish(Message(b"%d" % number), queue.name)
    other = await broker.channel()
    first = await arrival(await other.get_queue(queue.name))
    await other.close()
    await becomes_ready(channel, queue, 3)
    assert (await arrival(queue)).body == first.body == b"0"


@on_every_broker
async def test_a_returned_message_finds_its_consumer_before_the_limit(broker: Broker) -> None:
    """In a full queue it is delivered again rather than making room for those that came later."""
    channel = await broker.channel()
    await channel.set_qos(1)
    queue = await quorum(channel, broker.name(), max_length=1, delivery_limit=5)
    received: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    await queue.consume(received.put)
    for body in (b"1", b"2"):
        await channel.default_exchange.publish(Message(body), queue.name)
    await (await received.get()).nack(requeue=True)
    again = await received.get()
    assert (again.body, again.redelivered) == (b"1", True)
    await again.ack()
    assert (await received.get()).body == b"2"
