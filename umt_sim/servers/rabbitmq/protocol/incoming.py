"""Puts a published message together from its method, header and body frames."""

from __future__ import annotations

import re

from umt_sim.servers.rabbitmq.core.arguments import duration_fault
from umt_sim.servers.rabbitmq.core.message import Message, Properties
from umt_sim.servers.rabbitmq.errors import (
    AmqpError,
    frame_error,
    not_implemented,
    precondition_failed,
    unexpected_frame,
)
from umt_sim.servers.rabbitmq.protocol.frames import HEADER
from umt_sim.servers.rabbitmq.protocol.wording import binary, frame_text

__all__ = ["Incoming", "Publication"]

_BASIC = 60
_LARGEST_MESSAGE = 134_217_728  # bytes; RabbitMQ's default limit
_MANDATORY, _IMMEDIATE = 1, 2
_SHORTEST_HEADER = 12  # class, weight and body size
_PUBLISH = (60, 40)


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
        body: The payload.
    """

    __slots__ = (
        "address", "body", "exchange", "header", "immediate", "mandatory", "routing_key",
    )  # fmt: skip

    def __init__(self, method: bytes) -> None:
        try:
            middle = 7 + method[6]
            end = middle + 1 + method[middle]
            self.exchange = method[7:middle].decode()
            # RabbitMQ takes any octets for a routing key.
            self.routing_key = method[middle + 1 : end].decode(errors="surrogateescape")
            bits = method[end]
        except UnicodeDecodeError:
            raise frame_error("Malformed UTF-8 in shortstr") from None
        except IndexError:
            end = len(method)
        if end + 1 != len(method):
            raise frame_error(f"cannot decode {binary(method[4:], column=14)}").about(_PUBLISH)
        self.address = method[6:end]
        self.mandatory = bool(bits & _MANDATORY)
        self.immediate = bool(bits & _IMMEDIATE)
        self.header = b""
        self.body = b""

    def message(self) -> Message:
        """
        The message, complete.

        Raises:
            AmqpError: 406, it is too large or its expiration is no number of milliseconds; 540,
                it is immediate.
            MalformedContent: Its properties cannot be read.
        """
        if self.immediate:
            raise not_implemented("immediate=true")
        if len(self.body) > _LARGEST_MESSAGE:
            raise precondition_failed(
                f"message size {len(self.body)} is larger than configured max size"
                f" {_LARGEST_MESSAGE}"
            )
        properties = Properties.read(self.header)
        if properties.expiration is not None:
            _check_expiration(properties.expiration)
        keys = (self.routing_key,)
        message = Message(self.exchange, keys, self.header, self.body, properties, self.address)
        return message.copied() if properties.headers else message


_INTEGER = re.compile(r"[+-]?[0-9]+")


def _check_expiration(expiration: str) -> None:
    number = _INTEGER.match(expiration)
    why: str | None
    if number is None:
        why = "no_integer"
    elif number.end() < len(expiration):
        why = f'{{leftover_string,"{expiration[number.end() :]}"}}'
    else:
        why = duration_fault(int(expiration))
    if why is not None:
        raise precondition_failed(f"invalid expiration '{expiration}': {why}")


class Incoming:
    """The publication a channel is in the middle of, if any."""

    def __init__(self) -> None:
        self._publication: Publication | None = None
        self._missing: int | None = None  # octets of body to come; None before the header
        self._pieces: list[bytes] = []

    @property
    def expecting(self) -> bool:
        """Whether content has to follow."""
        return self._publication is not None

    def interrupted(self) -> AmqpError:
        """The error of a frame that comes while another part of the content has to."""
        kind = "content header" if self._missing is None else "content body"
        part = f"{kind} for class 60" if self._missing is None else kind
        return unexpected_frame(f"expected {part}, got non {kind} frame instead").about(_PUBLISH)

    def method(self, payload: bytes) -> None:
        """Begin with the payload of a ``basic.publish`` frame."""
        self._publication = Publication(payload)
        self._missing = None

    def header(self, payload: bytes) -> Publication | None:
        """
        Add the content header; the publication, if it has no body.

        Raises:
            AmqpError: 505 in the wrong place, 501 if it is too short.
        """
        publication = self._publication
        if publication is None:
            raise unexpected_frame("expected method frame, got non method frame instead")
        if self._missing is not None:
            raise self.interrupted()
        if len(payload) < _SHORTEST_HEADER:
            raise frame_error(f"{frame_text(HEADER, payload)}: unknown_frame")
        kind = payload[0] << 8 | payload[1]
        if kind != _BASIC:
            raise unexpected_frame(
                f"expected content header for class 60, got one for class {kind} instead"
            ).about(_PUBLISH)
        publication.header = payload
        self._missing = int.from_bytes(payload[4:12], "big")
        return self._finish() if not self._missing else None

    def body(self, payload: bytes) -> Publication | None:
        """
        Add a piece of body; the publication, if it was the last one.

        Raises:
            AmqpError: 505 in the wrong place.
        """
        if self._publication is None:
            raise unexpected_frame("expected method frame, got non method frame instead")
        if self._missing is None:
            raise self.interrupted()
        # RabbitMQ does not notice a body that is too long until something else follows.
        self._missing -= len(payload)
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
