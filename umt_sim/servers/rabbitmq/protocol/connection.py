"""A client's connection: bytes to frames, frames to channels, and the rules between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Protocol, cast

from pamqp import base, commands

from umt_sim.servers.rabbitmq.errors import (
    AmqpError,
    Breakdown,
    channel_error,
    connection_forced,
    frame_error,
    not_allowed,
    unexpected_frame,
)
from umt_sim.servers.rabbitmq.protocol import frames
from umt_sim.servers.rabbitmq.protocol.channel import Channel
from umt_sim.servers.rabbitmq.protocol.handshake import Handshake, Negotiated
from umt_sim.servers.rabbitmq.protocol.heartbeat import Heartbeat
from umt_sim.servers.rabbitmq.protocol.reading import Pressure, Reading
from umt_sim.servers.rabbitmq.protocol.splitter import Splitter
from umt_sim.servers.rabbitmq.protocol.wording import frame_text

if TYPE_CHECKING:
    from umt_sim.servers.rabbitmq.core.virtual_host import VirtualHost
    from umt_sim.servers.rabbitmq.protocol.line import Workers
    from umt_sim.servers.rabbitmq.rules import Rules

__all__ = ["Broker", "Connection"]

_PIECE = 65_536  # bytes written at once; above it the transport is asked whether it keeps up
_MOST_WAITING = 400  # operations of one connection held up by capacity before it is not read
_CLOSE_TIMEOUT = 30.0  # seconds a client has for connection.close-ok
_SILENT_CLOSE = 3.0  # seconds before a failed handshake ends
_CONTENT_KINDS = (frames.METHOD, frames.HEADER, frames.BODY)


class Broker(Protocol):
    """The server, as its connections see it."""

    rules: Rules
    hosts: dict[str, VirtualHost]
    accounts: dict[str, str]
    workers: Workers | None
    alarms: tuple[str, ...]
    batching: bool  # whether a flush is sure to come at the end of what is being done

    def connected(self, connection: Connection) -> None:
        """A client came."""
        ...

    def disconnected(self, connection: Connection) -> None:
        """It is gone."""
        ...

    def wants_flush(self, connection: Connection) -> None:
        """There is something to write."""
        ...

    def flush(self) -> None:
        """Write now."""
        ...


class _State(Enum):
    HANDSHAKE = "handshake"
    OPEN = "open"
    CLOSING = "closing"  # we sent connection.close and wait for the answer
    CLOSED = "closed"


class Connection(asyncio.Protocol):
    """
    One connection.

    Args:
        broker: The server.
        loop: For timers.
    """

    def __init__(self, broker: Broker, loop: asyncio.AbstractEventLoop) -> None:
        self.channels: dict[int, Channel] = {}
        self.writable = True
        self.user = ""
        self.frame_max = broker.rules.frame_max
        self.notified_of_cancels = False
        self._notified_of_blocking = False
        self._channel_max = broker.rules.channel_max
        self._broker = broker
        self._loop = loop
        self._state = _State.HANDSHAKE
        self._handshake = Handshake(broker.rules, broker.accounts, broker.hosts)
        self._host: VirtualHost | None = None
        self._heartbeat: Heartbeat | None = None
        self._splitter = Splitter(broker.rules.frame_max)
        self._transport: asyncio.Transport
        self._reading: Reading
        self._out: list[bytes] = []
        self._out_size = 0
        self._unconfirmed: dict[Channel, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._after_channels: Callable[[], None] | None = None

    # The transport's calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._reading = Reading(self._transport)
        self._broker.connected(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        if self._heartbeat is not None:
            self._heartbeat.received = True
        self._broker.batching = True
        try:
            self._splitter.add(data)
            self._take_frames()
        finally:
            self._broker.flush()

    def eof_received(self) -> bool:
        """The client sends no more: the transport closes."""
        return False

    def pause_writing(self) -> None:
        """The client does not read fast enough: deliveries stop."""
        self._set_writable(writable=False)

    def resume_writing(self) -> None:
        """The client caught up."""
        self._set_writable(writable=True)
        self._broker.flush()

    def _set_writable(self, *, writable: bool) -> None:
        self.writable = writable
        for channel in list(self.channels.values()):
            channel.writable_changed()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """The client is gone: its channels close, exclusive queues go."""
        self._end()
        self._broker.flush()

    # Bytes in.

    def _take_frames(self) -> None:
        try:
            if self._handshake.expects_header and not self._greet():
                return
            while not self._reading.stopped_by(Pressure.ALARM):
                frame = self._splitter.frame()
                if frame is None or self._state is _State.CLOSED:
                    return
                kind, number, payload = frame
                if number:
                    self._on_channel_frame(kind, number, payload)
                else:
                    self._on_frame(kind, payload)
        except AmqpError as error:
            self._splitter.clear()  # what follows an error makes no sense
            self.fail(error)
        except Breakdown:
            self._close_transport()

    def _greet(self) -> bool:
        header = self._splitter.take(len(frames.PROTOCOL_HEADER))
        if header == frames.PROTOCOL_HEADER:
            self.send(frames.method(0, self._handshake.start()))
            return True
        if header is not None:
            # The protocol's own way to refuse: say what would be spoken here.
            self.send(frames.PROTOCOL_HEADER)
            self._close_transport()
        return False

    # Frames in.

    def _check_kind(self, kind: int, payload: bytes) -> None:
        if kind not in frames.KINDS or (kind == frames.HEARTBEAT and payload):
            raise frame_error(f"{frame_text(kind, payload)}: unknown_frame")

    def _on_frame(self, kind: int, payload: bytes) -> None:
        self._check_kind(kind, payload)
        if kind == frames.HEARTBEAT:
            return
        if kind != frames.METHOD:
            raise unexpected_frame(frame_text(kind, payload))
        method = frames.read_method(payload)
        try:
            self._on_method(method)
        except AmqpError as error:
            raise error.about(divmod(method.index, 1 << 16)) from None

    def _on_method(self, method: base.Frame) -> None:
        if isinstance(method, commands.Connection.CloseOk):
            self._close_transport()
        elif isinstance(method, commands.Connection.Close):
            self._close_for_client()
        elif self._state is _State.HANDSHAKE:
            self._shake(method)
        elif self._state is _State.OPEN:
            self._control(method)

    def _shake(self, method: base.Frame) -> None:
        reply = self._handshake.step(method)
        if reply is not None:
            self.send(frames.method(0, reply))
        done = self._handshake.done
        if done is not None:
            self._open(done)

    def _open(self, agreed: Negotiated) -> None:
        self._state = _State.OPEN
        self._host = self._broker.hosts[agreed.host]
        self.user = agreed.user
        self.frame_max = self._splitter.frame_max = agreed.frame_max
        self._channel_max = agreed.channel_max
        self.notified_of_cancels = agreed.capabilities.get("consumer_cancel_notify", False)
        self._notified_of_blocking = agreed.capabilities.get("connection.blocked", False)
        if agreed.heartbeat:
            self._heartbeat = Heartbeat(
                self._loop,
                agreed.heartbeat,
                send=self._beat,
                listening=lambda: not self._reading.stopped,
                give_up=self._transport.abort,
            )

    def _beat(self) -> None:
        self.send(frames.HEARTBEAT_FRAME)
        self._broker.flush()

    def _control(self, method: base.Frame) -> None:
        if isinstance(method, commands.Connection.UpdateSecret):
            self.send(frames.method(0, commands.Connection.UpdateSecretOk()))
            return
        raise channel_error("unexpected method in connection state running")

    def _on_channel_frame(self, kind: int, number: int, payload: bytes) -> None:
        if kind not in _CONTENT_KINDS:
            self._check_kind(kind, payload)
            raise unexpected_frame(frame_text(kind, payload))
        if self._state is _State.CLOSING:
            return
        channel = self.channels.get(number)
        if channel is not None:
            channel.on_frame(kind, payload)
            if channel.waiting > _MOST_WAITING:
                self._reading.stop(Pressure.CAPACITY)
        elif self._state is _State.OPEN:
            self._open_channel(kind, number, payload)
        else:
            raise unexpected_frame(f"frame on channel {number} before connection.open")

    def _open_channel(self, kind: int, number: int, payload: bytes) -> None:
        if kind != frames.METHOD:
            raise unexpected_frame("expected method frame, got non method frame instead")
        method = frames.read_method(payload)
        if not isinstance(method, commands.Channel.Open):
            raise channel_error("expected 'channel.open'").about(divmod(method.index, 1 << 16))
        if self._channel_max and len(self.channels) >= self._channel_max:
            raise not_allowed(
                f"number of channels opened ({len(self.channels)}) has reached the negotiated"
                f" channel_max ({self._channel_max})"
            )
        assert self._host is not None
        self.channels[number] = Channel(number, self, self._host, self._broker.workers)
        self.send(frames.channel_opened(number))

    def channel_closed(self, channel: Channel) -> None:
        """*channel* is gone; its number is free."""
        self._unconfirmed.pop(channel, None)
        if self.channels.get(channel.number) is channel:
            del self.channels[channel.number]
        self._check_channels()

    # Bytes out.

    def send(self, data: bytes) -> None:
        """Write *data* when the broker flushes."""
        if not self._out:
            self._broker.wants_flush(self)
        self._out.append(data)
        self._out_size += len(data)
        if self._out_size >= _PIECE:
            self._write()

    def confirms_due(self, channel: Channel) -> None:
        """*channel* has something to confirm when the broker flushes."""
        if not self._unconfirmed:
            self._broker.wants_flush(self)
        self._unconfirmed[channel] = None

    def flush(self) -> None:
        """Hand everything to the transport, confirms last."""
        if self._unconfirmed:
            for channel in self._unconfirmed:
                channel.send_confirms()
            self._unconfirmed.clear()
        if self._out:
            self._write()

    def _write(self) -> None:
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        self._out_size = 0
        if self._state is not _State.CLOSED:
            if self._heartbeat is not None:
                self._heartbeat.sent = True
            self._transport.write(data)

    # Alarms and capacity.

    def publisher_seen(self) -> None:
        """The client publishes: while an alarm lasts, it is read no further."""
        alarms = self._broker.alarms
        if not alarms or self._state is not _State.OPEN:
            return
        self._reading.stop(Pressure.ALARM)
        if self._notified_of_blocking:
            reason = " & ".join(f"low on {resource}" for resource in alarms)
            self.send(frames.method(0, commands.Connection.Blocked(reason=reason)))

    def unblock(self) -> None:
        """The alarm is over: read on, beginning with what had come already."""
        if not self._reading.stopped_by(Pressure.ALARM):
            return
        if self._notified_of_blocking:
            self.send(frames.method(0, commands.Connection.Unblocked()))
        self._reading.go_on(Pressure.ALARM)
        self._take_frames()

    def caught_up(self) -> None:
        """Capacity has worked off what was waiting: read on."""
        self._reading.go_on(Pressure.CAPACITY)

    # The end.

    def fail(self, error: AmqpError) -> None:
        """Close the connection because of *error*."""
        if self._state is _State.HANDSHAKE and not self._handshake.may_explain(error):
            # RabbitMQ trusts nobody who fails here, and lets them wait before it hangs up.
            self._state = _State.CLOSING
            self._timer = self._loop.call_later(_SILENT_CLOSE, self._close_transport)
        elif self._state in (_State.HANDSHAKE, _State.OPEN):
            self._say_goodbye(error)
            self._timer = self._loop.call_later(_CLOSE_TIMEOUT, self._transport.abort)

    def shut_down(self) -> None:
        """The broker stops: say so and close without waiting."""
        if self._state is _State.OPEN:
            why = "broker forced connection closure with reason 'shutdown'"
            self._say_goodbye(connection_forced(why))
        self._close_transport()

    def freeze(self) -> None:
        """Deliver nothing more."""
        self._set_writable(writable=False)

    def crash(self) -> None:
        """The broker is gone from one moment to the next."""
        self._out.clear()
        self._unconfirmed.clear()
        for channel in list(self.channels.values()):
            channel.crash()
        self._transport.abort()
        self._end()

    def _say_goodbye(self, error: AmqpError) -> None:
        close = commands.Connection.Close(error.code, error.text, *error.method)
        self._end_channels(then=lambda: None)
        self.send(frames.method(0, close))
        self._state = _State.CLOSING

    def _close_for_client(self) -> None:
        self._state = _State.CLOSING
        self._end_channels(then=self._confirm_close)

    def _confirm_close(self) -> None:
        self.flush()
        self.send(frames.method(0, commands.Connection.CloseOk()))
        # It is the client's to hang up.
        self._timer = self._loop.call_later(_CLOSE_TIMEOUT, self._close_transport)

    def _end_channels(self, then: Callable[[], None]) -> None:
        """Close the channels; once they have worked off what they had, release and go on."""
        self._after_channels = then
        self._set_writable(writable=False)
        for channel in list(self.channels.values()):
            channel.send_confirms()
            channel.connection_lost()
        self._check_channels()

    def _check_channels(self) -> None:
        if self._after_channels is not None and not self.channels:
            then, self._after_channels = self._after_channels, None
            self._release()
            then()

    def _release(self) -> None:
        if self._host is not None:
            self._host.connection_closed(self)

    def _close_transport(self) -> None:
        self.flush()
        self._state = _State.CLOSED
        self._transport.close()

    def _end(self) -> None:
        self._state = _State.CLOSED
        if self._timer is not None:
            self._timer.cancel()
        if self._heartbeat is not None:
            self._heartbeat.stop()
        self._end_channels(then=lambda: self._broker.disconnected(self))
