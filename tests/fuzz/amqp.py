"""AMQP 0-9-1 spoken badly."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import aio_pika
from pamqp import base, commands, frame
from pamqp.header import ContentHeader

from tests.fuzz.bombardment import Dialect
from tests.fuzz.damage import spoilt
from tests.fuzz.recording import HOST
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.servers.rabbitmq import RABBITMQ_3_13, RabbitMQ

__all__ = ["Amqp"]

_Basic, _Queue, _Exchange = commands.Basic, commands.Queue, commands.Exchange

HEADER = b"AMQP\x00\x00\x09\x01"
GREETING = [
    HEADER,
    frame.marshal(commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest"), 0),
    frame.marshal(commands.Connection.TuneOk(2047, 131072, 0), 0),
    frame.marshal(commands.Connection.Open("/"), 0),
    frame.marshal(commands.Channel.Open(), 1),
    frame.marshal(commands.Channel.Open(), 2),
]

# connection.close and channel.close, as they begin on the wire.
CLOSED = re.compile(rb"\x01......" rb"(?:\x00\x0a\x00\x32|\x00\x14\x00\x28)", re.DOTALL)


class Amqp(Dialect):
    """RabbitMQ's dialect."""

    def server(self, kernel: Kernel) -> RabbitMQ:
        """With the rules of 3.13, which allow the most."""
        self.recorder = Recorder(kernel.loop.time)
        return RabbitMQ(
            recorder=self.recorder,
            rules=RABBITMQ_3_13,
            stream=kernel.streams.stream("rabbitmq"),
            wall_clock=lambda: datetime.now(UTC),
        )

    async def drive(self, port: int) -> None:
        """Publish, consume, get, refuse and acknowledge with aio-pika."""
        async with await aio_pika.connect(f"amqp://guest:guest@{HOST}:{port}/") as connection:
            channel = await connection.channel()
            await channel.set_qos(10)
            await channel.exchange_delete("drive")  # a spoilt declaration may have left another
            await channel.queue_delete("drive")
            exchange = await channel.declare_exchange("drive", "topic", auto_delete=True)
            queue = await channel.declare_queue("drive", exclusive=True)
            await queue.bind(exchange, "a.*")
            for number in range(3):
                message = aio_pika.Message(
                    b"x" * 100, headers={"n": number}, message_id=f"{number}"
                )
                await exchange.publish(message, "a.b")
            for number in range(3):
                received = await queue.get(timeout=5)
                assert number == received.headers["n"]
                await received.ack()

    def messages(self, words: bytes) -> list[bytes]:
        """The protocol header, then frames."""
        found, at = [words[:8]], 8
        while at < len(words):
            end = at + 8 + int.from_bytes(words[at + 3 : at + 7], "big")
            found.append(words[at:end])
            at = end
        return found

    def conversation(self, draw: Random) -> list[bytes]:
        """Two channels, two queues with consumers, then whatever comes to mind."""
        proper = list(GREETING)
        for channel, name in ((1, "a"), (2, "b")):
            declare = _Queue.Declare(queue=name, durable=True, auto_delete=True)
            proper.append(frame.marshal(declare, channel))
            proper.append(frame.marshal(_Basic.Consume(queue=name, consumer_tag=name), channel))
        return proper + [whole(draw) for _ in range(draw.randrange(2, 20))]

    def garbage(self, draw: Random) -> bytes:
        """Frames of which some part lies."""
        return draw.choice(GARBAGE)(draw)

    def left_behind(self, server: RabbitMQ) -> list[Any]:
        """Open connections."""
        return [*server._connections]

    def complaints(self, said: bytes) -> int:
        """Connections and channels that it closed."""
        return len(CLOSED.findall(said))

    def over(self, said: bytes) -> bool:
        """After such a close it throws away what comes."""
        return CLOSED.search(said) is not None


