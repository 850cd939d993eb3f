"""
AMQP 0-9-1 frames as bytes.

Methods go through pamqp. The three frames of every message are put together
here, from parts that are encoded once: they are most of what a broker sends.
"""

from __future__ import annotations

from struct import Struct

from pamqp import base, commands, frame
from pamqp.exceptions import UnmarshalingException

from umt_sim.servers.rabbitmq.core.message import Message, short_string
from umt_sim.servers.rabbitmq.errors import not_implemented, syntax_error

__all__ = [
    "BODY",
    "END",
    "HEADER",
    "HEARTBEAT",
    "HEARTBEAT_FRAME",
    "KINDS",
    "METHOD",
    "OVERHEAD",
    "PROTOCOL_HEADER",
    "PUBLISH",
    "confirm",
    "content",
    "deliver_head",
    "delivery",
    "got",
    "method",
    "prefix",
    "queue_declared",
    "read_method",
    "refuse",
    "returned",
]

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
END = 206
OVERHEAD = 8  # bytes around a payload
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
HEARTBEAT_FRAME = b"\x08\x00\x00\x00\x00\x00\x00\xce"
KINDS = (METHOD, HEADER, BODY, HEARTBEAT)
PUBLISH = commands.Basic.Publish.index.to_bytes(4, "big")

_END = b"\xce"
_DELIVER = commands.Basic.Deliver.index.to_bytes(4, "big")
_GET_OK = commands.Basic.GetOk.index.to_bytes(4, "big")
_RETURN = commands.Basic.Return.index.to_bytes(4, "big")
_DECLARE_OK = commands.Queue.DeclareOk.index.to_bytes(4, "big")
_ACK = commands.Basic.Ack.index
_NACK = commands.Basic.Nack.index

prefix = Struct(">BHI")  # kind, channel, payload size
_pack_prefix = prefix.pack
_pack_tag = Struct(">QB").pack
_pack_counts = Struct(">II").pack
_pack_ack = Struct(">BHIIQBB").pack

# pamqp lets these through when a length or a moment of time is impossible.
_UNREADABLE = (
    ValueError, IndexError, KeyError, TypeError, ArithmeticError, OSError, RecursionError
)  # fmt: skip


def method(channel: int, value: base.Frame) -> bytes:
    """A method frame."""
    return frame.marshal(value, channel)


def read_method(payload: bytes) -> base.Frame:
    """
    Decode the payload of a method frame.

    Raises:
        AmqpError: 502 for impossible fields, 540 for an unknown method.
    """
    index = int.from_bytes(payload[:4], "big")
    kind = commands.INDEX_MAPPING.get(index)
    if kind is None or len(payload) < 4:
        raise not_implemented(f"unknown method {index >> 16}.{index & 0xFFFF}")
    try:
        # A frame of its own, for that is the only entry pamqp offers.
        value = frame.unmarshal(_pack_prefix(METHOD, 0, len(payload)) + payload + _END)[2]
    except (UnmarshalingException, *_UNREADABLE) as error:
        raise syntax_error(
            f"method {index >> 16}.{index & 0xFFFF} cannot be read: {error}"
        ) from error
    assert isinstance(value, base.Frame)
    return value


def confirm(channel: int, tag: int, *, multiple: bool) -> bytes:
    """``basic.ack``, to a publisher."""
    return _pack_ack(METHOD, channel, 13, _ACK, tag, multiple, END)


def refuse(channel: int, tag: int) -> bytes:
    """``basic.nack``, to a publisher."""
    return _pack_ack(METHOD, channel, 13, _NACK, tag, 0, END)


def queue_declared(channel: int, queue: str, messages: int, consumers: int) -> bytes:
    """``queue.declare-ok``; pamqp refuses names that RabbitMQ takes."""
    return _method(channel, _DECLARE_OK + short_string(queue) + _pack_counts(messages, consumers))


def got(channel: int, tag: int, redelivered: bool, message: Message, left: int) -> bytes:
    """``basic.get-ok``, without the content."""
    parts = (_GET_OK, _pack_tag(tag, redelivered), message.address, left.to_bytes(4, "big"))
    return _method(channel, b"".join(parts))


def returned(channel: int, code: int, text: str, message: Message) -> bytes:
    """``basic.return``, without the content."""
    parts = (_RETURN, code.to_bytes(2, "big"), short_string(text), message.address)
    return _method(channel, b"".join(parts))


def _method(channel: int, payload: bytes) -> bytes:
    return _pack_prefix(METHOD, channel, len(payload)) + payload + _END


def deliver_head(consumer_tag: str) -> bytes:
    """The part of ``basic.deliver`` that is the same for all messages of a consumer."""
    return _DELIVER + short_string(consumer_tag)


def delivery(
    channel: int, head: bytes, tag: int, redelivered: bool, message: Message, frame_max: int
) -> bytes:
    """``basic.deliver`` with its content, ready to be sent."""
    address, header, body = message.address, message.header, message.body
    parts = (
        _pack_prefix(METHOD, channel, len(head) + 9 + len(address)),
        head,
        _pack_tag(tag, redelivered),
        address,
        b"\xce",
        _pack_prefix(HEADER, channel, len(header)),
        header,
        b"\xce",
    )
    if len(body) <= frame_max - OVERHEAD:
        if not body:
            return b"".join(parts)
        return b"".join((*parts, _pack_prefix(BODY, channel, len(body)), body, b"\xce"))
    return b"".join((*parts, *_body_frames(channel, body, frame_max)))


def content(channel: int, message: Message, frame_max: int) -> bytes:
    """Header and body frames, to follow ``basic.get-ok`` or ``basic.return``."""
    header = message.header
    return b"".join(
        (
            _pack_prefix(HEADER, channel, len(header)),
            header,
            _END,
            *_body_frames(channel, message.body, frame_max),
        )
    )


def _body_frames(channel: int, body: bytes, frame_max: int) -> list[bytes]:
    size = frame_max - OVERHEAD
    parts: list[bytes] = []
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        parts += (_pack_prefix(BODY, channel, len(piece)), piece, _END)
    return parts
