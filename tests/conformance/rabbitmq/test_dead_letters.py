"""Where messages go that a queue gives up, and what they carry then."""

import asyncio
from typing import Any

import pytest
from aio_pika import ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker

SOON = 0.3  # seconds


async def cemetery(channel: AbstractChannel, broker: Broker) -> AbstractQueue:
    """A queue behind a fanout exchange of the same name."""
    name = broker.name("dead")
    exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, auto_delete=True)
    queue = await channel.declare_queue(name, exclusive=True)
    await queue.bind(exchange)
    return queue


async def mortal(channel: AbstractChannel, broker: Broker, **arguments: Any) -> AbstractQueue:
    """A queue that dead-letters there."""
    named = {"x-" + name.replace("_", "-"): value for name, value in arguments.items()}
    named.setdefault("x-dead-letter-exchange", broker.name("dead"))
    return await channel.declare_queue(broker.name(), exclusive=True, arguments=named)


async def arrival(queue: AbstractQueue) -> AbstractIncomingMessage:
    """The next message in *queue*, as soon as it is there."""
    for _ in range(100):
        message = await queue.get(no_ack=True, fail=False)
        if message is not None:
            return message
        await asyncio.sleep(0.02)
    raise AssertionError("nothing came")


def death(message: AbstractIncomingMessage, number: int = 0) -> dict[str, Any]:
    """One entry of x-death, without its time."""
    deaths: Any = message.headers["x-death"]
    return {key: value for key, value in deaths[number].items() if key != "time"}


@on_every_broker
async def test_rejected(broker: Broker) -> None:
    """Rejected without requeue: the message arrives with the story of its death."""
    channel = await broker.channel()
    dead = await cemetery(channel, broker)
    queue = await mortal(channel, broker)
    message = Message(b"body", headers={"mine": 1}, content_type="text/plain")
    await channel.default_exchange.publish(message, queue.name)
    await (await queue.get()).reject(requeue=False)
    found = await arrival(dead)
    assert (found.body, found.content_type, found.headers["mine"]) == (b"body", "text/plain", 1)
    assert (found.exchange, found.routing_key) == (dead.name, queue.name)
    assert found.redelivered is False
    assert death(found) == {
        "count": 1,
        "reason": "rejected",
        "queue": queue.name,
        "exchange": "",
        "routing-keys": [queue.name],
    }
    assert found.headers["x-first-death-reason"] == "rejected"
    assert found.headers["x-first-death-queue"] == queue.name
    assert found.headers["x-first-death-exchange"] == ""


@on_every_broker
async def test_expired_in_its_queue(broker: Broker) -> None:
    """The time to live of the queue gives the reason expired."""
    channel = await broker.channel()
    dead = await cemetery(channel, broker)
    queue = await mortal(channel, broker, message_ttl=50)
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    assert death(await arrival(dead))["reason"] == "expired"


@on_every_broker
async def test_expired_by_its_own_time(broker: Broker) -> None:
    """The expiration is taken off and kept in the story."""
    channel = await broker.channel()
    dead = await cemetery(channel, broker)
    queue = await mortal(channel, broker)
    await channel.default_exchange.publish(Message(b"x", expiration=0.05), queue.name)
    found = await arrival(dead)
    assert found.expiration is None
    assert death(found)["original-expiration"] == "50"


@on_every_broker
async def test_dropped_for_room(broker: Broker) -> None:
    """A full queue gives the reason maxlen to what it drops."""
    channel = await broker.channel()
    dead = await cemetery(channel, broker)
    queue = await mortal(channel, broker, max_length=1)
    for body in (b"old", b"new"):
        await channel.default_exchange.publish(Message(body), queue.name)
    found = await arrival(dead)
    assert (found.body, death(found)["reason"]) == (b"old", "maxlen")


@on_every_broker
async def test_refused_and_dead_lettered(broker: Broker) -> None:
    """reject-publish-dlx refuses the new message and dead-letters it."""
    channel = await broker.channel(confirms=False)
    dead = await cemetery(channel, broker)
    queue = await mortal(channel, broker, max_length=1, overflow="reject-publish-dlx")
    for body in (b"old", b"new"):
        await channel.default_exchange.publish(Message(body), queue.name)
    found = await arrival(dead)
    assert (found.body, death(found)["reason"]) == (b"new", "maxlen")
    assert (await queue.get(no_ack=True)).body == b"old"


@on_every_broker
async def test_with_a_key_of_its_own(broker: Broker) -> None:
    """x-dead-letter-routing-key replaces the key; the story keeps the old one."""
    channel = await broker.channel()
    dead = await cemetery(channel, broker)
    queue = await mortal(channel, broker, dead_letter_routing_key="obituaries")
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    await (await queue.get()).nack(requeue=False)
    found = await arrival(dead)
    assert found.routing_key == "obituaries"
    assert death(found)["routing-keys"] == [queue.name]