def methods(draw: Random) -> list[base.Frame]:
    """Some of everything a client may send, with few names so that they meet."""
    name = draw.choice(["a", "b", "amq.topic", "", "amq.gen-x"])
    other = draw.choice(["a", "b", "x", "amq.direct", "amq.headers", ""])
    key = draw.choice(["a", "a.b", "#", "*.b", ""])
    tag = draw.randrange(6)
    flag = bool(draw.randrange(2))
    kind = draw.choice(["topic", "headers", "fanout", "direct"])
    table: dict[str, Any] = draw.choice(
        [
            {},
            {"x-message-ttl": draw.choice([0, 5, -1])},
            {"x-max-length": draw.choice([0, 1, 3]), "x-overflow": "reject-publish"},
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


def publish(draw: Random, channel: int) -> bytes:
    """A message, most often a whole one."""
    body = draw.randbytes(draw.choice([0, 1, 20, 5000]))
    tables: list[Any] = [None, {"CC": ["a", "b"], "BCC": ["b"]}, {"x-death": [1, {}]}]
    properties = _Basic.Properties(
        headers=draw.choice(tables),
        expiration=draw.choice([None, None, "0", "5", "x"]),
        priority=draw.choice([None, 0, 9]),
        delivery_mode=draw.choice([None, 1, 2]),
        user_id=draw.choice([None, None, "guest", "root"]),
        message_id=draw.choice([None, "m"]),
    )  # fmt: skip
    method = _Basic.Publish(
        exchange=draw.choice(["", "", "amq.topic", "amq.headers", "x"]),
        routing_key=draw.choice(["a", "b", "a.b"]),
        mandatory=bool(draw.randrange(2)),
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


def whole(draw: Random) -> bytes:
    """A proper frame, or the frames of a message."""
    channel = draw.choice([1, 1, 2])
    if draw.random() < 0.4:
        return publish(draw, channel)
    if draw.random() < 0.02:
        return frame.marshal(draw.choice(FATAL), draw.choice([0, 1]))
    return frame.marshal(draw.choice(methods(draw)), channel)


def damaged_inside(draw: Random) -> bytes:
    """The frame is whole, what is in it is not."""
    data = whole(draw)
    kind, channel, size = data[0], data[2], int.from_bytes(data[3:7], "big")
    payload = data[7 : 7 + size]
    return wrapped(kind, channel, spoilt(draw, payload)) + data[8 + size :]


def noise(draw: Random) -> bytes:
    """A frame around anything."""
    payload = draw.randbytes(draw.randrange(60))
    return wrapped(draw.choice([1, 1, 2, 3, 8, 4]), draw.choice([0, 1, 2, 9]), payload)


def unknown_method(draw: Random) -> bytes:
    """Classes and methods that are there, and their neighbours that are not."""
    family = draw.choice([10, 20, 30, 40, 50, 60, 85, 90, draw.randrange(65536)])
    method = draw.choice([10, 11, 20, 40, 60, 80, 120, draw.randrange(65536)])
    ids = family.to_bytes(2, "big") + method.to_bytes(2, "big")
    return wrapped(1, draw.choice([0, 1, 2]), ids + draw.randbytes(draw.randrange(30)))


def wrong_size(draw: Random) -> bytes:
    """A length that its payload does not have, or nobody allows."""
    size = draw.choice([0, 1, 131073, 0x7FFFFFFF, 0xFFFFFFFF, draw.randrange(200)])
    return b"\x01\x00\x01" + size.to_bytes(4, "big") + draw.randbytes(draw.randrange(80))


def wrong_turn(draw: Random) -> bytes:
    """Content without a method, or a method in the midst of content."""
    begin = frame.marshal(_Basic.Publish(routing_key="a"), 1)
    properties = _Basic.Properties()
    header = frame.marshal(
        ContentHeader(body_size=draw.choice([1, 2**63]), properties=properties), 1
    )
    body = wrapped(3, 1, draw.randbytes(20))
    parts = [begin, header, body, whole(draw), frame.marshal(commands.Channel.CloseOk(), 1)]
    return b"".join(draw.choices(parts, k=draw.randrange(1, 4)))


def deep_table(draw: Random) -> bytes:
    """Arguments that are tables of tables of tables."""
    deep = b""
    for _ in range(draw.choice([3, 60, 2000])):
        deep = b"A" + len(deep).to_bytes(4, "big") + deep
    table = b"\x01a" + deep
    declare = b"\x00\x32\x00\x0a\x00\x00\x01a\x00"
    return wrapped(1, 1, declare + len(table).to_bytes(4, "big") + table)


GARBAGE: list[Callable[[Random], bytes]] = [
    damaged_inside, damaged_inside, damaged_inside,
    noise, unknown_method, wrong_size, wrong_turn, deep_table,
]  # fmt: skip
