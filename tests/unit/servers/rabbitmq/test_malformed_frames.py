"""Whatever bytes come, the broker answers in its own words or hangs up; it never fails itself."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from pamqp import base, commands, frame
from pamqp.header import ContentHeader

from tests.unit.servers.rabbitmq.wire import HEADER, SmallBroker, Wire

FEW, MANY = 4_000, 100_000

_Basic, _Queue, _Exchange = commands.Basic, commands.Queue, commands.Exchange


def methods(stream: Random) -> list[base.Frame]:
    """Some of everything a client may send, with few names so that they meet."""
    name = stream.choice(["a", "b", "amq.topic", "", "amq.gen-x"])
    other = stream.choice(["a", "b", "x", "amq.direct", "amq.headers", ""])
    key = stream.choice(["a", "a.b", "#", "*.b", ""])
    tag = stream.randrange(6)
    flag = bool(stream.randrange(2))
    kind = stream.choice(["topic", "headers", "fanout", "direct"])
    table: dict[str, Any] = stream.choice(
        [
            {},
            {"x-message-ttl": stream.choice([0, 5, -1])},
            {"x-max-length": stream.choice([0, 1, 3]), "x-overflow": "reject-publish"},
            {"x-max-length-bytes": 10},
            {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "b", "x-expires": 10},
            {"x-queue-type": "quorum", "x-delivery-limit": 1},
            {"x-max-priority": 3},
            {"x-single-active-consumer": True},
            {"x-match": "any", "n": 1, "t": {"deep": [1, None, "x"]}},
            {"alternate-exchange": "b"},
        ]
    )
    return [
        _Exchange.Declare(exchange=other, exchange_type=kind, auto_delete=flag, arguments=table),
        _Exchange.Delete(exchange=other, if_unused=flag),
        _Exchange.Bind(destination=name, source=other, routing_key=key, arguments=table),
        _Exchange.Unbind(destination=name, source=other, routing_key=key, arguments=table),
        _Queue.Declare(queue=name, durable=True, auto_delete=flag, exclusive=flag, arguments=table),
        _Queue.Bind(queue=name, exchange=other, routing_key=key, arguments=table),
        _Queue.Unbind(queue=name, exchange=other, routing_key=key, arguments=table),
        _Queue.Purge(queue=name),
        _Queue.Delete(queue=name, if_unused=flag, if_empty=flag),
        _Basic.Qos(0, tag, flag),
        _Basic.Consume(queue=name, consumer_tag=f"{key}{tag}", no_ack=flag, exclusive=not tag),
        _Basic.Cancel(consumer_tag=f"{key}{tag}"),
        _Basic.Get(queue=name, no_ack=flag),
        _Basic.Ack(tag, flag),
        _Basic.Nack(tag, flag, flag),
        _Basic.Reject(tag, flag),
        _Basic.Recover(requeue=True),
        commands.Confirm.Select(),
        commands.Channel.Flow(active=True),
    ]  # fmt: skip


FATAL: list[base.Frame] = [
    commands.Tx.Select(),
    commands.Channel.Open(),
    commands.Channel.Close(200, "", 0, 0),
    commands.Channel.CloseOk(),
    commands.Channel.Flow(active=False),
    commands.Connection.UpdateSecret("x", "y"),
    commands.Connection.Close(200, "", 0, 0),
    commands.Connection.CloseOk(),
    commands.Connection.Open("/"),
]


def publish(stream: Random, channel: int) -> bytes:
    """A message, most often a whole one."""
    body = stream.randbytes(stream.choice([0, 1, 20, 5000]))
    properties = _Basic.Properties(
        headers=stream.choice([None, {"CC": ["a", "b"], "BCC": ["b"]}, {"x-death": [1, {}]}]),
        expiration=stream.choice([None, None, "0", "5", "x"]),
        priority=stream.choice([None, 0, 9]),
        delivery_mode=stream.choice([None, 1, 2]),
        user_id=stream.choice([None, None, "guest", "root"]),
        message_id=stream.choice([None, "m"]),
    )  # fmt: skip
    method = _Basic.Publish(
        exchange=stream.choice(["", "", "amq.topic", "amq.headers", "x"]),
        routing_key=stream.choice(["a", "b", "a.b"]),
        mandatory=bool(stream.randrange(2)),
    )
    header = ContentHeader(body_size=len(body), properties=properties)
    parts = [frame.marshal(method, channel), frame.marshal(header, channel)]
    if body:
        parts.append(wrapped(3, channel, body))
    return b"".join(parts)


def wrapped(kind: int, channel: int, payload: bytes) -> bytes:
    """A frame around *payload*."""
    size = len(payload).to_bytes(4, "big")
    return bytes((kind,)) + channel.to_bytes(2, "big") + size + payload + b"\xce"


def whole(stream: Random) -> bytes:
    """A proper frame, or the frames of a message."""
    channel = stream.choice([1, 1, 2])
    if stream.random() < 0.4:
        return publish(stream, channel)
    if stream.random() < 0.02:
        return frame.marshal(stream.choice(FATAL), stream.choice([0, 1]))
    return frame.marshal(stream.choice(methods(stream)), channel)


def flipped(stream: Random, data: bytes) -> bytes:
    """Some octets are others."""
    damaged = bytearray(data)
    for _ in range(stream.randrange(1, 4)):
        damaged[stream.randrange(len(damaged))] = stream.randrange(256)
    return bytes(damaged)


def cut(stream: Random, data: bytes) -> bytes:
    """A piece is missing."""
    start = stream.randrange(len(data))
    return data[:start] + data[start + stream.randrange(1, 12) :]


def stretched(stream: Random, data: bytes) -> bytes:
    """A piece is too much."""
    start = stream.randrange(len(data))
    return data[:start] + stream.randbytes(stream.randrange(1, 12)) + data[start:]


def damaged_inside(stream: Random, data: bytes) -> bytes:
    """The frame is whole, what is in it is not."""
    kind, channel, size = data[0], data[2], int.from_bytes(data[3:7], "big")
    payload = data[7 : 7 + size]
    if not payload:
        return data
    change = stream.choice([flipped, cut, stretched])
    return wrapped(kind, channel, change(stream, payload)) + data[8 + size :]


def noise(stream: Random, data: bytes) -> bytes:
    """A frame around anything."""
    payload = stream.randbytes(stream.randrange(60))
    return wrapped(stream.choice([1, 1, 2, 3, 8, 4]), stream.choice([0, 1, 2]), payload)


DAMAGES: list[Callable[[Random, bytes], bytes]] = [
    flipped, cut, stretched, damaged_inside, damaged_inside, damaged_inside, noise,
]  # fmt: skip


def delivered_in_pieces(stream: Random, wire: Wire, data: bytes) -> None:
    """Let *data* arrive as sockets may cut it."""
    position = 0
    while position < len(data):
        size = stream.choice([1, 7, 50, 1 << 16])
        wire.say(data[position : position + size])
        position += size


def answer(wire: Wire, broker: SmallBroker) -> bool:
    """React as a client should; whether the connection goes on."""
    for channel, value in wire.received():
        if isinstance(value, commands.Connection.Close):
            wire.send(0, commands.Connection.CloseOk())
            broker.loop.advance(30)  # it may have become a part of a damaged frame
            assert wire.closed
            return False
        if isinstance(value, commands.Channel.Close):
            wire.send(channel, commands.Channel.CloseOk(), commands.Channel.Open())
    return not wire.closed


def one_session(stream: Random, broker: SmallBroker) -> int:
    """A client that goes wrong at some point; how many frames it sent."""
    wire = Wire(broker)
    if stream.random() < 0.1:
        delivered_in_pieces(stream, wire, flipped(stream, HEADER))
    else:
        wire.open(1, 2)
        for name in ("a", "b"):
            wire.send(1, _Queue.Declare(queue=name, durable=True, auto_delete=True))
            wire.send(2, _Basic.Consume(queue=name, consumer_tag=name))
    sent = 0
    while sent < 80 and answer(wire, broker):
        data = whole(stream)
        if stream.random() < 0.07:
            data = stream.choice(DAMAGES)(stream, data)
        delivered_in_pieces(stream, wire, data)
        broker.loop.advance(stream.choice([0, 0, 0.003, 0.02]))
        sent += 1
    wire.close()
    return max(sent, 1)


def test_malformed_frames(campaign: bool) -> None:
    """Thousands of damaged frames: every session ends in order and the broker still works."""
    stream = Random(20_260_101)
    left = MANY if campaign else FEW
    broker = SmallBroker()
    while left > 0:
        left -= one_session(stream, broker)
        if stream.random() < 0.05:
            broker = SmallBroker()
    wire = Wire(broker).open(1)
    wire.frames()
    wire.send(1, _Queue.Declare(queue="still-here", exclusive=True))
    wire.send(1, _Basic.Qos(0, 1))
    assert [type(answer) for answer in wire.frames()] == [_Queue.DeclareOk, _Basic.QosOk]


def test_deep_nesting_is_refused() -> None:
    """A table of tables of tables ends in a protocol error, not in the end of the stack."""
    deep = b""
    for _ in range(20_000):
        deep = b"A" + len(deep).to_bytes(4, "big") + deep
    table = b"\x01a" + deep
    headers = len(table).to_bytes(4, "big") + table
    wire = Wire(SmallBroker()).open(1)
    wire.frames()
    wire.send(1, _Basic.Publish(routing_key="q"))
    wire.say(wrapped(2, 1, b"\x00\x3c\x00\x00" + bytes(8) + b"\x20\x00" + headers))
    (close,) = wire.frames()
    assert (close.reply_code, close.reply_text) == (541, "INTERNAL_ERROR")
