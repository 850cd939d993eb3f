"""Queues: declared, declared again, deleted, purged, exclusive, auto-delete."""

import asyncio
from typing import Any

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage
from pamqp import commands

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker
from tests.conformance.rabbitmq.raw_client import raw_frame

Declare = commands.Queue.Declare


async def acknowledge(message: AbstractIncomingMessage) -> None:
    """A consumer without opinions."""
    await message.ack()


@on_every_broker
async def test_declaration_tells_what_is_there(broker: Broker) -> None:
    """declare-ok counts ready messages and consumers."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), exclusive=True)
    for _ in range(3):
        await channel.default_exchange.publish(Message(b"x"), queue.name)
    again = await channel.declare_queue(queue.name, exclusive=True)
    assert again.declaration_result.message_count == 3
    assert again.declaration_result.consumer_count == 0


@on_every_broker
async def test_consumers_are_counted(broker: Broker) -> None:
    """declare-ok counts every consumer of the queue."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), exclusive=True)
    for _ in range(2):
        await queue.consume(acknowledge)
    again = await channel.declare_queue(queue.name, passive=True)
    assert again.declaration_result.consumer_count == 2


@on_every_broker
async def test_broker_names_queues(broker: Broker) -> None:
    """A queue without a name gets one of the broker's making."""
    channel = await broker.channel()
    first = await channel.declare_queue(exclusive=True)
    second = await channel.declare_queue(exclusive=True)
    assert first.name.startswith("amq.gen-")
    assert len(first.name) == len("amq.gen-") + 22
    assert first.name != second.name


@on_every_broker
async def test_passive_declaration_of_nothing(broker: Broker) -> None:
    """404 for a queue that is not there."""
    name = broker.name()
    expected = (404, f"NOT_FOUND - no queue '{name}' in vhost '/'", 50, 10)
    assert await broker.refusal(Declare(queue=name, passive=True)) == expected


@pytest.mark.parametrize(
    ("field", "first", "then", "received", "current"),
    [
        ("durable", {"durable": True}, {}, "false", "true"),
        ("auto_delete", {}, {"auto_delete": True}, "true", "false"),
    ],
    ids=["durable", "auto_delete"],
)
@on_every_broker
async def test_declaring_differently(
    broker: Broker,
    field: str,
    first: dict[str, Any],
    then: dict[str, Any],
    received: str,
    current: str,
) -> None:
    """406 names the first difference."""
    name = broker.name(field)
    assert await broker.refusal(Declare(queue=name, **first), Declare(queue=name, **then)) == (
        406,
        (
            f"PRECONDITION_FAILED - inequivalent arg '{field}' for queue '{name}' in vhost '/':"
            f" received '{received}' but current is '{current}'"
        ),
        50,
        10,
    )


ARGUMENTS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "added": (
        {},
        {"x-message-ttl": 1000},
        "'x-message-ttl' for {}: received the value '1000' of type 'short' but current is none",
    ),
    "left out": (
        {"x-max-length": 100000},
        {},
        (
            "'x-max-length' for {}: received none but current is the value '100000' of type"
            " 'signedint'"
        ),
    ),
    "another number": (
        {"x-max-priority": 5},
        {"x-max-priority": 6},
        "'x-max-priority' for {}: received '6' but current is '5'",
    ),
    "another text": (
        {"x-dead-letter-exchange": "a"},
        {"x-dead-letter-exchange": "b"},
        "'x-dead-letter-exchange' for {}: received 'b' but current is 'a'",
    ),
    "another flag": (
        {"x-single-active-consumer": True},
        {},
        (
            "'x-single-active-consumer' for {}: received none but current is the value 'true' of"
            " type 'bool'"
        ),
    ),
}


@pytest.mark.parametrize(("first", "then", "text"), ARGUMENTS.values(), ids=ARGUMENTS)
@on_every_broker
async def test_declaring_with_other_arguments(
    broker: Broker, first: dict[str, Any], then: dict[str, Any], text: str
) -> None:
    """Arguments the broker obeys are part of the description."""
    name = broker.name("-".join([*first, "then", *then]))
    assert await broker.refusal(
        Declare(queue=name, arguments=first), Declare(queue=name, arguments=then)
    ) == (
        406,
        "PRECONDITION_FAILED - inequivalent arg " + text.format(f"queue '{name}' in vhost '/'"),
        50,
        10,
    )


