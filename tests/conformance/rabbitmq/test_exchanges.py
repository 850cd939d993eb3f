"""Exchanges: declared, declared again, deleted, bound to each other."""

from typing import Any

import pytest
from aio_pika import ExchangeType, Message
from pamqp import commands

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker

Declare = commands.Exchange.Declare
Delete = commands.Exchange.Delete
Bind = commands.Exchange.Bind


@pytest.mark.parametrize(
    "name", ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match"]
)
@on_every_broker
async def test_predeclared_exchanges(broker: Broker, name: str) -> None:
    """The standard exchanges are there."""
    channel = await broker.channel()
    assert (await channel.get_exchange(name)).name == name


@on_every_broker
async def test_declaring_twice_is_no_error(broker: Broker) -> None:
    """The same declaration again finds the exchange."""
    channel = await broker.channel()
    for _ in range(2):
        await channel.declare_exchange(broker.name("x"), ExchangeType.TOPIC, durable=True)


@on_every_broker
async def test_passive_declaration_finds(broker: Broker) -> None:
    """A passive declaration compares nothing."""
    channel = await broker.channel()
    await channel.declare_exchange(broker.name("x"), ExchangeType.TOPIC, auto_delete=True)
    await channel.declare_exchange(broker.name("x"), ExchangeType.DIRECT, passive=True)


@on_every_broker
async def test_passive_declaration_of_nothing(broker: Broker) -> None:
    """404 for an exchange that is not there."""
    name = broker.name("x")
    assert await broker.refusal(Declare(exchange=name, passive=True)) == (
        404,
        f"NOT_FOUND - no exchange '{name}' in vhost '/'",
        40,
        10,
    )


