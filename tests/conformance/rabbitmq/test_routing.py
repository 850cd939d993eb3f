"""Which queue a message finds."""

from typing import Any

import pytest
from aio_pika import ExchangeType, Message
from aio_pika.abc import AbstractQueue
from aio_pika.exceptions import DeliveryError
from pamqp import commands

from tests.conformance.rabbitmq.brokers import Broker, on_every_broker
from tests.conformance.rabbitmq.raw_client import content, raw_frame


async def bodies(queue: AbstractQueue) -> list[bytes]:
    """Everything in *queue*, taken out."""
    found = []
    while (message := await queue.get(no_ack=True, fail=False)) is not None:
        found.append(message.body)
    return found


@on_every_broker
async def test_default_exchange_routes_by_queue_name(broker: Broker) -> None:
    """Every queue is bound to the default exchange with its name."""
    channel = await broker.channel()
    queue = await channel.declare_queue(broker.name(), exclusive=True)
    await channel.default_exchange.publish(Message(b"x"), queue.name)
    assert await bodies(queue) == [b"x"]


@on_every_broker
async def test_direct_exchange_compares_whole_keys(broker: Broker) -> None:
    """Equal keys match, nothing else does."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(broker.name("x"), ExchangeType.DIRECT)
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, "a.*")
    for key in ("a.*", "a.b", "a", ""):
        await exchange.publish(Message(key.encode()), key, mandatory=False)
    assert await bodies(queue) == [b"a.*"]


@on_every_broker
async def test_fanout_exchange_ignores_keys(broker: Broker) -> None:
    """Every bound queue gets every message."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(broker.name("x"), ExchangeType.FANOUT)
    queues = [await channel.declare_queue(exclusive=True) for _ in range(3)]
    for queue in queues:
        await queue.bind(exchange, "ignored")
    await exchange.publish(Message(b"all"), "something else")
    assert [await bodies(queue) for queue in queues] == [[b"all"]] * 3


@on_every_broker
async def test_one_copy_for_each_queue(broker: Broker) -> None:
    """Several matching bindings to one queue deliver one message."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(broker.name("x"), ExchangeType.TOPIC)
    queue = await channel.declare_queue(exclusive=True)
    for pattern in ("a.b", "a.*", "#"):
        await queue.bind(exchange, pattern)
    await exchange.publish(Message(b"one"), "a.b")
    assert await bodies(queue) == [b"one"]


KEYS = ["", "a", "b", "c", "a.b", "a.b.c", "a.c", "a.", "a..c"]
TOPICS = {
    "#": KEYS,
    "*": ["a", "b", "c"],
    "a.*": ["a.b", "a.c", "a."],
    "a.#": ["a", "a.b", "a.b.c", "a.c", "a.", "a..c"],
    "#.c": ["c", "a.b.c", "a.c", "a..c"],
    "*.b.*": ["a.b.c"],
    "a.#.c": ["a.b.c", "a.c", "a..c"],
    "#.b.#": ["b", "a.b", "a.b.c"],
    "*.*": ["a.b", "a.c", "a."],
    "*.#": ["a", "b", "c", "a.b", "a.b.c", "a.c", "a.", "a..c"],
    "a..c": ["a..c"],
    "a.b": ["a.b"],
    "": [""],
}


@pytest.mark.parametrize(("pattern", "matches"), TOPICS.items(), ids=TOPICS)
@on_every_broker
async def test_topic_patterns(broker: Broker, pattern: str, matches: list[str]) -> None:
    """A star stands for exactly one word, a hash for any number of them."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(
        broker.name("x"), ExchangeType.TOPIC, auto_delete=True
    )
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, pattern)
    for key in KEYS:
        await exchange.publish(Message(key.encode()), key, mandatory=False)
    assert await bodies(queue) == [key.encode() for key in matches]
    await queue.unbind(exchange, pattern)