@on_every_broker
async def test_unknown_arguments_are_not_compared(broker: Broker) -> None:
    """What the broker does not know it does not compare."""
    channel = await broker.channel()
    name = broker.name()
    await channel.declare_queue(name, arguments={"x-mine": 1}, auto_delete=True)
    await channel.declare_queue(name, arguments={"x-mine": 2}, auto_delete=True)


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "negative ttl": ({"x-message-ttl": -1}, "'x-message-ttl' for {}: {{value_negative,-1}}"),
    "ttl that is text": (
        {"x-message-ttl": "soon"},
        "'x-message-ttl' for {}: \"expected integer, got longstr\"",
    ),
    "no life": ({"x-expires": 0}, "'x-expires' for {}: {{value_zero,0}}"),
    "negative length": ({"x-max-length": -3}, "'x-max-length' for {}: {{value_negative,-3}}"),
    "priority too high": (
        {"x-max-priority": 256},
        "'x-max-priority' for {}: {{max_value_exceeded,256}}",
    ),
    "unknown overflow": ({"x-overflow": "spill"}, "'x-overflow' for {}: invalid_overflow"),
    "key without exchange": (
        {"x-dead-letter-routing-key": "k"},
        "'x-dead-letter-routing-key' for {}: routing_key_but_no_dlx_defined",
    ),
    "flag that is a number": (
        {"x-single-active-consumer": 1},
        "'x-single-active-consumer' for {}: {{unacceptable_type,byte}}",
    ),
    "unknown type": (
        {"x-queue-type": "round", "x-max-length": -1},
        "'x-queue-type' for {}: \"unsupported queue type 'round'\"",
    ),
    "more than ten years": (
        {"x-message-ttl": 315_360_000_001},
        "'x-message-ttl' for {}: {{value_too_large,315360000001}}",
    ),
    "unknown mode": (
        {"x-queue-mode": "eager"},
        "'x-queue-mode' for {}: \"unsupported queue mode 'eager'\"",
    ),
    "unknown version": (
        {"x-queue-version": 9},
        "'x-queue-version' for {}: \"unsupported queue version '9'\"",
    ),
    "for other types": (
        {"x-delivery-limit": 3},
        "'x-delivery-limit' for {} of queue type rabbit_classic_queue",
    ),
}


@pytest.mark.parametrize(("arguments", "text"), INVALID.values(), ids=INVALID)
@on_every_broker
async def test_invalid_arguments(broker: Broker, arguments: dict[str, Any], text: str) -> None:
    """406 says which argument and what is wrong with it."""
    name = broker.name()
    assert await broker.refusal(Declare(queue=name, arguments=arguments)) == (
        406,
        "PRECONDITION_FAILED - invalid arg " + text.format(f"queue '{name}' in vhost '/'"),
        50,
        10,
    )


@on_every_broker
async def test_dead_letter_exchange_that_is_a_number(broker: Broker) -> None:
    """This argument has a text of its own."""
    name = broker.name()
    arguments: dict[str, Any] = {"x-dead-letter-exchange": 5}
    code, text, *_ = await broker.refusal(Declare(queue=name, arguments=arguments))
    assert (code, text) == (
        406,
        (
            "PRECONDITION_FAILED - invalid type 'byte' for arg 'x-dead-letter-exchange' in"
            f" queue '{name}' in vhost '/'"
        ),
    )


@on_every_broker
async def test_reserved_names(broker: Broker) -> None:
    """Names that begin with amq. are the broker's."""
    name = f"amq.{broker.name()}"
    assert await broker.refusal(Declare(queue=name)) == (
        403,
        f"ACCESS_REFUSED - queue name '{name}' contains reserved prefix 'amq.*'",
        50,
        10,
    )


LOCKED = (
    "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{}' in vhost '/'. It could"
    " be originally declared on another connection or the exclusive property value does not match"
    " that of the original declaration."
)


