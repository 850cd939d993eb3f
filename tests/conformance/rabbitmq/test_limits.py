"""Time to live, length limits and priorities."""

import asyncio
from typing import Any

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractQueue
from pamqp import commands

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker
from tests.conformance.rabbitmq.raw_client import raw_frame

SOON = 0.3  # seconds; longer than every time to live here


async def limited(channel: AbstractChannel, **arguments: Any) -> AbstractQueue:
    """A queue of the channel's own with ``x-`` arguments."""
    named = {"x-" + name.replace("_", "-"): value for name, value in arguments.items()}
    return await channel.declare_queue(exclusive=True, arguments=named)


async def fill(channel: AbstractChannel, queue: AbstractQueue, *messages: Message) -> None:
    """Publish to *queue*."""
    for message in messages:
        await channel.default_exchange.publish(message, queue.name)


async def bodies(queue: AbstractQueue) -> list[bytes]:
    """Everything in *queue*, taken out."""
    found = []
    while (message := await queue.get(no_ack=True, fail=False)) is not None:
        found.append(message.body)
    return found


@on_every_broker
async def test_messages_expire_in_their_queue(broker: Broker) -> None:
    """x-message-ttl removes messages nobody took in time."""
    channel = await broker.channel()
    queue = await limited(channel, message_ttl=100)
    await fill(channel, queue, Message(b"x"))
    declared = await channel.declare_queue(queue.name, passive=True)
    assert declared.declaration_result.message_count == 1
    await asyncio.sleep(SOON)
    declared = await channel.declare_queue(queue.name, passive=True)
    assert declared.declaration_result.message_count == 0


@on_every_broker
async def test_messages_have_a_time_of_their_own(broker: Broker) -> None:
    """The expiration property removes one message; the shorter time counts."""
    channel = await broker.channel()
    queue = await limited(channel, message_ttl=60_000)
    await fill(channel, queue, Message(b"short", expiration=0.1), Message(b"long"))
    await asyncio.sleep(SOON)
    assert await bodies(queue) == [b"long"]


@on_every_broker
async def test_messages_expire_at_the_head_only(broker: Broker) -> None:
    """One whose time is over waits behind one whose is not."""
    channel = await broker.channel()
    queue = await limited(channel)
    await fill(channel, queue, Message(b"stays"), Message(b"waits", expiration=0.1))
    await asyncio.sleep(SOON)
    declared = await channel.declare_queue(queue.name, passive=True)
    assert declared.declaration_result.message_count == 2
    assert await bodies(queue) == [b"stays"]


@on_every_broker
async def test_no_time_at_all(broker: Broker) -> None:
    """With a time to live of 0 a message reaches a waiting consumer or nobody."""
    channel = await broker.channel()
    queue = await limited(channel, message_ttl=0)
    await fill(channel, queue, Message(b"lost"))
    received: asyncio.Queue[Any] = asyncio.Queue()
    await queue.consume(received.put, no_ack=True)
    await fill(channel, queue, Message(b"found"))
    assert (await received.get()).body == b"found"


@on_every_broker
async def test_delivered_messages_do_not_expire(broker: Broker) -> None:
    """The clock matters while a message is ready; returned, it goes at once."""
    channel = await broker.channel()
    queue = await limited(channel, message_ttl=100)
    await fill(channel, queue, Message(b"x"))
    taken = await queue.get()
    await asyncio.sleep(SOON)
    await taken.nack(requeue=True)
    assert await bodies(queue) == []


