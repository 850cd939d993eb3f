"""Consuming, acknowledging, giving back: what comes, in which order, to whom."""

import asyncio

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from pamqp import commands, frame
from pamqp.header import ContentHeader

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker
from tests.conformance.rabbitmq.raw_client import RawClient, raw_frame

Ack, Nack, Reject = commands.Basic.Ack, commands.Basic.Nack, commands.Basic.Reject


async def filled(channel: AbstractChannel, name: str, *bodies: bytes) -> AbstractQueue:
    """A queue of the channel's own with *bodies* in it."""
    queue = await channel.declare_queue(name, exclusive=True)
    for body in bodies:
        await channel.default_exchange.publish(Message(body), name)
    return queue


async def raw_filled(client: RawClient, name: str, *bodies: bytes) -> None:
    """The same through a raw client, on channel 1."""
    client.send(1, commands.Queue.Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    for body in bodies:
        client.publish(1, "", name, body)


async def consume(client: RawClient, name: str, tag: str = "c", channel: int = 1) -> None:
    """Subscribe with *tag*."""
    client.send(channel, commands.Basic.Consume(queue=name, consumer_tag=tag))
    await client.expect(commands.Basic.ConsumeOk)


@on_every_broker
async def test_messages_come_in_order(broker: Broker) -> None:
    """First in, first out."""
    client = await broker.raw(1)
    name = broker.name()
    bodies = [b"%d" % i for i in range(20)]
    await raw_filled(client, name, *bodies)
    await consume(client, name)
    received = [await client.expect_delivery() for _ in bodies]
    assert [body for _, _, body in received] == bodies
    assert [deliver.delivery_tag for deliver, _, _ in received] == list(range(1, 21))


@on_every_broker
async def test_delivery_says_where_it_came_from(broker: Broker) -> None:
    """Exchange, routing key, consumer tag and the properties come along."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name)
    await consume(client, name, "mine")
    client.publish(1, "", name, b"body", content_type="text/plain", headers={"n": 70000, "t": "x"})
    deliver, head, body = await client.expect_delivery()
    assert (deliver.consumer_tag, deliver.exchange, deliver.routing_key) == ("mine", "", name)
    assert deliver.redelivered is False
    assert head.properties.content_type == "text/plain"
    assert head.properties.headers == {"n": 70000, "t": "x"}
    assert body == b"body"


@on_every_broker
async def test_all_properties_pass_unchanged(broker: Broker) -> None:
    """What the broker does not read it carries."""
    channel = await broker.channel()
    queue = await filled(channel, broker.name())
    message = Message(
        b"x",
        content_type="a/b",
        content_encoding="gzip",
        headers={"list": [1, "two", None, True], "table": {"deep": {"er": 2**40}}},
        delivery_mode=1,
        priority=3,
        correlation_id="c",
        reply_to="r",
        message_id="m",
        timestamp=1_700_000_000,
        type="t",
        user_id="guest",
        app_id="a",
    )
    await channel.default_exchange.publish(message, queue.name)
    received = await queue.get(no_ack=True)
    for name in (
        "content_type", "content_encoding", "headers", "delivery_mode", "priority",
        "correlation_id", "reply_to", "message_id", "timestamp", "type", "user_id", "app_id",
    ):  # fmt: skip
        assert getattr(received, name) == getattr(message, name)


@on_every_broker
async def test_user_id_must_be_true(broker: Broker) -> None:
    """A message may not claim another user."""
    client = await broker.raw(1)
    client.publish(1, "", "anything", b"x", user_id="mallory")
    assert await client.closed_channel() == (
        406,
        (
            "PRECONDITION_FAILED - user_id property set to 'mallory' but authenticated user was"
            " 'guest'"
        ),
        60,
        40,
    )


@on_every_broker
async def test_consumers_take_turns(broker: Broker) -> None:
    """Round robin among the consumers of a queue."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name)
    for tag in ("a", "b", "c"):
        await consume(client, name, tag)
    for number in range(7):
        client.publish(1, "", name, b"%d" % number)
    tags = [(await client.expect_delivery())[0].consumer_tag for _ in range(7)]
    assert tags == list("abcabca")


@on_every_broker
async def test_a_waiting_queue_goes_to_the_first_consumer(broker: Broker) -> None:
    """Without a limit, the first consumer empties the queue."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"1", b"2", b"3")
    await consume(client, name, "a")
    await consume_later(client, name, "b")
    tags = [(await client.expect_delivery())[0].consumer_tag for _ in range(3)]
    assert tags == ["a", "a", "a"]


async def consume_later(client: RawClient, name: str, tag: str) -> None:
    """Subscribe without waiting for an answer, deliveries being on their way."""
    client.send(1, commands.Basic.Consume(queue=name, consumer_tag=tag, nowait=True))


@on_every_broker
async def test_prefetch_limits_a_consumer(broker: Broker) -> None:
    """No more than the limit is unacknowledged; an ack lets the next one come."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"1", b"2", b"3", b"4")
    client.send(1, commands.Basic.Qos(0, 2))
    await client.expect(commands.Basic.QosOk)
    await consume(client, name)
    assert [(await client.expect_delivery())[2] for _ in range(2)] == [b"1", b"2"]
    assert await client.becomes_ready(1, name, 2)
    client.send(1, Ack(1))
    assert (await client.expect_delivery())[2] == b"3"
    client.send(1, Ack(3, multiple=True))
    assert (await client.expect_delivery())[2] == b"4"


@on_every_broker
async def test_prefetch_is_each_consumers_own(broker: Broker) -> None:
    """Two consumers of one channel have a limit each; later ones have the later limit."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name)
    client.send(1, commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)
    await consume(client, name, "one")
    client.send(1, commands.Basic.Qos(0, 2))
    await client.expect(commands.Basic.QosOk)
    await consume(client, name, "two")
    for number in range(5):
        client.publish(1, "", name, b"%d" % number)
    tags = [(await client.expect_delivery())[0].consumer_tag for _ in range(3)]
    assert tags == ["one", "two", "two"]
    assert await client.becomes_ready(1, name, 2)


@on_every_broker
async def test_prefetch_of_a_channel(broker: Broker) -> None:
    """With global set, all consumers of the channel share one limit."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name)
    client.send(1, commands.Basic.Qos(0, 3, global_=True))
    await client.expect(commands.Basic.QosOk)
    await consume(client, name, "a")
    await consume(client, name, "b")
    for number in range(5):
        client.publish(1, "", name, b"%d" % number)
    tags = [(await client.expect_delivery())[0].consumer_tag for _ in range(3)]
    assert tags == ["a", "b", "a"]
    assert await client.becomes_ready(1, name, 2)
    client.send(1, Ack(1))
    assert (await client.expect_delivery())[0].delivery_tag == 4


@on_every_broker
async def test_a_limit_for_consumers_ends_that_of_the_channel(broker: Broker) -> None:
    """The last one said counts, also for a consumer that had come before."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"1", b"2", b"3")
    client.send(1, commands.Basic.Qos(0, 1, global_=True))
    await client.expect(commands.Basic.QosOk)
    await consume(client, name, "a")
    assert (await client.expect_delivery())[0].delivery_tag == 1
    assert await client.becomes_ready(1, name, 2)
    client.send(1, commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)
    assert [(await client.expect_delivery())[0].delivery_tag for _ in range(2)] == [2, 3]


@on_every_broker
async def test_prefetch_does_not_bind_consumers_without_acks(broker: Broker) -> None:
    """With no_ack there is nothing to limit."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"1", b"2", b"3")
    client.send(1, commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)
    client.send(1, commands.Basic.Consume(queue=name, no_ack=True))
    await client.expect(commands.Basic.ConsumeOk)
    assert [(await client.expect_delivery())[2] for _ in range(3)] == [b"1", b"2", b"3"]


@on_every_broker
async def test_blocked_consumers_lose_their_turn(broker: Broker) -> None:
    """A consumer at its limit is passed over and joins the round again with its ack."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name)
    client.send(1, commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)
    await consume(client, name, "slow")
    client.send(1, commands.Basic.Qos(0, 0))
    await client.expect(commands.Basic.QosOk)
    await consume(client, name, "fast")
    for number in range(4):
        client.publish(1, "", name, b"%d" % number)
    tags = [(await client.expect_delivery())[0].consumer_tag for _ in range(4)]
    assert tags == ["slow", "fast", "fast", "fast"]
    client.send(1, Ack(1))
    for number in range(2):
        client.publish(1, "", name, b"%d" % number)
    tags = [(await client.expect_delivery())[0].consumer_tag for _ in range(2)]
    assert sorted(tags) == ["fast", "slow"]


@on_every_broker
async def test_rejected_messages_are_gone(broker: Broker) -> None:
    """Without requeue and dead-letter exchange a rejected message is dropped."""
    channel = await broker.channel()
    queue = await filled(channel, broker.name(), b"1", b"2")
    await (await queue.get()).reject(requeue=False)
    await (await queue.get()).nack(requeue=False)
    assert await queue.get(fail=False) is None


@on_every_broker
async def test_requeued_message_goes_back_to_its_place(broker: Broker) -> None:
    """A returned message is the first again, and marked as delivered before."""
    channel = await broker.channel()
    queue = await filled(channel, broker.name(), b"1", b"2", b"3")
    first = await queue.get()
    assert not first.redelivered
    await first.reject(requeue=True)
    again = [await queue.get(no_ack=True) for _ in range(3)]
    assert [m.body for m in again] == [b"1", b"2", b"3"]
    assert [m.redelivered for m in again] == [True, False, False]


@on_every_broker
async def test_requeued_messages_keep_their_order(broker: Broker) -> None:
    """Several returned at once, or one by one in any order, are in order of arrival again."""
    channel = await broker.channel()
    queue = await filled(channel, broker.name(), *[b"%d" % i for i in range(6)])
    taken = [await queue.get() for _ in range(5)]
    for position in (3, 0, 4, 1, 2):
        await taken[position].nack(requeue=True)
    again = [(await queue.get(no_ack=True)).body for _ in range(6)]
    assert again == [b"%d" % i for i in range(6)]


@on_every_broker
async def test_requeue_multiple(broker: Broker) -> None:
    """Nack with multiple returns all up to the tag."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"1", b"2", b"3")
    for _ in range(3):
        client.send(1, commands.Basic.Get(queue=name))
        await client.expect(commands.Basic.GetOk)
        await client.expect_content()
    client.send(1, Nack(2, multiple=True, requeue=True), commands.Basic.Get(queue=name))
    got = await client.expect(commands.Basic.GetOk)
    assert (await client.expect_content())[1] == b"1"
    assert (got.redelivered, got.message_count, got.delivery_tag) == (True, 1, 4)


@on_every_broker
async def test_ack_multiple(broker: Broker) -> None:
    """Ack with multiple settles all up to the tag, and with tag 0 everything."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, *[b"x"] * 5)
    await consume(client, name)
    for _ in range(5):
        await client.expect_delivery()
    client.send(1, Ack(3, multiple=True), Ack(0, multiple=True), Ack(0, multiple=True))
    client.send(1, commands.Basic.Recover(requeue=True))
    await client.expect(commands.Basic.RecoverOk)
    assert await client.becomes_ready(1, name, 0)


UNKNOWN = {
    "ack": (Ack(1), (60, 80)),
    "ack multiple": (Ack(7, multiple=True), (60, 80)),
    "ack of nothing": (Ack(0), (60, 80)),
    "nack": (Nack(1), (60, 120)),
    "reject": (Reject(1), (60, 90)),
}


@pytest.mark.parametrize(("method", "ids"), UNKNOWN.values(), ids=UNKNOWN)
@on_every_broker
async def test_unknown_delivery_tags(
    broker: Broker, method: Ack | Nack | Reject, ids: tuple[int, int]
) -> None:
    """406 for a delivery that was never made."""
    text = f"PRECONDITION_FAILED - unknown delivery tag {method.delivery_tag}"
    assert await broker.refusal(method) == (406, text, *ids)


@on_every_broker
async def test_a_delivery_is_settled_once(broker: Broker) -> None:
    """The second ack of one tag is an error."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"x")
    await consume(client, name)
    await client.expect_delivery()
    client.send(1, Ack(1), Ack(1))
    expected = (406, "PRECONDITION_FAILED - unknown delivery tag 1", 60, 80)
    assert await client.closed_channel() == expected


@on_every_broker
async def test_deliveries_without_ack_cannot_be_acked(broker: Broker) -> None:
    """With no_ack the tag is not known afterwards."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"x")
    client.send(1, commands.Basic.Get(queue=name, no_ack=True))
    await client.expect(commands.Basic.GetOk)
    await client.expect_content()
    client.send(1, Ack(1))
    assert (await client.closed_channel())[0] == 406


@on_every_broker
async def test_closed_channel_gives_back(broker: Broker) -> None:
    """What a channel did not settle comes back when it closes, in order and marked."""
    connection = await broker.connect()
    channel = await connection.channel()
    queue = await filled(channel, broker.name(), b"1", b"2", b"3")
    other = await connection.channel()
    theirs = await other.get_queue(queue.name)
    for _ in range(2):
        await theirs.get()
    await other.close()
    again = [await queue.get(no_ack=True) for _ in range(3)]
    assert [(m.body, m.redelivered) for m in again] == [
        (b"1", True),
        (b"2", True),
        (b"3", False),
    ]


@on_every_broker
async def test_lost_connection_gives_back(broker: Broker) -> None:
    """A message taken but not acknowledged comes back when the consumer is gone."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), auto_delete=True)
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    lost = await broker.raw(1)
    lost.send(1, commands.Basic.Get(queue=queue.name))
    await lost.expect(commands.Basic.GetOk)
    await lost.close()
    received: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    await queue.consume(received.put, no_ack=True)
    message = await received.get()
    assert (message.body, message.redelivered) == (b"x", True)


@on_every_broker
async def test_recover_redelivers(broker: Broker) -> None:
    """basic.recover sends what was not settled again, to any consumer."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"x")
    await consume(client, name)
    await client.expect_delivery()
    client.write(raw_frame(1, 1, b"\x00\x3c\x00\x64\x01"))  # basic.recover-async
    deliver, _, body = await client.expect_delivery()
    assert (deliver.delivery_tag, deliver.redelivered, body) == (2, True, b"x")


@on_every_broker
async def test_get_counts_what_is_left(broker: Broker) -> None:
    """get-ok tells how many ready messages remain."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name, b"1", b"2", b"3")
    client.send(1, commands.Basic.Get(queue=name))
    got = await client.expect(commands.Basic.GetOk)
    assert (got.message_count, got.delivery_tag, got.redelivered) == (2, 1, False)
    assert (got.exchange, got.routing_key) == ("", name)
    assert (await client.expect_content())[1] == b"1"


@on_every_broker
async def test_get_of_nothing(broker: Broker) -> None:
    """An empty queue answers get-empty."""
    client = await broker.raw(1)
    name = broker.name()
    await raw_filled(client, name)
    client.send(1, commands.Basic.Get(queue=name))
    await client.expect(commands.Basic.GetEmpty)


@on_every_broker
async def test_get_from_no_queue(broker: Broker) -> None:
    """404 for a queue that is not there."""
    name = broker.name()
    expected = (404, f"NOT_FOUND - no queue '{name}' in vhost '/'", 60, 70)
    assert await broker.refusal(commands.Basic.Get(queue=name)) == expected


@pytest.mark.parametrize("size", [0, 1, 4087, 4088, 4089, 20_000, 300_000])
@on_every_broker
async def test_bodies_of_every_size(broker: Broker, size: int) -> None:
    """Bodies are cut into frames of the agreed size, both ways."""
    body = bytes(i % 251 for i in range(size))
    client = await broker.raw(1, frame_max=4096)
    name = broker.name()
    await raw_filled(client, name)
    client.send(1, commands.Basic.Publish(routing_key=name))
    client.write(frame.marshal(ContentHeader(body_size=size), 1))
    for start in range(0, size, 4088):
        client.write(raw_frame(3, 1, body[start : start + 4088]))
    client.send(1, commands.Basic.Consume(queue=name, no_ack=True))
    await client.expect(commands.Basic.ConsumeOk)
    assert (await client.expect_delivery())[2] == body


@on_every_broker
async def test_large_message_through_aio_pika(broker: Broker) -> None:
    """Two megabytes arrive as they were sent."""
    channel = await broker.channel()
    queue = await channel.declare_queue(exclusive=True)
    body = b"0123456789abcdef" * 131_072
    await channel.default_exchange.publish(Message(body), queue.name)
    assert (await queue.get(no_ack=True)).body == body


@on_every_broker
async def test_many_messages_to_a_consumer_that_reads_late(broker: Broker) -> None:
    """More than the sockets hold waits in the queue, and all of it arrives in order."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), exclusive=False, auto_delete=True)
    for number in range(60):
        body = number.to_bytes(4, "big") * 25_000
        await channel.default_exchange.publish(Message(body), queue.name)
    client = await broker.raw(1)
    client.send(1, commands.Basic.Consume(queue=queue.name, no_ack=True))
    await asyncio.sleep(0.3)
    await client.expect(commands.Basic.ConsumeOk)
    received = [(await client.expect_delivery())[2] for _ in range(60)]
    assert [int.from_bytes(body[:4], "big") for body in received] == list(range(60))