@pytest.mark.parametrize(
    ("method", "ids"),
    [
        (commands.Queue.Declare, (50, 10)),
        (commands.Queue.Purge, (50, 30)),
        (commands.Queue.Delete, (50, 40)),
        (commands.Basic.Get, (60, 70)),
        (commands.Basic.Consume, (60, 20)),
    ],
)
@on_every_broker
async def test_exclusive_queues_are_locked(
    broker: Broker, method: Any, ids: tuple[int, int]
) -> None:
    """Another connection gets 405 whatever it tries."""
    name = broker.name()
    owner = await broker.channel()
    await owner.declare_queue(name, exclusive=True)
    expected = LOCKED.format(name)[:255]
    assert await broker.refusal(method(queue=name)) == (405, expected, *ids)


@on_every_broker
async def test_exclusive_queues_go_with_their_connection(broker: Broker) -> None:
    """When the owner is gone, so is the queue."""
    name = broker.name()
    owner = await broker.connect()
    await (await owner.channel()).declare_queue(name, exclusive=True, durable=True)
    await owner.close()
    assert (await broker.refusal(Declare(queue=name, passive=True)))[0] == 404


@on_every_broker
async def test_exclusive_is_part_of_the_description(broker: Broker) -> None:
    """A queue of everybody cannot be declared exclusive: it belongs to somebody else."""
    name = broker.name()
    code, text, *_ = await broker.refusal(Declare(queue=name), Declare(queue=name, exclusive=True))
    assert (code, text) == (405, LOCKED.format(name)[:255])


@on_every_broker
async def test_auto_delete_queue_goes_with_its_last_consumer(broker: Broker) -> None:
    """It waits for a first consumer and goes with the last."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), auto_delete=True)
    await channel.declare_queue(queue.name, passive=True)
    tags = [await queue.consume(acknowledge) for _ in range(2)]
    await queue.cancel(tags[0])
    await channel.declare_queue(queue.name, passive=True)
    await queue.cancel(tags[1])
    assert (await broker.refusal(Declare(queue=queue.name, passive=True)))[0] == 404


@on_every_broker
async def test_auto_delete_queue_goes_with_the_channel(broker: Broker) -> None:
    """A closed channel takes its consumers with it."""
    connection = await broker.connect()
    channel = await connection.channel()
    queue = await channel.declare_queue(broker.name(), auto_delete=True)
    await queue.consume(acknowledge)
    await channel.close()
    assert (await broker.refusal(Declare(queue=queue.name, passive=True)))[0] == 404


@on_every_broker
async def test_purge_counts(broker: Broker) -> None:
    """purge-ok tells how many ready messages are gone."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), exclusive=True)
    for _ in range(4):
        await channel.default_exchange.publish(Message(b"x"), queue.name)
    assert (await queue.purge()).message_count == 4
    assert (await queue.purge()).message_count == 0


@on_every_broker
async def test_purge_leaves_what_is_delivered(broker: Broker) -> None:
    """Unacknowledged messages survive a purge and can come back."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), exclusive=True)
    for body in (b"1", b"2"):
        await channel.default_exchange.publish(Message(body), queue.name)
    taken = await queue.get()
    assert (await queue.purge()).message_count == 1
    await taken.nack(requeue=True)
    assert (await queue.get(no_ack=True)).body == b"1"


@on_every_broker
async def test_delete_counts(broker: Broker) -> None:
    """delete-ok tells how many ready messages are gone with the queue."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name())
    for _ in range(2):
        await channel.default_exchange.publish(Message(b"x"), queue.name)
    assert (await queue.delete(if_empty=False)).message_count == 2


@on_every_broker
async def test_deleting_nothing_is_no_error(broker: Broker) -> None:
    """A queue that is not there is deleted already."""
    channel = await broker.channel()
    assert (await channel.queue_delete(broker.name())).message_count == 0


@on_every_broker
async def test_delete_if_unused(broker: Broker) -> None:
    """A queue with consumers is in use."""
    name = broker.name()
    assert await broker.refusal(
        Declare(queue=name, auto_delete=True),
        commands.Basic.Consume(queue=name),
        commands.Queue.Delete(queue=name, if_unused=True),
    ) == (406, f"PRECONDITION_FAILED - queue '{name}' in vhost '/' in use", 50, 40)


