"""An AMQP client without manners: sends any frame at any time and shows what comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, TypeVar

from pamqp import base, commands, frame, header
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

__all__ = ["HEADER", "RawClient", "content", "raw_frame"]

HEADER = b"AMQP\x00\x00\x09\x01"
F = TypeVar("F")
_PATIENCE = 10.0  # seconds


def raw_frame(kind: int, channel: int, payload: bytes, end: int = 206) -> bytes:
    """A frame, right or wrong."""
    return (
        bytes((kind,))
        + channel.to_bytes(2, "big")
        + len(payload).to_bytes(4, "big")
        + payload
        + bytes((end,))
    )


def content(channel: int, body: bytes, *, size: int | None = None, **properties: Any) -> bytes:
    """Header and one body frame."""
    announced = len(body) if size is None else size
    head = ContentHeader(body_size=announced, properties=commands.Basic.Properties(**properties))
    data = frame.marshal(head, channel)
    return data + (raw_frame(3, channel, body) if body else b"")


class RawClient:
    """
    A connection of bytes and frames.

    Args:
        host: Where the broker listens.
        port: On which port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def connect(self) -> RawClient:
        """Connect, and say nothing."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        return self

    async def log_in(
        self,
        *,
        user: str = "guest",
        password: str = "guest",
        mechanism: str = "PLAIN",
        response: str | None = None,
        capabilities: Iterable[str] = (
            "authentication_failure_close",
            "consumer_cancel_notify",
            "connection.blocked",
        ),
    ) -> base.Frame | None:
        """Go as far as the answer to ``connection.start-ok``."""
        await self.connect()
        self.write(HEADER)
        await self.expect(commands.Connection.Start)
        self.send(
            0,
            commands.Connection.StartOk(
                client_properties={"capabilities": dict.fromkeys(capabilities, True)},
                mechanism=mechanism,
                response=response if response is not None else f"\0{user}\0{password}",
            ),
        )
        received = await self.receive()
        return None if received is None else received[1]

    async def open(
        self,
        *channels: int,
        host: str = "/",
        frame_max: int = 131072,
        channel_max: int = 2047,
        heartbeat: int = 0,
        capabilities: Iterable[str] = (
            "authentication_failure_close",
            "consumer_cancel_notify",
            "connection.blocked",
        ),
    ) -> RawClient:
        """Open a connection and *channels*."""
        assert isinstance(await self.log_in(capabilities=capabilities), commands.Connection.Tune)
        self.send(0, commands.Connection.TuneOk(channel_max, frame_max, heartbeat))
        self.send(0, commands.Connection.Open(host))
        await self.expect(commands.Connection.OpenOk)
        for channel in channels:
            self.send(channel, commands.Channel.Open())
            await self.expect(commands.Channel.OpenOk)
        return self

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)

    def send(self, channel: int, *methods: base.Frame) -> None:
        """Send methods."""
        for method in methods:
            self.write(frame.marshal(method, channel))

    def publish(
        self, channel: int, exchange: str, routing_key: str, body: bytes, **properties: Any
    ) -> None:
        """Send ``basic.publish`` with its content."""
        self.send(channel, commands.Basic.Publish(exchange=exchange, routing_key=routing_key))
        self.write(content(channel, body, **properties))

    async def receive(self) -> tuple[int, Any] | None:
        """The next frame and its channel; ``None`` when the broker has closed."""
        try:
            async with asyncio.timeout(_PATIENCE):
                start = await self._reader.readexactly(7)
                if start.startswith(b"AMQP"):
                    return 0, header.ProtocolHeader(*(await self._reader.readexactly(1)))
                rest = await self._reader.readexactly(int.from_bytes(start[3:], "big") + 1)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        _, channel, value = frame.unmarshal(start + rest)
        return channel, value

    async def expect(self, kind: type[F]) -> F:
        """The next frame that is no heartbeat; it must be of *kind*."""
        while True:
            received = await self.receive()
            assert received is not None, f"expected {kind.__name__}, the connection was closed"
            if isinstance(received[1], kind):
                return received[1]
            assert isinstance(received[1], Heartbeat), f"expected {kind}, got {shown(received[1])}"

    async def expect_delivery(self) -> tuple[commands.Basic.Deliver, ContentHeader, bytes]:
        """The next delivery with its content."""
        deliver = await self.expect(commands.Basic.Deliver)
        head, body = await self.expect_content()
        return deliver, head, body

    async def expect_content(self) -> tuple[ContentHeader, bytes]:
        """Header and body that follow a delivery, a get-ok or a return."""
        head = await self.expect(ContentHeader)
        body = b""
        while len(body) < head.body_size:
            body += (await self.expect(ContentBody)).value
        return head, body

    async def becomes_ready(self, channel: int, queue: str, count: int) -> bool:
        """
        Whether *queue* comes to hold *count* ready messages.

        RabbitMQ counts before it has taken in what was just published.
        """
        for _ in range(100):
            self.send(channel, commands.Queue.Declare(queue=queue, passive=True))
            if (await self.expect(commands.Queue.DeclareOk)).message_count == count:
                return True
            await asyncio.sleep(0.02)
        return False

    async def closed_channel(self) -> tuple[int, str, int, int]:
        """Code, text, class and method of the ``channel.close`` that must come next."""
        close = await self.expect(commands.Channel.Close)
        return close.reply_code, close.reply_text, close.class_id, close.method_id

    async def closed_connection(self) -> tuple[int, str, int, int]:
        """The same for ``connection.close``."""
        close = await self.expect(commands.Connection.Close)
        return close.reply_code, close.reply_text, close.class_id, close.method_id

    async def ended(self) -> bool:
        """Whether the broker closes the connection without another method."""
        while True:
            received = await self.receive()
            if received is None:
                return True
            if not isinstance(received[1], Heartbeat):
                return False

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def shown(value: Any) -> str:
    """A frame with its fields."""
    fields = dict(value) if isinstance(value, base.Frame) else {}
    return f"{type(value).__name__} {fields}"