@pytest.mark.parametrize(
    ("field", "first", "then", "received", "current"),
    [
        ("type", {}, {"exchange_type": "topic"}, "topic", "direct"),
        ("durable", {}, {"durable": True}, "true", "false"),
        ("auto_delete", {"auto_delete": True}, {}, "false", "true"),
        ("internal", {}, {"internal": True}, "true", "false"),
    ],
    ids=["type", "durable", "auto_delete", "internal"],
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
    name = broker.name(f"x-{field}")
    assert await broker.refusal(
        Declare(exchange=name, **first), Declare(exchange=name, **then)
    ) == (
        406,
        (
            f"PRECONDITION_FAILED - inequivalent arg '{field}' for exchange '{name}' in vhost '/':"
            f" received '{received}' but current is '{current}'"
        ),
        40,
        10,
    )


@on_every_broker
async def test_declaring_another_alternate(broker: Broker) -> None:
    """The alternate exchange is part of the description."""
    name = broker.name("x")
    arguments = {"alternate-exchange": "amq.fanout"}
    code, text, *_ = await broker.refusal(
        Declare(exchange=name, arguments=arguments), Declare(exchange=name)
    )
    assert (code, text) == (
        406,
        (
            f"PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange '{name}' in"
            " vhost '/': received none but current is the value 'amq.fanout' of type 'longstr'"
        ),
    )


@on_every_broker
async def test_unknown_type(broker: Broker) -> None:
    """A type nobody knows closes the connection."""
    client = await broker.raw(1)
    client.send(1, Declare(exchange=broker.name("x"), exchange_type="x-odd"))
    expected = (503, "COMMAND_INVALID - unknown exchange type 'x-odd'", 40, 10)
    assert await client.closed_connection() == expected


@on_every_broker
async def test_reserved_names(broker: Broker) -> None:
    """Names that begin with amq. are the broker's."""
    name = f"amq.{broker.name('x')}"
    assert await broker.refusal(Declare(exchange=name)) == (
        403,
        f"ACCESS_REFUSED - exchange name '{name}' contains reserved prefix 'amq.*'",
        40,
        10,
    )


@on_every_broker
async def test_default_exchange_cannot_be_declared(broker: Broker) -> None:
    """403 for the exchange without a name."""
    code, text, *_ = await broker.refusal(Declare(exchange="", exchange_type="direct"))
    expected = "ACCESS_REFUSED - operation not permitted on the default exchange"
    assert (code, text) == (403, expected)


@on_every_broker
async def test_default_exchange_cannot_be_deleted(broker: Broker) -> None:
    """403 for the exchange without a name."""
    code, text, *_ = await broker.refusal(Delete(exchange=""))
    expected = "ACCESS_REFUSED - operation not permitted on the default exchange"
    assert (code, text) == (403, expected)


@on_every_broker
async def test_predeclared_exchanges_cannot_be_deleted(broker: Broker) -> None:
    """403 for the broker's own."""
    code, text, *_ = await broker.refusal(Delete(exchange="amq.direct"))
    assert code == 403
    assert text.startswith("ACCESS_REFUSED - ")


@on_every_broker
async def test_deleting_nothing_is_no_error(broker: Broker) -> None:
    """An exchange that is not there is deleted already."""
    channel = await broker.channel()
    await channel.exchange_delete(broker.name("x"))


@on_every_broker
async def test_delete_if_unused(broker: Broker) -> None:
    """An exchange with bindings is in use."""
    name = broker.name("x")
    code, text, *_ = await broker.refusal(
        Declare(exchange=name),
        commands.Queue.Declare(queue=broker.name("q"), exclusive=True),
        commands.Queue.Bind(queue=broker.name("q"), exchange=name, routing_key="k"),
        Delete(exchange=name, if_unused=True),
    )
    expected = f"PRECONDITION_FAILED - exchange '{name}' in vhost '/' in use"
    assert (code, text) == (406, expected)


@on_every_broker
async def test_auto_delete_exchange_goes_with_its_last_binding(broker: Broker) -> None:
    """It stays while unbound at first, and goes when the last binding goes."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(broker.name("x"), auto_delete=True)
    queue = await channel.declare_queue(broker.name(), exclusive=True)
    await queue.bind(exchange, "a")
    await queue.bind(exchange, "b")
    await queue.unbind(exchange, "a")
    await channel.get_exchange(exchange.name)
    await queue.unbind(exchange, "b")
    assert (await broker.refusal(Declare(exchange=exchange.name, passive=True)))[0] == 404


@on_every_broker
async def test_auto_delete_exchange_goes_with_the_queue(broker: Broker) -> None:
    """Deleting the only bound queue removes the binding, and with it the exchange."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(broker.name("x"), auto_delete=True)
    queue = await channel.declare_queue(broker.name())
    await queue.bind(exchange, "a")
    await queue.delete()
    assert (await broker.refusal(Declare(exchange=exchange.name, passive=True)))[0] == 404


@on_every_broker
async def test_internal_exchanges_take_no_messages(broker: Broker) -> None:
    """Clients may not publish to an internal exchange."""
    name = broker.name("x")
    client = await broker.raw(1)
    client.send(1, Declare(exchange=name, internal=True))
    await client.expect(commands.Exchange.DeclareOk)
    client.publish(1, name, "k", b"x")
    assert await client.closed_channel() == (
        403,
        f"ACCESS_REFUSED - cannot publish to internal exchange '{name}' in vhost '/'",
        60,
        40,
    )


@on_every_broker
async def test_internal_exchanges_forward(broker: Broker) -> None:
    """Other exchanges may lead to an internal one."""
    channel = await broker.channel()
    inner = await channel.declare_exchange(broker.name("inner"), ExchangeType.FANOUT, internal=True)
    outer = await channel.declare_exchange(broker.name("outer"), ExchangeType.FANOUT)
    await inner.bind(outer)
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(inner)
    await outer.publish(Message(b"through"), "")
    assert (await queue.get(no_ack=True)).body == b"through"


@on_every_broker
async def test_publishing_to_nothing(broker: Broker) -> None:
    """404 closes the channel when the exchange is not there."""
    name = broker.name("x")
    client = await broker.raw(1)
    client.publish(1, name, "k", b"x")
    expected = (404, f"NOT_FOUND - no exchange '{name}' in vhost '/'", 60, 40)
    assert await client.closed_channel() == expected


@on_every_broker
async def test_exchange_bindings_filter_twice(broker: Broker) -> None:
    """A message passes both patterns on its way through two exchanges."""
    channel = await broker.channel()
    first = await channel.declare_exchange(broker.name("first"), ExchangeType.TOPIC)
    second = await channel.declare_exchange(broker.name("second"), ExchangeType.TOPIC)
    await second.bind(first, "a.#")
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(second, "#.z")
    for key in ("a.b.z", "a.b", "b.z"):
        await first.publish(Message(key.encode()), key)
    assert (await queue.get(no_ack=True)).body == b"a.b.z"
    assert await queue.get(fail=False) is None


@on_every_broker
async def test_unbound_exchange_gets_nothing(broker: Broker) -> None:
    """exchange.unbind ends what exchange.bind began."""
    channel = await broker.channel()
    first = await channel.declare_exchange(broker.name("first"), ExchangeType.FANOUT)
    second = await channel.declare_exchange(broker.name("second"), ExchangeType.FANOUT)
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(second)
    await second.bind(first)
    await second.unbind(first)
    await first.publish(Message(b"x"), "", mandatory=False)
    assert await queue.get(fail=False) is None


@on_every_broker
async def test_circles_of_exchanges_end(broker: Broker) -> None:
    """Two exchanges bound to each other deliver once."""
    channel = await broker.channel()
    first = await channel.declare_exchange(broker.name("first"), ExchangeType.FANOUT)
    second = await channel.declare_exchange(broker.name("second"), ExchangeType.FANOUT)
    await first.bind(second)
    await second.bind(first)
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(first)
    await queue.bind(second)
    await first.publish(Message(b"once"), "")
    assert (await queue.get(no_ack=True)).body == b"once"
    assert await queue.get(fail=False) is None


@pytest.mark.parametrize("missing", ["source", "destination"])
@on_every_broker
async def test_binding_exchanges_that_are_not_there(broker: Broker, missing: str) -> None:
    """404 names the end that is missing."""
    name = broker.name(f"x-{missing}")
    ends = {"source": "amq.fanout", "destination": "amq.direct", missing: name}
    expected = (404, f"NOT_FOUND - no exchange '{name}' in vhost '/'", 40, 30)
    assert await broker.refusal(Bind(**ends)) == expected


@on_every_broker
async def test_alternate_exchange_takes_what_nobody_wants(broker: Broker) -> None:
    """Only unroutable messages take the other way; they count as routed."""
    channel = await broker.channel()
    spare = await channel.declare_exchange(broker.name("spare"), ExchangeType.FANOUT)
    exchange = await channel.declare_exchange(
        broker.name("x"), arguments={"alternate-exchange": spare.name}
    )
    wanted = await channel.declare_queue(exclusive=True)
    unwanted = await channel.declare_queue(exclusive=True)
    await wanted.bind(exchange, "known")
    await unwanted.bind(spare)
    await exchange.publish(Message(b"known"), "known")
    await exchange.publish(Message(b"unknown"), "unknown")
    assert (await wanted.get(no_ack=True)).body == b"known"
    assert (await unwanted.get(no_ack=True)).body == b"unknown"
    assert await unwanted.get(fail=False) is None
