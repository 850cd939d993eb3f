"""Publisher confirms."""

import asyncio

from aio_pika import Message
from pamqp import commands

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker
from tests.conformance.rabbitmq.raw_client import RawClient


async def settled(client: RawClient, count: int) -> tuple[list[int], list[int]]:
    """Tags confirmed and refused, once *count* are settled."""
    open_tags = list(range(1, count + 1))
    confirmed: list[int] = []
    refused: list[int] = []
    while open_tags:
        received = await client.receive()
        assert received is not None
        answer = received[1]
        tags = [answer.delivery_tag]
        if answer.multiple:
            tags = [tag for tag in open_tags if tag <= answer.delivery_tag]
        (confirmed if isinstance(answer, commands.Basic.Ack) else refused).extend(tags)
        open_tags = [tag for tag in open_tags if tag not in tags]
    return confirmed, refused


async def confirming(broker: Broker) -> RawClient:
    """A client whose channel 1 confirms."""
    client = await broker.raw(1)
    client.send(1, commands.Confirm.Select())
    await client.expect(commands.Confirm.SelectOk)
    return client


@on_every_broker
async def test_every_message_is_confirmed(broker: Broker) -> None:
    """A burst is confirmed completely, one by one or in groups."""
    client = await confirming(broker)
    name = broker.name()
    client.send(1, commands.Queue.Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    for number in range(50):
        client.publish(1, "", name, b"%d" % number, delivery_mode=1 + number % 2)
    assert sorted((await settled(client, 50))[0]) == list(range(1, 51))


@on_every_broker
async def test_numbers_begin_with_confirm_select(broker: Broker) -> None:
    """Messages before confirm.select are not counted."""
    client = await broker.raw(1)
    client.publish(1, "amq.fanout", "", b"x")
    client.send(1, commands.Confirm.Select())
    await client.expect(commands.Confirm.SelectOk)
    client.publish(1, "amq.fanout", "", b"x")
    ack = await client.expect(commands.Basic.Ack)
    assert (ack.delivery_tag, ack.multiple) == (1, False)


@on_every_broker
async def test_confirm_select_twice(broker: Broker) -> None:
    """The second time changes nothing, the count goes on."""
    client = await confirming(broker)
    client.publish(1, "amq.fanout", "", b"x")
    await client.expect(commands.Basic.Ack)
    client.send(1, commands.Confirm.Select())
    await client.expect(commands.Confirm.SelectOk)
    client.publish(1, "amq.fanout", "", b"x")
    assert (await client.expect(commands.Basic.Ack)).delivery_tag == 2


@on_every_broker
async def test_full_queue_refuses(broker: Broker) -> None:
    """A queue with reject-publish answers with nack when it is full."""
    client = await confirming(broker)
    name = broker.name()
    arguments = {"x-max-length": 2, "x-overflow": "reject-publish"}
    client.send(1, commands.Queue.Declare(queue=name, exclusive=True, arguments=arguments))
    await client.expect(commands.Queue.DeclareOk)
    for _ in range(4):
        client.publish(1, "", name, b"x")
    confirmed, refused = await settled(client, 4)
    assert (sorted(confirmed), sorted(refused)) == ([1, 2], [3, 4])


@on_every_broker
async def test_one_full_queue_of_two_refuses(broker: Broker) -> None:
    """The message is refused though the other queue took it."""
    channel = await broker.channel(confirms=False)
    exchange = await channel.declare_exchange(broker.name("x"), auto_delete=True)
    full = await channel.declare_queue(
        exclusive=True, arguments={"x-max-length": 0, "x-overflow": "reject-publish"}
    )
    roomy = await channel.declare_queue(broker.name("roomy"), auto_delete=True)
    for queue in (full, roomy):
        await queue.bind(exchange, "k")
    client = await confirming(broker)
    client.publish(1, exchange.name, "k", b"x")
    await client.expect(commands.Basic.Nack)
    assert (await roomy.get(no_ack=True)).body == b"x"


@on_every_broker
async def test_gathered_publishes_through_aio_pika(broker: Broker) -> None:
    """Many publishes at once are confirmed to the right callers."""
    channel = await broker.channel()
    queue = await channel.declare_queue(exclusive=True)
    publish = channel.default_exchange.publish
    answers = await asyncio.gather(
        *(publish(Message(b"%d" % number), queue.name) for number in range(200))
    )
    assert all(isinstance(answer, commands.Basic.Ack) for answer in answers)
    declared = await channel.declare_queue(queue.name, passive=True)
    assert declared.declaration_result.message_count == 200
