"""
CPU that the simulated RabbitMQ itself takes for one message, without loop, sockets and driver.

Bytes as aio-pika sends them go straight into two connections: one publishes with
confirms, one consumes with acks. Prints microseconds for each step, the best of several rounds.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from random import Random

from pamqp import commands, frame
from pamqp.header import ContentHeader

from umt_sim.journal.recorder import Recorder
from umt_sim.servers.rabbitmq import RabbitMQ
from umt_sim.servers.rabbitmq.protocol.connection import Connection

MESSAGES = 5_000
ROUNDS = 5


class Sink:
    """A transport that swallows."""

    def write(self, data: bytes) -> None:
        """Take *data* nowhere."""

    def close(self) -> None:
        """Do nothing."""

    abort = pause_reading = resume_reading = close


def connect(broker: RabbitMQ, loop: asyncio.AbstractEventLoop) -> Connection:
    connection = Connection(broker, loop)
    connection.connection_made(Sink())  # type: ignore[arg-type]
    connection.data_received(b"AMQP\x00\x00\x09\x01")
    for channel, method in (
        (0, commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest")),
        (0, commands.Connection.TuneOk(2047, 131072, 0)),
        (0, commands.Connection.Open("/")),
        (1, commands.Channel.Open()),
    ):
        connection.data_received(frame.marshal(method, channel))
    return connection


def publish(body: bytes) -> bytes:
    properties = commands.Basic.Properties(
        delivery_mode=2,
        message_id="0123456789abcdef0123456789abcdef",
        content_type="application/json",
        headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    )
    header = ContentHeader(body_size=len(body), properties=properties)
    return (
        frame.marshal(commands.Basic.Publish(exchange="amq.topic", routing_key="a.b"), 1)
        + frame.marshal(header, 1)
        + b"\x03\x00\x01"
        + len(body).to_bytes(4, "big")
        + body
        + b"\xce"
    )


def round_of(broker: RabbitMQ, loop: asyncio.AbstractEventLoop) -> tuple[float, float]:
    publisher, consumer = connect(broker, loop), connect(broker, loop)
    publisher.data_received(frame.marshal(commands.Confirm.Select(), 1))
    for method in (
        commands.Queue.Declare(queue="q", durable=True),
        commands.Queue.Bind(queue="q", exchange="amq.topic", routing_key="a.*"),
        commands.Basic.Qos(0, 100),
        commands.Basic.Consume(queue="q"),
    ):
        consumer.data_received(frame.marshal(method, 1))
    message = publish(bytes(500))
    acks = [frame.marshal(commands.Basic.Ack(tag), 1) for tag in range(1, MESSAGES + 1)]
    publishing = acknowledging = 0.0
    for ack in acks:
        start = time.process_time()
        publisher.data_received(message)
        middle = time.process_time()
        consumer.data_received(ack)
        publishing += middle - start
        acknowledging += time.process_time() - middle
    for connection in (publisher, consumer):
        connection.connection_lost(None)
    return publishing / MESSAGES * 1e6, acknowledging / MESSAGES * 1e6


def measure(title: str, recorder: Recorder | None) -> None:
    loop = asyncio.new_event_loop()
    broker = RabbitMQ(stream=Random(1), wall_clock=lambda: datetime.now(UTC), recorder=recorder)
    broker._loop = loop
    broker._make_hosts()
    rounds = [round_of(broker, loop) for _ in range(ROUNDS)]
    loop.close()
    publishing, acknowledging = (min(column) for column in zip(*rounds, strict=True))
    print(
        f"{title:18} publish, confirm and deliver {publishing:5.1f} us, ack {acknowledging:5.1f} us"
    )


def main() -> None:
    measure("without a journal", None)
    measure("with a journal", Recorder(time.monotonic))


if __name__ == "__main__":
    main()
