"""A channel on the wire: methods and contents in, replies, deliveries and confirms out."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from pamqp import base, commands

from umt_sim.journal.records import MessageFate
from umt_sim.servers.rabbitmq.core.message import MalformedContent
from umt_sim.servers.rabbitmq.core.session import Session
from umt_sim.servers.rabbitmq.core.virtual_host import Published
from umt_sim.servers.rabbitmq.errors import (
    AmqpError,
    access_refused,
    command_invalid,
    internal_error,
    precondition_failed,
    resource_error,
)
from umt_sim.servers.rabbitmq.protocol import frames
from umt_sim.servers.rabbitmq.protocol.incoming import Incoming, Publication
from umt_sim.servers.rabbitmq.protocol.line import Line
from umt_sim.servers.rabbitmq.protocol.methods import HANDLERS, OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from umt_sim.servers.capacity import QueueFull
    from umt_sim.servers.rabbitmq.core.backlog import Entry
    from umt_sim.servers.rabbitmq.core.consumers import Consumer
    from umt_sim.servers.rabbitmq.core.message import Message
    from umt_sim.servers.rabbitmq.core.virtual_host import VirtualHost
    from umt_sim.servers.rabbitmq.protocol.connection import Connection
    from umt_sim.servers.rabbitmq.protocol.line import Workers

__all__ = ["Channel"]

_NO_ROUTE = 312
_PUBLISH = (60, 40)
_ACK = (60, 80)
_FEW_WAITING = 200  # operations; a connection that was not read for too many is read again
_MOST_UNSENT = 200  # deliveries that wait for capacity before the queues keep the rest
_FEW_UNSENT = 100  # and when they give more


class _State(Enum):
    OPEN = "open"
    CLOSING = "closing"  # we sent channel.close and wait for the answer
    CLOSED = "closed"


class Channel:
    """
    One channel of a connection.

    Args:
        number: As on the wire, from 1.
        connection: What it belongs to.
        host: The virtual host that was opened.
        workers: Who holds operations up; ``None`` lets each have its effect at once.
    """

    def __init__(
        self, number: int, connection: Connection, host: VirtualHost, workers: Workers | None
    ) -> None:
        self.number = number
        self.connection = connection
        self.host = host
        self.session = Session(host, connection, self)
        self.last_queue = ""  # what an empty queue name means
        self.confirming = False
        self._state = _State.OPEN
        self._incoming = Incoming()
        self._published = 0
        self._confirmed: list[int] = []
        self._refused: list[int] = []
        self._heads: dict[str, bytes] = {}
        self._congested = False
        self._inward: Line | None = None
        self._outward: Line | None = None
        if workers is not None:
            self._inward = Line(workers, self._served, self._no_room)
            self._outward = Line(workers, self._sent, self._no_room)
        self.writable_changed()

    @property
    def waiting(self) -> int:
        """Operations of the client that capacity holds up."""
        return 0 if self._inward is None else len(self._inward)

    # Frames in.

    def on_frame(self, kind: int, payload: bytes) -> None:
        """Take one frame."""
        if self._state is not _State.OPEN:
            self._on_frame_while_closing(kind, payload)
            return
        try:
            if kind == frames.METHOD:
                self._on_method(payload)
                return
            add = self._incoming.header if kind == frames.HEADER else self._incoming.body
            publication = add(payload)
        except AmqpError as error:
            self.fail(error)
        else:
            if publication is not None:
                self._on_publication(publication)

    def _on_method(self, payload: bytes) -> None:
        if self._incoming.expecting:
            raise self._incoming.interrupted()
        if payload[:4] == frames.PUBLISH:
            self._incoming.method(payload)
            self.connection.publisher_seen()
            return
        ack = frames.read_ack(payload)
        if ack is not None:
            self._line_up("ack", 0, partial(self._ack, *ack))
            return
        method = frames.read_method(payload)
        operation = OPERATIONS.get(type(method), "")
        self._line_up(operation, 0, partial(self._perform, method))

    def _line_up(self, operation: str, size: int, effect: Callable[[], None]) -> None:
        if self._inward is None:
            effect()
        else:
            self._inward.submit(operation, size, effect)

    def _on_publication(self, publication: Publication) -> None:
        self._line_up("publish", len(publication.body), partial(self._publish, publication))

    def _on_frame_while_closing(self, kind: int, payload: bytes) -> None:
        """All is ignored but the end: RabbitMQ does not look at what was under way."""
        if kind != frames.METHOD or self._state is _State.CLOSED:
            return
        if payload[:4] == _CLOSE:
            self._say(commands.Channel.CloseOk())
        elif payload[:4] == _CLOSE_OK:
            self._state = _State.CLOSED
            self.connection.channel_closed(self)

    # Effects.

    def _ack(self, tag: int, multiple: bool) -> None:
        if self._state is not _State.OPEN:
            return
        try:
            self.session.ack(tag, multiple=multiple)
        except AmqpError as error:
            self.fail(error.about(_ACK))

    def _perform(self, method: base.Frame) -> None:
        if self._state is not _State.OPEN:
            return
        try:
            handler = HANDLERS.get(type(method))
            if handler is None:
                raise command_invalid("unimplemented method")
            reply = handler(self, method)
        except AmqpError as error:
            self.fail(error.about(divmod(method.index, 1 << 16)))
            return
        if reply is not None:
            self.reply(reply)

    def _publish(self, publication: Publication) -> None:
        if self._state is not _State.OPEN:
            return
        try:
            message = publication.message()
            exchange = self.host.exchange(publication.exchange)
            if exchange.internal:
                what = self.host.describe("exchange", exchange.name)
                raise access_refused(f"cannot publish to internal {what}")
            user = message.properties.user_id
            if user is not None and user != self.connection.user:
                raise precondition_failed(
                    f"user_id property set to '{user}' but authenticated user was"
                    f" '{self.connection.user}'"
                )
        except AmqpError as error:
            self.fail(error.about(_PUBLISH))
            return
        except MalformedContent:
            self.fail(internal_error())
            return
        outcome = self.host.publish(exchange, message)
        if outcome is Published.UNROUTABLE and publication.mandatory:
            self._return(message)
        if self.confirming:
            self._settle(message, refused=outcome is Published.REFUSED)

    def _return(self, message: Message) -> None:
        self.connection.send(
            frames.returned(self.number, _NO_ROUTE, "NO_ROUTE", message)
            + frames.content(self.number, message, self.connection.frame_max)
        )

    def _settle(self, message: Message, *, refused: bool) -> None:
        self._published += 1
        if refused:
            self._refused.append(self._published)
        else:
            self._confirmed.append(self._published)
            self.host.ledger.fate(MessageFate.CONFIRMED, message)
        self.connection.confirms_due(self)

    def send_confirms(self) -> None:
        """Tell the publisher of everything settled since the last time, in as few frames."""
        for tag in self._refused:
            self.connection.send(frames.refuse(self.number, tag))
        if self._confirmed:
            several = len(self._confirmed) > 1
            self.connection.send(frames.confirm(self.number, self._confirmed[-1], multiple=several))
        self._refused.clear()
        self._confirmed.clear()

    def _served(self) -> None:
        if self.waiting <= _FEW_WAITING:
            self.connection.caught_up()

    def _sent(self) -> None:
        if self._congested and self._outward is not None and len(self._outward) <= _FEW_UNSENT:
            self._congested = False
            self.writable_changed()

    def writable_changed(self) -> None:
        """The connection accepts more, or does not."""
        self.session.set_writable(writable=self.connection.writable and not self._congested)

    def _no_room(self, operation: str, full: QueueFull) -> None:
        self.fail(resource_error(f"no room for {operation}: {full}"))

    # Deliveries out.

    def deliver(self, consumer: Consumer, delivery_tag: int, entry: Entry) -> None:
        """Send *entry* to a consumer of this channel."""
        if self._outward is None:
            self._write_delivery(consumer, delivery_tag, entry)
        else:
            effect = partial(self._write_delivery, consumer, delivery_tag, entry)
            self._outward.submit("deliver", len(entry.message.body), effect)
            if len(self._outward) >= _MOST_UNSENT and not self._congested:
                self._congested = True
                self.writable_changed()

    def _write_delivery(self, consumer: Consumer, delivery_tag: int, entry: Entry) -> None:
        if self._state is not _State.OPEN:
            return
        tag, connection = consumer.tag, self.connection
        head = self._heads.get(tag)
        if head is None:
            head = self._heads[tag] = frames.deliver_head(tag)
        connection.send(
            frames.delivery(
                self.number,
                head,
                delivery_tag,
                entry.redelivered,
                entry.shown,
                connection.frame_max,
            )
        )
        consumer.queue.delivered(entry, no_ack=consumer.no_ack)

    def consumer_is_gone(self, consumer_tag: str) -> None:
        """Tell the client that the queue of a consumer was deleted, if it wants to know."""
        if self.connection.notified_of_cancels:
            cancel = commands.Basic.Cancel(consumer_tag=consumer_tag, nowait=True)
            self.reply(cancel)

    def overdue(self, patience: float) -> None:
        """Close the channel: a delivery was not acknowledged within *patience* seconds."""
        self.fail(
            precondition_failed(
                f"delivery acknowledgement on channel {self.number} timed out. Timeout value used:"
                f" {patience * 1000:.0f} ms. This timeout value can be configured, see consumers"
                " doc guide to learn more"
            )
        )

    def reply(self, method: base.Frame) -> None:
        """Send *method*, behind the deliveries that wait for capacity."""
        data = frames.method(self.number, method)
        if self._outward is not None and self._outward.busy:
            self._outward.submit("", 0, partial(self.connection.send, data))
        else:
            self.connection.send(data)

    def reply_got(self, tag: int, entry: Entry, left: int) -> None:
        """Answer ``basic.get`` with a message."""
        message = entry.shown
        self.connection.send(
            frames.got(self.number, tag, entry.redelivered, message, left)
            + frames.content(self.number, message, self.connection.frame_max)
        )

    def reply_declared(self, queue: str, messages: int, consumers: int) -> None:
        """Answer ``queue.declare``."""
        self.connection.send(frames.queue_declared(self.number, queue, messages, consumers))

    # The end.

    def _say(self, method: base.Frame) -> None:
        self.connection.send(frames.method(self.number, method))

    def fail(self, error: AmqpError) -> None:
        """Close the channel because of *error*, or the connection if it is a hard one."""
        self.send_confirms()
        if not error.soft:
            self._lose()
            self.connection.fail(error)
            return
        self._state = _State.CLOSING
        self._end_session()
        self._say(commands.Channel.Close(error.code, error.text, *error.method))

    def close(self) -> None:
        """The client closed it: answer once all that came before has had its effect."""
        self.send_confirms()
        self._state = _State.CLOSED
        self._end_session()
        self._say(commands.Channel.CloseOk())
        self.connection.channel_closed(self)

    def connection_lost(self) -> None:
        """
        The connection is gone.

        What the client had sent is still worked off: it cannot know what happened.
        """
        if self._inward is None or not self._inward.busy:
            self._lose()
        else:
            self._inward.submit("", 0, self._lose)

    def crash(self) -> None:
        """The broker is gone: what was under way does not happen."""
        if self._inward is not None:
            self._inward.clear()
        self._lose()

    def _lose(self) -> None:
        self.send_confirms()
        if self._state is _State.OPEN:
            self._end_session()
        self._state = _State.CLOSED
        self.connection.channel_closed(self)

    def _end_session(self) -> None:
        if self._outward is not None:
            self._outward.clear()
        self.session.close()


_CLOSE = commands.Channel.Close.index.to_bytes(4, "big")
_CLOSE_OK = commands.Channel.CloseOk.index.to_bytes(4, "big")
