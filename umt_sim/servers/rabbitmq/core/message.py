"""
A message as the broker holds it: where it was sent, its header and its body.

Header and address stay in wire form, so that delivering is joining bytes. The
few properties the broker itself obeys are read once, on arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from umt_sim.servers.rabbitmq.core.table import MalformedTable, Table

__all__ = ["Death", "MalformedContent", "Message", "Properties", "short_string"]

# Bits of the property flags, in the order the properties follow (AMQP 0-9-1, class basic).
_CONTENT_TYPE, _CONTENT_ENCODING, _HEADERS, _DELIVERY_MODE = 0x8000, 0x4000, 0x2000, 0x1000
_PRIORITY, _CORRELATION_ID, _REPLY_TO, _EXPIRATION = 0x0800, 0x0400, 0x0200, 0x0100
_MESSAGE_ID, _TIMESTAMP, _TYPE, _USER_ID = 0x0080, 0x0040, 0x0020, 0x0010
_APP_ID, _CLUSTER_ID = 0x0008, 0x0004
_MORE_FLAGS = 0x0001
_STRINGS_BEFORE_HEADERS = (_CONTENT_TYPE, _CONTENT_ENCODING)
_FIXED_HEADER = 14  # class, weight, body size and flags
_PERSISTENT = 2
_NO_HEADERS = Table()


class MalformedContent(ValueError):
    """A content header whose properties cannot be read."""


def short_string(text: str) -> bytes:
    """*text* with its length in front; octets that are no UTF-8 leave as they came."""
    data = text.encode(errors="surrogateescape")
    return bytes((len(data),)) + data


@dataclass(slots=True)
class Properties:
    """
    What the broker reads of a message's properties; the rest it only carries.

    Attributes:
        headers: The application's headers.
        persistent: Delivery mode 2: survives a restart in a durable queue.
        priority: ``None`` when not given.
        expiration: Time to live as sent: milliseconds in decimal digits.
        message_id: The publisher's id, empty when not given.
        user_id: The publisher's claim of who it is.
    """

    headers: Table = _NO_HEADERS
    persistent: bool = False
    priority: int | None = None
    expiration: str | None = None
    message_id: str = ""
    user_id: str | None = None

    @classmethod
    def read(cls, header: bytes) -> Properties:
        """
        Read the payload of a content header frame.

        Raises:
            MalformedContent: The properties end elsewhere than the header, or hold no legal table
                or text.
        """
        try:
            flags = header[12] << 8 | header[13]
            if flags & _MORE_FLAGS:
                raise MalformedContent("a second word of property flags")
            return cls._read(flags, header)
        except (IndexError, UnicodeDecodeError, MalformedTable) as error:
            raise MalformedContent(str(error)) from error

    @classmethod
    def _read(cls, flags: int, header: bytes) -> Properties:
        found = cls()
        at = _headers_position(flags, header)
        if flags & _HEADERS:
            end = at + 4 + int.from_bytes(header[at : at + 4], "big")
            found.headers = Table(header[at + 4 : end])
            at = end
        if flags & _DELIVERY_MODE:
            found.persistent = header[at] == _PERSISTENT
            at += 1
        if flags & _PRIORITY:
            found.priority = header[at]
            at += 1
        if flags & _LATER_STRINGS:
            at = found._read_strings(flags, header, at)
        if at != len(header):
            raise MalformedContent("the properties end elsewhere than the header")
        return found

    def _read_strings(self, flags: int, header: bytes, at: int) -> int:
        for flag, name in _AFTER_PRIORITY:
            if not flags & flag:
                continue
            if flag == _TIMESTAMP:
                at += 8
                continue
            start, at = at + 1, at + 1 + header[at]
            if name:
                setattr(self, name, header[start:at].decode())
        return at


# What follows the priority: each a short string, but for the timestamp; those the broker reads
# have the name of their attribute.
_AFTER_PRIORITY = (
    (_CORRELATION_ID, ""),
    (_REPLY_TO, ""),
    (_EXPIRATION, "expiration"),
    (_MESSAGE_ID, "message_id"),
    (_TIMESTAMP, ""),
    (_TYPE, ""),
    (_USER_ID, "user_id"),
    (_APP_ID, ""),
    (_CLUSTER_ID, ""),
)
_LATER_STRINGS = sum(flag for flag, _ in _AFTER_PRIORITY)


def _headers_position(flags: int, header: bytes) -> int:
    at = _FIXED_HEADER
    for flag in _STRINGS_BEFORE_HEADERS:
        if flags & flag:
            at += 1 + header[at]
    return at


def _expiration_position(flags: int, header: bytes, at: int) -> int:
    """Where the expiration begins, given the position *at* right behind the headers."""
    at += bool(flags & _DELIVERY_MODE) + bool(flags & _PRIORITY)
    for flag in (_CORRELATION_ID, _REPLY_TO):
        if flags & flag:
            at += 1 + header[at]
    return at


@dataclass(frozen=True, slots=True)
class Death:
    """
    A reason to be dead-lettered and how often it struck in one queue.

    Attributes:
        queue: Where it happened.
        reason: RabbitMQ's word: ``rejected``, ``expired``, ``maxlen``, ``delivery_limit``.
        count: How often.
        time: When first, as a moment of the wall clock.
        exchange: Where the message had been published then.
        routing_keys: And with which keys.
        expiration: Its own time to live then, as sent.
    """

    queue: str
    reason: str
    count: int
    time: datetime
    exchange: str
    routing_keys: tuple[str, ...]
    expiration: str | None


class Message:
    """
    One published message. Queues share it; what differs between queues is in their entries.

    Args:
        exchange: Name of the exchange it was last published to.
        routing_keys: The routing key, then those of the ``CC`` and ``BCC`` headers.
        header: Payload of its content header frame.
        body: The payload.
        properties: What ``Properties.read`` finds in *header*.
        address: Exchange and routing key as ``basic.deliver`` carries them, if at hand.

    Attributes:
        ttl: Its own time to live in seconds; ``None`` for ever.
        deaths: Why and where it was dead-lettered, the latest first.

    Raises:
        ValueError: Its expiration is not a number.
    """

    __slots__ = (
        "address",
        "body",
        "deaths",
        "exchange",
        "header",
        "properties",
        "routing_keys",
        "ttl",
    )

    def __init__(
        self,
        exchange: str,
        routing_keys: tuple[str, ...],
        header: bytes,
        body: bytes,
        properties: Properties,
        address: bytes = b"",
    ) -> None:
        self.exchange = exchange
        self.routing_keys = routing_keys
        self.header = header
        self.body = body
        self.properties = properties
        self.deaths: tuple[Death, ...] = ()
        expiration = properties.expiration
        self.ttl = None if expiration is None else int(expiration) / 1000
        self.address = address or short_string(exchange) + short_string(routing_keys[0])

    @property
    def routing_key(self) -> str:
        """The key it was published with."""
        return self.routing_keys[0]

    def copied(self) -> Message:
        """With the routing keys of ``CC`` and ``BCC``, and without the latter's header."""
        headers = self.properties.headers
        cc, bcc = _keys(headers.get("CC")), _keys(headers.get("BCC"))
        if not bcc:
            self.routing_keys += cc
            return self
        shown = headers.changed({}, without=("BCC",))
        return self.readdressed(self.exchange, self.routing_keys + cc + bcc, shown, expires=True)

    def annotated(self, more: dict[str, int]) -> Message:
        """A copy with further headers."""
        headers = self.properties.headers.changed(more)
        copy = self.readdressed(self.exchange, self.routing_keys, headers, expires=True)
        copy.deaths = self.deaths
        return copy

    def readdressed(
        self, exchange: str, routing_keys: tuple[str, ...], headers: Table, *, expires: bool
    ) -> Message:
        """
        A copy for another exchange with other headers, all else as it came.

        Args:
            exchange: Where it goes now.
            routing_keys: With which keys.
            headers: The new headers.
            expires: Whether it keeps its expiration.
        """
        header = _with_headers(self.header, headers)
        if not expires:
            header = _without_expiration(header)
        return Message(exchange, routing_keys, header, self.body, Properties.read(header))


def _keys(copies: object) -> tuple[str, ...]:
    if not isinstance(copies, list):
        return ()
    return tuple(key for key in copies if isinstance(key, str))


def _with_headers(header: bytes, headers: Table) -> bytes:
    flags = header[12] << 8 | header[13]
    start = end = _headers_position(flags, header)
    if flags & _HEADERS:
        end = start + 4 + int.from_bytes(header[start : start + 4], "big")
    flags = flags | _HEADERS if headers else flags & ~_HEADERS
    table = headers.encoded() if headers else b""
    return b"".join((header[:12], flags.to_bytes(2, "big"), header[14:start], table, header[end:]))


def _without_expiration(header: bytes) -> bytes:
    flags = header[12] << 8 | header[13]
    if not flags & _EXPIRATION:
        return header
    at = _headers_position(flags, header)
    if flags & _HEADERS:
        at += 4 + int.from_bytes(header[at : at + 4], "big")
    at = _expiration_position(flags, header, at)
    flags &= ~_EXPIRATION
    rest = header[at + 1 + header[at] :]
    return b"".join((header[:12], flags.to_bytes(2, "big"), header[14:at], rest))