HEADERS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "all match": ({"x-match": "all", "a": 1, "b": "t"}, {"a": 1, "b": "t", "c": 0}, True),
    "all needs every one": ({"x-match": "all", "a": 1, "b": "t"}, {"a": 1}, False),
    "all is the default": ({"a": 1, "b": "t"}, {"a": 1}, False),
    "any needs one": ({"x-match": "any", "a": 1, "b": "t"}, {"b": "t"}, True),
    "any needs one that is equal": ({"x-match": "any", "a": 1, "b": "t"}, {"b": "u"}, False),
    "any of nothing": ({"x-match": "any"}, {"a": 1}, False),
    "all of nothing": ({"x-match": "all"}, {"a": 1}, True),
    "void asks for presence": ({"x-match": "all", "a": None}, {"a": 17}, True),
    "void and absent": ({"x-match": "all", "a": None}, {"b": 17}, False),
    "number is no text": ({"x-match": "all", "a": 1}, {"a": "1"}, False),
    "truth is no number": ({"x-match": "all", "a": True}, {"a": 1}, False),
    "width does not matter": ({"x-match": "all", "a": 70000}, {"a": 70000}, True),
    "x- headers do not count": ({"x-match": "all", "x-a": 1, "b": 2}, {"b": 2}, True),
    "with-x they do": ({"x-match": "all-with-x", "x-a": 1, "b": 2}, {"b": 2}, False),
    "any-with-x": ({"x-match": "any-with-x", "x-a": 1, "b": 2}, {"x-a": 1}, True),
    "tables compare": ({"x-match": "all", "a": {"b": 1}}, {"a": {"b": 1}}, True),
}


@pytest.mark.parametrize(("wanted", "headers", "arrives"), HEADERS.values(), ids=HEADERS)
@on_every_broker
async def test_headers_exchange(
    broker: Broker, wanted: dict[str, Any], headers: dict[str, Any], arrives: bool
) -> None:
    """Binding arguments are compared with message headers."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(
        broker.name("x"), ExchangeType.HEADERS, auto_delete=True
    )
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, "", arguments=wanted)
    await exchange.publish(Message(b"x", headers=headers), "", mandatory=False)
    assert bool(await bodies(queue)) is arrives


@on_every_broker
async def test_wrong_x_match(broker: Broker) -> None:
    """A mode nobody knows is refused when the binding is made."""
    queue = broker.name()
    code, text, *_ = await broker.refusal(
        commands.Queue.Declare(queue=queue, exclusive=True),
        commands.Queue.Bind(queue=queue, exchange="amq.headers", arguments={"x-match": "some"}),
    )
    assert (code, text) == (
        406,
        (
            'PRECONDITION_FAILED - Invalid x-match field value <<"some">>; expected all, any,'
            " all-with-x, or any-with-x"
        ),
    )


@on_every_broker
async def test_unroutable_without_mandatory_is_confirmed(broker: Broker) -> None:
    """A message nobody wants is confirmed and gone."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(broker.name("x"))
    confirmation = await exchange.publish(Message(b"x"), "nowhere", mandatory=False)
    assert isinstance(confirmation, commands.Basic.Ack)


@on_every_broker
async def test_mandatory_comes_back(broker: Broker) -> None:
    """A mandatory message nobody wants is returned with 312 before it is confirmed."""
    client = await broker.raw(1)
    client.send(1, commands.Confirm.Select())
    await client.expect(commands.Confirm.SelectOk)
    client.send(1, commands.Basic.Publish(exchange="amq.direct", routing_key="no", mandatory=True))
    client.write(content(1, b"back", message_id="m1"))
    returned = await client.expect(commands.Basic.Return)
    head, body = await client.expect_content()
    ack = await client.expect(commands.Basic.Ack)
    assert (returned.reply_code, returned.reply_text) == (312, "NO_ROUTE")
    assert (returned.exchange, returned.routing_key) == ("amq.direct", "no")
    assert (head.properties.message_id, body) == ("m1", b"back")
    assert (ack.delivery_tag, ack.multiple) == (1, False)


@on_every_broker
async def test_mandatory_through_aio_pika(broker: Broker) -> None:
    """The driver raises when a mandatory message comes back."""
    channel = await broker.connect()
    opened = await channel.channel(on_return_raises=True)
    with pytest.raises(DeliveryError):
        await opened.default_exchange.publish(Message(b"x"), broker.name("nowhere"))


@on_every_broker
async def test_unbinding_ends_the_flow(broker: Broker) -> None:
    """After queue.unbind nothing more arrives."""
    channel = await broker.channel()
    exchange = await channel.declare_exchange(broker.name("x"))
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, "k")
    await exchange.publish(Message(b"1"), "k")
    await queue.unbind(exchange, "k")
    await exchange.publish(Message(b"2"), "k", mandatory=False)
    assert await bodies(queue) == [b"1"]


@on_every_broker
async def test_unbinding_nothing_is_no_error(broker: Broker) -> None:
    """A binding that is not there is gone already."""
    channel = await broker.channel()
    queue = await channel.declare_queue(exclusive=True)
    await queue.unbind("amq.direct", "never bound")