@on_every_broker
async def test_delete_if_empty(broker: Broker) -> None:
    """A queue with ready messages is not empty."""
    name = broker.name()
    client = await broker.raw(1)
    client.send(1, Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    client.publish(1, "", name, b"x")
    client.send(1, commands.Queue.Delete(queue=name, if_empty=True))
    expected = (406, f"PRECONDITION_FAILED - queue '{name}' in vhost '/' not empty", 50, 40)
    assert await client.closed_channel() == expected


@on_every_broker
async def test_delivered_messages_do_not_keep_a_queue(broker: Broker) -> None:
    """What was delivered and not acknowledged does not count for if-empty."""
    name = broker.name()
    client = await broker.raw(1)
    client.send(1, Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    client.publish(1, "", name, b"x")
    client.send(1, commands.Basic.Get(queue=name))
    await client.expect(commands.Basic.GetOk)
    await client.expect_content()
    client.send(1, commands.Queue.Delete(queue=name, if_empty=True))
    assert (await client.expect(commands.Queue.DeleteOk)).message_count == 0


@on_every_broker
async def test_deletion_is_answered_before_consumers_hear_of_it(broker: Broker) -> None:
    """On the channel that deletes, delete-ok comes before basic.cancel."""
    name = broker.name()
    client = await broker.raw(1)
    client.send(1, Declare(queue=name), commands.Basic.Consume(queue=name, consumer_tag="c"))
    await client.expect(commands.Queue.DeclareOk)
    await client.expect(commands.Basic.ConsumeOk)
    client.send(1, commands.Queue.Delete(queue=name))
    await client.expect(commands.Queue.DeleteOk)
    assert (await client.expect(commands.Basic.Cancel)).consumer_tag == "c"


@on_every_broker
async def test_exclusive_queues_are_never_durable(broker: Broker) -> None:
    """Declared with either flag it is the same queue."""
    channel = await broker.channel()
    for durable in (True, False):
        await channel.declare_queue(broker.name(), exclusive=True, durable=durable)


@on_every_broker
async def test_nothing_declared_yet(broker: Broker) -> None:
    """An empty name needs a last declared queue."""
    code, text, *_ = await broker.refusal(commands.Queue.Purge(queue=""))
    assert (code, text) == (404, "NOT_FOUND - no previously declared queue")


@on_every_broker
async def test_unused_queues_expire(broker: Broker) -> None:
    """x-expires removes a queue that nobody used for so long."""
    channel = await broker.channel()
    name = broker.name()
    await channel.declare_queue(name, arguments={"x-expires": 100})
    await asyncio.sleep(0.3)
    assert (await broker.refusal(Declare(queue=name, passive=True)))[0] == 404


@on_every_broker
async def test_consumers_keep_a_queue_alive(broker: Broker) -> None:
    """While a consumer is there the queue does not expire."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), arguments={"x-expires": 100})
    tag = await queue.consume(acknowledge)
    await asyncio.sleep(0.3)
    await channel.declare_queue(queue.name, passive=True)
    await queue.cancel(tag)
    await asyncio.sleep(0.3)
    assert (await broker.refusal(Declare(queue=queue.name, passive=True)))[0] == 404


@on_every_broker
async def test_no_wait_is_not_answered(broker: Broker) -> None:
    """With nowait the next answer belongs to the next method."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(
        1,
        Declare(queue=name, exclusive=True, nowait=True),
        commands.Queue.Bind(queue=name, exchange="amq.direct", routing_key="k", nowait=True),
        commands.Basic.Consume(queue=name, consumer_tag="c", no_ack=True, nowait=True),
        commands.Queue.Purge(queue=name, nowait=True),
        commands.Basic.Cancel(consumer_tag="c", nowait=True),
        commands.Queue.Delete(queue=name, nowait=True),
        commands.Basic.Qos(0, 1),
    )
    await client.expect(commands.Basic.QosOk)


@on_every_broker
async def test_line_ends_are_taken_out_of_names(broker: Broker) -> None:
    """A name is one line."""
    client = await broker.raw(1)
    name = broker.name().encode()
    payload = b"\x00\x32\x00\x0a\x00\x00" + bytes((len(name) + 2,)) + b"\r" + name + b"\n"
    client.write(raw_frame(1, 1, payload + b"\x04\x00\x00\x00\x00"))
    assert (await client.expect(commands.Queue.DeclareOk)).queue == name.decode()
