"""
AMQP 0-9-1 frames as bytes.

Methods go through pamqp. The three frames of every message are put together
here, from parts that are encoded once: they are most of what a broker sends.
"""

from __future__ import annotations

from struct import Struct

from pamqp import base, commands, decode, frame

from umt_sim.servers.rabbitmq.core.message import Message, short_string
from umt_sim.servers.rabbitmq.errors import Breakdown, frame_error
from umt_sim.servers.rabbitmq.protocol.wording import binary, frame_text

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
    "channel_opened",
    "confirm",
    "content",
    "deliver_head",
    "delivery",
    "got",
    "method",
    "prefix",
    "queue_declared",
    "read_ack",
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
_OPEN_OK = commands.Channel.OpenOk.index.to_bytes(4, "big") + bytes(4)
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
_unpack_ack = Struct(">IQB").unpack
_ACK_SIZE = 13

# What pamqp raises when a length, a type or a moment of time is impossible.
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
        AmqpError: 501, its fields cannot be decoded or are not all.
        Breakdown: There is no such method.
    """
    if len(payload) < 4:
        raise frame_error(f"{frame_text(METHOD, payload)}: unknown_frame")
    index = int.from_bytes(payload[:4], "big")
    kind = commands.INDEX_MAPPING.get(index)
    if kind is None:
        raise Breakdown(f"unknown method {index >> 16}.{index & 0xFFFF}")
    try:
        return _read_fields(kind, payload)
    except UnicodeDecodeError:
        raise frame_error("Malformed UTF-8 in shortstr") from None
    except _UNREADABLE:
        error = frame_error(f"cannot decode {binary(payload[4:], column=14)}")
        raise error.about(divmod(index, 1 << 16)) from None


def _read_fields(kind: type[base.Frame], payload: bytes) -> base.Frame:
    """The method, field by field; pamqp's own loop would not notice bytes that are left over."""
    value = kind.__new__(kind)
    position, bit = 4, 8
    for name in kind.__slots__:
        type_name = getattr(kind, f"_{name}")
        if type_name == "bit":
            if bit == 8:
                position, bit = position + 1, 0
            setattr(value, name, bool(payload[position - 1] & 1 << bit))
            bit += 1
        else:
            size, field = decode.METHODS[type_name](payload[position:])
            setattr(value, name, field)
            position, bit = position + size, 8
    if position != len(payload):
        raise ValueError("the fields end elsewhere than the frame")
    return value


def read_ack(payload: bytes) -> tuple[int, bool] | None:
    """Tag and multiple of a ``basic.ack``, the method brokers get most; ``None`` for any other."""
    if len(payload) != _ACK_SIZE:
        return None
    index, tag, multiple = _unpack_ack(payload)
    return (tag, multiple & 1 == 1) if index == _ACK else None


def confirm(channel: int, tag: int, *, multiple: bool) -> bytes:
    """``basic.ack``, to a publisher."""
    return _pack_ack(METHOD, channel, 13, _ACK, tag, multiple, END)


def refuse(channel: int, tag: int) -> bytes:
    """``basic.nack``, to a publisher."""
    return _pack_ack(METHOD, channel, 13, _NACK, tag, 0, END)


def channel_opened(channel: int) -> bytes:
    """``channel.open-ok``; pamqp insists on a field that RabbitMQ leaves empty."""
    return _method(channel, _OPEN_OK)


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