@on_every_broker
async def test_unbinding_what_is_not_there_is_no_error(broker: Broker) -> None:
    """Without one of its ends a binding is gone already."""
    client = await broker.raw(1)
    client.send(1, commands.Queue.Declare(queue=broker.name(), exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    for queue, exchange in ((broker.name(), broker.name("x")), (broker.name("y"), "amq.direct")):
        client.send(1, commands.Queue.Unbind(queue=queue, exchange=exchange, routing_key="k"))
        await client.expect(commands.Queue.UnbindOk)


@on_every_broker
async def test_the_source_is_looked_for_first(broker: Broker) -> None:
    """Where both ends of a binding are missing, 404 names the exchange it would come from."""
    source = broker.name("x")
    expected = (404, f"NOT_FOUND - no exchange '{source}' in vhost '/'")
    for method in (
        commands.Queue.Bind(queue=broker.name("q"), exchange=source),
        commands.Exchange.Bind(destination=broker.name("y"), source=source),
    ):
        assert (await broker.refusal(method))[:2] == expected


@on_every_broker
async def test_others_queues_are_not_bound(broker: Broker) -> None:
    """405 for an exclusive queue of another connection, once both ends are found."""
    channel, name = await broker.channel(), broker.name("mine")
    await channel.declare_queue(name, exclusive=True)
    for exchange, code in ((broker.name("x"), 404), ("amq.direct", 405)):
        refusal = await broker.refusal(commands.Queue.Bind(queue=name, exchange=exchange))
        assert refusal[0] == code


@pytest.mark.parametrize(
    ("queue", "exchange", "missing"),
    [
        ("missing", "amq.direct", "queue"),
        (None, "missing", "exchange"),
    ],
)
@on_every_broker
async def test_binding_what_is_not_there(
    broker: Broker, queue: str | None, exchange: str, missing: str
) -> None:
    """404 names the end that is missing."""
    mine = broker.name("mine")
    ends = {"queue": queue or mine, "exchange": exchange, "routing_key": "k"}
    expected = (404, f"NOT_FOUND - no {missing} 'missing' in vhost '/'", 50, 20)
    declare = commands.Queue.Declare(queue=mine, exclusive=True)
    assert await broker.refusal(declare, commands.Queue.Bind(**ends)) == expected


@on_every_broker
async def test_binding_to_the_default_exchange(broker: Broker) -> None:
    """403: its bindings are the broker's own."""
    queue = broker.name()
    code, text, *_ = await broker.refusal(
        commands.Queue.Declare(queue=queue, exclusive=True),
        commands.Queue.Bind(queue=queue, exchange="", routing_key="k"),
    )
    expected = "ACCESS_REFUSED - operation not permitted on the default exchange"
    assert (code, text) == (403, expected)


@on_every_broker
async def test_empty_names_mean_the_last_queue(broker: Broker) -> None:
    """queue.bind without names binds the last declared queue under its own name."""
    client = await broker.raw(1)
    name = broker.name()
    client.send(1, commands.Queue.Declare(queue=name, exclusive=True))
    await client.expect(commands.Queue.DeclareOk)
    client.send(1, commands.Queue.Bind(queue="", exchange="amq.direct", routing_key=""))
    await client.expect(commands.Queue.BindOk)
    client.publish(1, "amq.direct", name, b"x")
    client.send(1, commands.Basic.Get(queue="", no_ack=True))
    await client.expect(commands.Basic.GetOk)


@on_every_broker
async def test_copies_by_header(broker: Broker) -> None:
    """Routing keys in CC and BCC count too; BCC is not shown to consumers."""
    channel = await broker.channel()
    queues = [await channel.declare_queue(broker.name(n), exclusive=True) for n in ("a", "b", "c")]
    headers: Any = {"CC": [queues[1].name], "BCC": [queues[2].name]}
    await channel.default_exchange.publish(Message(b"x", headers=headers), queues[0].name)
    found = [await queue.get(no_ack=True) for queue in queues]
    assert [message.body for message in found] == [b"x"] * 3
    assert found[0].headers == {"CC": [queues[1].name]}


@on_every_broker
async def test_routing_keys_may_be_any_octets(broker: Broker) -> None:
    """A key that is no UTF-8 is compared octet by octet."""
    client = await broker.raw(1)
    client.write(raw_frame(1, 1, b"\x00\x3c\x00\x28\x00\x00\x00\x03\xff\xfe\xfd\x00"))
    client.write(content(1, b"x"))
    client.send(1, commands.Basic.Qos(0, 1))
    await client.expect(commands.Basic.QosOk)
