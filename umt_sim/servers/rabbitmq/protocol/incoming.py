"""Puts a published message together from its method, header and body frames."""

from __future__ import annotations

from umt_sim.servers.rabbitmq.core.message import MalformedContent, Message, Properties
from umt_sim.servers.rabbitmq.errors import (
    AmqpError,
    not_implemented,
    precondition_failed,
    syntax_error,
    unexpected_frame,
)

__all__ = ["Incoming", "Publication"]

_BASIC = 60
_LARGEST_MESSAGE = 134_217_728  # bytes; RabbitMQ's default limit
_MANDATORY, _IMMEDIATE = 1, 2


class Publication:
    """
    One ``basic.publish`` with its content.

    Attributes:
        exchange: Where to.
        routing_key: With which key.
        mandatory: Whether it comes back if no queue wants it.
        immediate: Whether it was to be delivered at once; RabbitMQ knows no such thing.
        address: Exchange and routing key as they came.
        header: Payload of the content header.
        properties: What the broker reads of it.
        body: The payload.
    """

    __slots__ = (
        "address", "body", "exchange", "header", "immediate", "mandatory", "properties",
        "routing_key",
    )  # fmt: skip

    def __init__(self, method: bytes) -> None:
        try:
            middle = 7 + method[6]
            end = middle + 1 + method[middle]
            self.exchange = method[7:middle].decode()
            self.routing_key = method[middle + 1 : end].decode()
            bits = method[end]
        except (IndexError, UnicodeDecodeError) as error:
            raise syntax_error(f"method 60.40 cannot be read: {error}") from error
        self.address = method[6:end]
        self.mandatory = bool(bits & _MANDATORY)
        self.immediate = bool(bits & _IMMEDIATE)
        self.header = b""
        self.properties = _NOTHING
        self.body = b""

    def message(self) -> Message:
        """
        The message, complete.

        Raises:
            AmqpError: 406, its expiration is no number of milliseconds; 540, it is immediate.
        """
        if self.immediate:
            raise not_implemented("immediate=true")
        properties = self.properties
        if properties.expiration is not None:
            _check_expiration(properties.expiration)
        keys: tuple[str, ...] = (self.routing_key,)
        if properties.headers:
            keys += _copies(properties)
        return Message(self.exchange, keys, self.header, self.body, properties, self.address)


_NOTHING = Properties()


def _check_expiration(expiration: str) -> None:
    if not (expiration.isascii() and expiration.isdigit()):
        raise precondition_failed(f"invalid expiration '{expiration}': {_why(expiration)}")


def _why(expiration: str) -> str:
    digits = len(expiration) - len(expiration.lstrip("0123456789"))
    if not digits:
        return "no_integer"
    return f'{{leftover_string,"{expiration[digits:]}"}}'


def _copies(properties: Properties) -> tuple[str, ...]:
    """Further routing keys: RabbitMQ's sender-selected distribution."""
    keys: tuple[str, ...] = ()
    for header in ("CC", "BCC"):
        copies = properties.headers.get(header)
        if isinstance(copies, list):
            keys += tuple(key for key in copies if isinstance(key, str))
    return keys


class Incoming:
    """The publication a channel is in the middle of, if any."""

    def __init__(self) -> None:
        self._publication: Publication | None = None
        self._missing = -1  # bytes of body to come; -1 before the header
        self._pieces: list[bytes] = []

    @property
    def expecting(self) -> bool:
        """Whether content has to follow."""
        return self._publication is not None

    def interrupted(self) -> AmqpError:
        """The error of a method that comes before the content is complete."""
        if self._missing < 0:
            return unexpected_frame(
                "expected content header for class 60, got non content header frame instead"
            )
        return unexpected_frame("expected content body, got non content body frame instead")

    def method(self, payload: bytes) -> None:
        """Begin with the payload of a ``basic.publish`` frame."""
        self._publication = Publication(payload)
        self._missing = -1

    def header(self, payload: bytes) -> Publication | None:
        """
        Add the content header; the publication, if it has no body.

        Raises:
            AmqpError: 505 in the wrong place, 502 if it cannot be read, 406 if it announces
                more than RabbitMQ takes.
        """
        publication = self._publication
        if publication is None:
            raise unexpected_frame("expected method frame, got non method frame instead")
        if self._missing >= 0:
            raise self.interrupted()
        if len(payload) < 14:
            raise syntax_error("content header too short")
        if payload[0] << 8 | payload[1] != _BASIC:
            kind = payload[0] << 8 | payload[1]
            raise unexpected_frame(
                f"expected content header for class 60, got one for class {kind} instead"
            )
        try:
            publication.properties = Properties.read(payload)
        except MalformedContent as error:
            raise syntax_error(f"content header cannot be read: {error}") from error
        publication.header = payload
        self._missing = int.from_bytes(payload[4:12], "big")
        if self._missing > _LARGEST_MESSAGE:
            raise precondition_failed(
                f"message size {self._missing} is larger than configured max size"
                f" {_LARGEST_MESSAGE}"
            )
        return self._finish() if not self._missing else None

    def body(self, payload: bytes) -> Publication | None:
        """
        Add a piece of body; the publication, if it was the last one.

        Raises:
            AmqpError: 505 in the wrong place or more than announced.
        """
        if self._publication is None:
            raise unexpected_frame("expected method frame, got non method frame instead")
        if self._missing < 0:
            raise self.interrupted()
        self._missing -= len(payload)
        if self._missing < 0:
            raise unexpected_frame("content body is longer than its header announced")
        if not self._missing and not self._pieces:
            self._publication.body = payload
            return self._finish()
        self._pieces.append(payload)
        if self._missing:
            return None
        self._publication.body = b"".join(self._pieces)
        self._pieces.clear()
        return self._finish()

    def _finish(self) -> Publication:
        publication, self._publication = self._publication, None
        assert publication is not None
        return publication
