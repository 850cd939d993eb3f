"""Subscriptions: tags, exclusivity, priorities, cancelling and being cancelled."""

import asyncio

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage
from pamqp import commands

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker
from tests.conformance.rabbitmq.raw_client import RawClient

Consume = commands.Basic.Consume
Declare = commands.Queue.Declare


async def subscribed(client: RawClient, name: str, tag: str, **options: object) -> None:
    """Subscribe and wait for the answer."""
    client.send(1, Consume(queue=name, consumer_tag=tag, **options))  # type: ignore[arg-type]
    await client.expect(commands.Basic.ConsumeOk)


async def tags(client: RawClient, name: str, count: int) -> list[str]:
    """Who gets the next *count* messages, each published when the one before has come."""
    received = []
    for _ in range(count):
        client.publish(1, "", name, b"x")
        received.append((await client.expect_delivery())[0].consumer_tag)
    return received


@on_every_broker
async def test_broker_names_consumers(broker: Broker) -> None:
    """A consumer without a tag gets one of the broker's making."""
    client = await broker.raw(1)
    client.send(1, Declare(queue=broker.name(), exclusive=True), Consume(queue=broker.name()))
    await client.expect(commands.Queue.DeclareOk)
    tag = (await client.expect(commands.Basic.ConsumeOk)).consumer_tag
    assert tag.startswith("amq.ctag-")
    assert len(tag) == len("amq.ctag-") + 22


@on_every_broker
async def test_tags_are_unique_on_a_channel(broker: Broker) -> None:
    """A tag in use closes the connection."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(1, Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    await subscribed(client, name, "twin")
    client.send(1, Consume(queue=name, consumer_tag="twin"))
    expected = (530, "NOT_ALLOWED - attempt to reuse consumer tag 'twin'", 60, 20)
    assert await client.closed_connection() == expected


@on_every_broker
async def test_a_tag_in_use_is_seen_before_the_queue(broker: Broker) -> None:
    """It closes the connection whether the queue is there or not."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(1, Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    await subscribed(client, name, "twin")
    client.send(1, Consume(queue=broker.name("none"), consumer_tag="twin"))
    assert (await client.closed_connection())[0] == 530


@on_every_broker
async def test_single_active_consumers_are_not_exclusive(broker: Broker) -> None:
    """An exclusive consumer is refused where one at a time is served, even as the first."""
    name = broker.name()
    assert await broker.refusal(
        Declare(queue=name, exclusive=True, arguments={"x-single-active-consumer": True}),
        Consume(queue=name, exclusive=True),
    ) == (403, f"ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use", 60, 20)


@on_every_broker
async def test_consuming_from_no_queue(broker: Broker) -> None:
    """404 for a queue that is not there."""
    name = broker.name()
    expected = (404, f"NOT_FOUND - no queue '{name}' in vhost '/'", 60, 20)
    assert await broker.refusal(Consume(queue=name)) == expected


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True)])
@on_every_broker
async def test_exclusive_consumers_are_alone(broker: Broker, first: bool, second: bool) -> None:
    """Neither joins one nor is joined by one."""
    name = broker.name()
    assert await broker.refusal(
        Declare(queue=name, auto_delete=True),
        Consume(queue=name, exclusive=first),
        Consume(queue=name, exclusive=second),
    ) == (403, f"ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use", 60, 20)


@on_every_broker
async def test_cancelled_consumers_get_nothing(broker: Broker) -> None:
    """After cancel-ok messages stay in the queue; what was delivered stays delivered."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(1, Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    await subscribed(client, name, "c")
    client.publish(1, "", name, b"1")
    await client.expect_delivery()
    client.send(1, commands.Basic.Cancel(consumer_tag="c"))
    assert (await client.expect(commands.Basic.CancelOk)).consumer_tag == "c"
    client.publish(1, "", name, b"2")
    assert await client.becomes_ready(1, name, 1)
    client.send(1, Declare(queue=name, passive=True))
    assert (await client.expect(commands.Queue.DeclareOk)).consumer_count == 0
    client.send(1, commands.Basic.Ack(1), commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)


@on_every_broker
async def test_cancelling_nobody_is_no_error(broker: Broker) -> None:
    """An unknown tag is cancelled already."""
    client = await broker.raw(1)
    client.send(1, commands.Basic.Cancel(consumer_tag="nobody"))
    await client.expect(commands.Basic.CancelOk)


@on_every_broker
async def test_deleted_queue_cancels_its_consumers(broker: Broker) -> None:
    """Clients that announced the capability are told."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(1, Declare(queue=name))
    await client.expect(commands.Queue.DeclareOk)
    await subscribed(client, name, "c")
    other = await broker.channel()
    await other.queue_delete(name)
    cancel = await client.expect(commands.Basic.Cancel)
    assert (cancel.consumer_tag, cancel.nowait) == ("c", True)