@on_every_broker
async def test_through_the_default_exchange(broker: Broker) -> None:
    """With an empty exchange name the key is a queue's name: the usual way to retry later."""
    channel = await broker.channel()
    target = await channel.declare_queue(exclusive=True)
    queue = await mortal(
        channel, broker, dead_letter_exchange="", dead_letter_routing_key=target.name
    )
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    await (await queue.get()).nack(requeue=False)
    assert (await arrival(target)).body == b"x"


@on_every_broker
async def test_exchange_that_is_not_there(broker: Broker) -> None:
    """Without the exchange the message is dropped; that it is missing is no error."""
    channel = await broker.channel()
    queue = await mortal(channel, broker, dead_letter_exchange=broker.name("missing"))
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    await (await queue.get()).nack(requeue=False)
    assert await queue.get(fail=False) is None


@on_every_broker
async def test_deaths_are_counted(broker: Broker) -> None:
    """A message that is published again as it was found counts its deaths (until RabbitMQ 4)."""
    channel = await broker.channel()
    dead = await cemetery(channel, broker)
    queue = await mortal(channel, broker)
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    for _ in range(3):
        await (await queue.get()).reject(requeue=False)
        found = await arrival(dead)
        await channel.default_exchange.publish(found, queue.name)
    found = await queue.get(no_ack=True)
    assert death(found)["count"] == 3


@on_every_broker
async def test_several_deaths(broker: Broker) -> None:
    """The latest death comes first; the headers about the first one stay."""
    channel = await broker.channel()
    dead = await cemetery(channel, broker)
    second = await channel.declare_queue(
        broker.name("second"),
        exclusive=True,
        arguments={"x-dead-letter-exchange": dead.name, "x-message-ttl": 50},
    )
    first = await mortal(
        channel, broker, dead_letter_exchange="", dead_letter_routing_key=second.name
    )
    await channel.default_exchange.publish(Message(b"x"), first.name)
    await (await first.get()).reject(requeue=False)
    found = await arrival(dead)
    assert [death(found, number)["queue"] for number in (0, 1)] == [second.name, first.name]
    assert [death(found, number)["reason"] for number in (0, 1)] == ["expired", "rejected"]
    assert found.headers["x-first-death-queue"] == first.name
    assert found.headers["x-first-death-reason"] == "rejected"


@on_every_broker
async def test_circles_without_rejection_are_cut(broker: Broker) -> None:
    """A message that would expire for ever is dropped when it comes round."""
    channel = await broker.channel()
    name = broker.name()
    arguments = {
        "x-message-ttl": 20,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": name,
    }
    await channel.declare_queue(name, exclusive=True, arguments=arguments)
    await channel.default_exchange.publish(Message(b"x"), name)
    await asyncio.sleep(SOON)
    declared = await channel.declare_queue(name, passive=True)
    assert declared.declaration_result.message_count == 0


@on_every_broker
async def test_circles_with_rejection_go_on(broker: Broker) -> None:
    """Rejecting is somebody's will: the message comes round as often as that."""
    channel = await broker.channel()
    retry = await channel.declare_queue(
        broker.name("retry"),
        exclusive=True,
        arguments={
            "x-message-ttl": 20,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": broker.name(),
        },
    )
    queue = await mortal(
        channel, broker, dead_letter_exchange="", dead_letter_routing_key=retry.name
    )
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    for _ in range(3):
        for _ in range(100):
            message = await queue.get(fail=False)
            if message is not None:
                break
            await asyncio.sleep(0.02)
        assert message is not None
        await message.reject(requeue=False)
    found = await asyncio.wait_for(taken(queue), 5)
    assert {death(found, n)["reason"]: death(found, n)["count"] for n in (0, 1)} == {
        "expired": 3,
        "rejected": 3,
    }


async def taken(queue: AbstractQueue) -> AbstractIncomingMessage:
    """The next message of *queue*."""
    return await arrival(queue)


@pytest.mark.parametrize("requeue", [True, False])
@on_every_broker
async def test_only_what_is_given_up_is_dead_lettered(broker: Broker, requeue: bool) -> None:
    """Returning, purging and acknowledging are no deaths."""
    channel = await broker.channel()
    dead = await cemetery(channel, broker)
    queue = await mortal(channel, broker)
    for _ in range(2):
        await channel.default_exchange.publish(Message(b"x"), queue.name)
    if requeue:
        await (await queue.get()).nack(requeue=True)
    else:
        await (await queue.get()).ack()
    await queue.purge()
    assert await dead.get(fail=False) is None
