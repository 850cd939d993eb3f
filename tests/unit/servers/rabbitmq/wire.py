"""A connection of the broker without sockets: bytes in by a call, bytes out in a list."""

from __future__ import annotations

from typing import Any

from pamqp import base, commands, frame
from pamqp.exceptions import UnmarshalingException

from tests.unit.servers.rabbitmq.timeline import Timeline, new_host
from umt_sim.servers.rabbitmq import RABBITMQ_3_13, Rules
from umt_sim.servers.rabbitmq.protocol.connection import Connection
from umt_sim.servers.rabbitmq.protocol.line import Workers

__all__ = ["SmallBroker", "Wire"]

HEADER = b"AMQP\x00\x00\x09\x01"


class _Loop(Timeline):
    """The part of an event loop that connections use."""

    def call_later(self, delay: float, callback: Any, *args: Any) -> Any:
        return self.call_at(self.now + delay, callback, *args)


class SmallBroker:
    """What a connection needs of the server."""

    def __init__(self, rules: Rules = RABBITMQ_3_13) -> None:
        self.loop = _Loop()
        self.rules = rules
        self.hosts = {"/": new_host(self.loop, rules=rules)}
        self.accounts = {"guest": "guest"}
        self.workers: Workers | None = None
        self.alarms: tuple[str, ...] = ()
        self.batching = False
        self._unflushed: dict[Connection, None] = {}

    def connected(self, connection: Connection) -> None:
        """Nothing to do."""

    def disconnected(self, connection: Connection) -> None:
        """Nothing to do."""

    def wants_flush(self, connection: Connection) -> None:
        """Remember it."""
        self._unflushed[connection] = None

    def flush(self) -> None:
        """Write."""
        while self._unflushed:
            batch, self._unflushed = self._unflushed, {}
            for connection in batch:
                connection.flush()


class Wire:
    """
    One connection and the transport under it.

    Args:
        broker: What it is connected to.
    """

    def __init__(self, broker: SmallBroker) -> None:
        self.connection = Connection(broker, broker.loop)  # type: ignore[arg-type]
        self.written = bytearray()
        self.closed = False
        self.reading = True
        self.connection.connection_made(self)  # type: ignore[arg-type]

    # The transport's side.

    def write(self, data: bytes) -> None:
        """Keep what the broker sends."""
        assert not self.closed
        self.written += data

    def close(self) -> None:
        """The broker hangs up."""
        if not self.closed:
            self.closed = True
            self.connection.connection_lost(None)

    abort = close

    def pause_reading(self) -> None:
        """The broker reads no further."""
        self.reading = False

    def resume_reading(self) -> None:
        """The broker reads on."""
        self.reading = True

    # The client's side.

    def say(self, data: bytes) -> None:
        """Send bytes, unless the broker has hung up."""
        if not self.closed:
            self.connection.data_received(data)

    def send(self, channel: int, *methods: base.Frame) -> None:
        """Send methods."""
        for method in methods:
            self.say(frame.marshal(method, channel))

    def open(self, *channels: int) -> Wire:
        """Shake hands and open *channels*."""
        self.say(HEADER)
        self.send(
            0,
            commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest"),
            commands.Connection.TuneOk(2047, 131072, 0),
            commands.Connection.Open("/"),
        )
        for channel in channels:
            self.send(channel, commands.Channel.Open())
        return self

    def received(self) -> list[tuple[int, Any]]:
        """What the broker has sent since the last time, decoded, with channels."""
        data, found = bytes(self.written), []
        while data:
            try:
                used, channel, value = frame.unmarshal(data)
            except UnmarshalingException:
                # The broker gives octets back as they came, the decoder wants UTF-8.
                _, channel, size = frame.frame_parts(data)
                used, value = size + 8, data[7 : 7 + size]
            data = data[used:]
            found.append((channel, value))
        self.written.clear()
        return found

    def frames(self) -> list[Any]:
        """The same without channels."""
        return [value for _, value in self.received()]