@on_every_broker
async def test_other_clients_are_not_told(broker: Broker) -> None:
    """Without the capability a consumer of a deleted queue hears nothing."""
    client = await broker.raw(1, capabilities=())
    name = broker.name()
    client.send(1, Declare(queue=name))
    await client.expect(commands.Queue.DeclareOk)
    await subscribed(client, name, "c")
    other = await broker.channel()
    await other.queue_delete(name)
    client.send(1, commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)


@on_every_broker
async def test_deliveries_of_a_deleted_queue_can_be_settled(broker: Broker) -> None:
    """The tags stay good; nothing happens to the messages."""
    client = await broker.raw(1, capabilities=())
    name = broker.name()
    client.send(1, Declare(queue=name))
    await client.expect(commands.Queue.DeclareOk)
    await subscribed(client, name, "c")
    for _ in range(3):
        client.publish(1, "", name, b"x")
        await client.expect_delivery()
    other = await broker.channel()
    await other.queue_delete(name)
    client.send(1, commands.Basic.Ack(1), commands.Basic.Nack(2), commands.Basic.Reject(3))
    client.send(1, commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)


@on_every_broker
async def test_priorities_are_served_first(broker: Broker) -> None:
    """While a consumer of higher priority can take messages, the others get none."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(1, Declare(queue=name, exclusive=True), commands.Basic.Qos(0, 2))
    await client.expect(commands.Queue.DeclareOk)
    await client.expect(commands.Basic.QosOk)
    await subscribed(client, name, "low", arguments={"x-priority": -5})
    await subscribed(client, name, "normal")
    await subscribed(client, name, "high", arguments={"x-priority": 10})
    assert await tags(client, name, 5) == ["high", "high", "normal", "normal", "low"]


@on_every_broker
async def test_priority_must_be_a_number(broker: Broker) -> None:
    """406 for a priority that is text."""
    name = broker.name()
    code, text, *_ = await broker.refusal(
        Declare(queue=name, exclusive=True),
        Consume(queue=name, arguments={"x-priority": "first"}),
    )
    assert (code, text) == (
        406,
        (
            f"PRECONDITION_FAILED - invalid arg 'x-priority' for queue '{name}' in vhost '/':"
            ' "expected integer, got longstr"'
        ),
    )


@on_every_broker
async def test_single_active_consumer(broker: Broker) -> None:
    """One consumer gets everything until it leaves, then the next one does."""
    client = await broker.raw(1)
    name = broker.name()
    arguments = {"x-single-active-consumer": True}
    client.send(1, Declare(queue=name, exclusive=True, arguments=arguments))
    await client.expect(commands.Queue.DeclareOk)
    for tag in ("a", "b", "c"):
        await subscribed(client, name, tag)
    assert await tags(client, name, 3) == ["a", "a", "a"]
    client.send(1, commands.Basic.Cancel(consumer_tag="a"))
    await client.expect(commands.Basic.CancelOk)
    assert await tags(client, name, 2) == ["b", "b"]


@on_every_broker
async def test_single_active_consumer_leaves_with_messages_waiting(broker: Broker) -> None:
    """The successor gets what waits, and what the predecessor did not settle."""
    connection = await broker.connect()
    channel = await connection.channel()
    queue = await channel.declare_queue(broker.name(), arguments={"x-single-active-consumer": True})
    first = await connection.channel()
    await first.set_qos(1)
    seen: list[bytes] = []

    async def keep(message: AbstractIncomingMessage) -> None:
        seen.append(message.body)

    await (await first.get_queue(queue.name)).consume(keep)
    received: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    await queue.consume(received.put, no_ack=True)
    for body in (b"1", b"2"):
        await channel.default_exchange.publish(Message(body), queue.name)
    await asyncio.sleep(0.1)
    assert seen == [b"1"]
    await first.close()
    assert [(await received.get()).body for _ in range(2)] == [b"1", b"2"]
    await queue.delete(if_unused=False)