@pytest.mark.parametrize(
    ("expiration", "why"),
    [
        ("soon", "no_integer"),
        ("", "no_integer"),
        ("12x", '{leftover_string,"x"}'),
        ("1.5", '{leftover_string,".5"}'),
        ("-1", "{value_negative,-1}"),
        ("-7s", '{leftover_string,"s"}'),
        ("315360000001", "{value_too_large,315360000001}"),
    ],
)
@on_every_broker
async def test_impossible_expirations(broker: Broker, expiration: str, why: str) -> None:
    """The property is a number of milliseconds in digits."""
    client = await broker.raw(1)
    client.send(1, commands.Basic.Publish(exchange="amq.fanout"))
    text = expiration.encode()
    flags = b"\x00\x3c\x00\x00" + bytes(8) + b"\x01\x00"
    client.write(raw_frame(2, 1, flags + bytes((len(text),)) + text))
    assert await client.closed_channel() == (
        406,
        f"PRECONDITION_FAILED - invalid expiration '{expiration}': {why}",
        60,
        40,
    )


@on_every_broker
async def test_full_queue_drops_its_head(broker: Broker) -> None:
    """With x-max-length the oldest messages make room."""
    channel = await broker.channel()
    queue = await limited(channel, max_length=3)
    await fill(channel, queue, *(Message(b"%d" % number) for number in range(5)))
    assert await bodies(queue) == [b"2", b"3", b"4"]


@on_every_broker
async def test_length_counts_ready_messages(broker: Broker) -> None:
    """Delivered ones take no room until they come back."""
    channel = await broker.channel()
    queue = await limited(channel, max_length=2)
    await fill(channel, queue, Message(b"1"), Message(b"2"))
    taken = await queue.get()
    await fill(channel, queue, Message(b"3"))
    await taken.nack(requeue=True)
    assert await bodies(queue) == [b"2", b"3"]


@on_every_broker
async def test_bytes_are_counted(broker: Broker) -> None:
    """x-max-length-bytes counts payloads."""
    channel = await broker.channel()
    queue = await limited(channel, max_length_bytes=10)
    await fill(channel, queue, Message(b"aaaa"), Message(b"bbbb"), Message(b"cccc"))
    assert await bodies(queue) == [b"bbbb", b"cccc"]
    await fill(channel, queue, Message(b"d" * 11))
    assert await bodies(queue) == []


@on_every_broker
async def test_no_room_at_all(broker: Broker) -> None:
    """A length of 0 keeps nothing, but a waiting consumer gets its messages."""
    channel = await broker.channel()
    queue = await limited(channel, max_length=0)
    await fill(channel, queue, Message(b"lost"))
    received: asyncio.Queue[Any] = asyncio.Queue()
    await queue.consume(received.put, no_ack=True)
    await fill(channel, queue, Message(b"found"))
    assert (await received.get()).body == b"found"


@on_every_broker
async def test_priorities(broker: Broker) -> None:
    """The highest priority comes first, the oldest within one; none counts as 0."""
    channel = await broker.channel()
    queue = await limited(channel, max_priority=5)
    await fill(
        channel,
        queue,
        *(
            Message(body, priority=priority)
            for body, priority in [
                (b"none", None), (b"1a", 1), (b"5", 5), (b"1b", 1), (b"9 is 5", 9), (b"0", 0),
            ]
        ),
    )  # fmt: skip
    assert await bodies(queue) == [b"5", b"9 is 5", b"1a", b"1b", b"none", b"0"]


@on_every_broker
async def test_returned_messages_keep_their_priority(broker: Broker) -> None:
    """A returned message goes to its place in its own priority."""
    channel = await broker.channel()
    queue = await limited(channel, max_priority=5)
    await fill(channel, queue, Message(b"low", priority=1), Message(b"high", priority=4))
    high = await queue.get()
    low = await queue.get()
    await low.nack(requeue=True)
    await high.nack(requeue=True)
    assert await bodies(queue) == [b"high", b"low"]


@on_every_broker
async def test_full_priority_queue_drops_its_head(broker: Broker) -> None:
    """Making room takes the message that would have been next, whatever its priority."""
    channel = await broker.channel()
    queue = await limited(channel, max_priority=5, max_length=2)
    await fill(
        channel,
        queue,
        Message(b"high", priority=5),
        Message(b"low", priority=1),
        Message(b"lower", priority=0),
    )
    assert await bodies(queue) == [b"low", b"lower"]
