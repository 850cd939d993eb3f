"""What a queue was declared with: its ``x-`` arguments, checked and read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from umt_sim.servers.rabbitmq.errors import precondition_failed

__all__ = [
    "Overflow",
    "QueueArguments",
    "QueueType",
    "duration_fault",
    "field_type",
    "read_consumer_priority",
    "read_queue_arguments",
]

_HIGHEST_PRIORITY = 255
_LONGEST = 10 * 365 * 24 * 3600 * 1000  # milliseconds


class QueueType(Enum):
    """How a queue stores and returns its messages."""

    CLASSIC = "classic"  # one node, returned messages go back to their place
    QUORUM = "quorum"  # durable always, counts returns, has a delivery limit


class Overflow(Enum):
    """What a full queue does."""

    DROP_HEAD = "drop-head"  # the oldest message makes room
    REJECT_PUBLISH = "reject-publish"  # the publisher gets a nack
    REJECT_PUBLISH_DLX = "reject-publish-dlx"  # the same, and the message is dead-lettered


@dataclass(frozen=True, slots=True)
class QueueArguments:
    """
    The arguments the broker obeys; times in seconds.

    Attributes:
        type: Classic or quorum.
        message_ttl: Longest stay of a message.
        expires: Life of the queue while nobody uses it.
        max_length: Most ready messages.
        max_length_bytes: Most bytes of ready payloads.
        overflow: What happens beyond that.
        dead_letter_exchange: Where given-up messages go.
        dead_letter_routing_key: With which key, if not their own.
        max_priority: Highest priority told apart; ``None`` is no priority queue.
        single_active_consumer: Whether one consumer at a time is served.
        delivery_limit: Returns after which a message is given up (quorum only).
    """

    type: QueueType = QueueType.CLASSIC
    message_ttl: float | None = None
    expires: float | None = None
    max_length: int | None = None
    max_length_bytes: int | None = None
    overflow: Overflow = Overflow.DROP_HEAD
    dead_letter_exchange: str | None = None
    dead_letter_routing_key: str | None = None
    max_priority: int | None = None
    single_active_consumer: bool = False
    delivery_limit: int | None = None


class _Unacceptable(Exception):
    """The broker's name for what is wrong with a value."""


def field_type(value: Any) -> str:
    """
    RabbitMQ's name for the wire type of *value*.

    Integers are taken to have come in the smallest type that holds them, as pamqp sends them.
    """
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        for low, high, name in _INTEGERS:
            if low <= value <= high:
                return name
    return _OTHER_TYPES.get(type(value).__name__, "void")


_INTEGERS = (
    (-(2**7), 2**7 - 1, "byte"),
    (-(2**15), 2**15 - 1, "short"),
    (0, 2**16 - 1, "unsignedshort"),
    (-(2**31), 2**31 - 1, "signedint"),
    (0, 2**32 - 1, "unsignedint"),
    (-(2**63), 2**63 - 1, "long"),
)
_OTHER_TYPES = {
    "str": "longstr", "bytes": "longstr", "float": "float", "dict": "table", "list": "array",
    "datetime": "timestamp", "Decimal": "decimal", "bytearray": "binary",
}  # fmt: skip


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Unacceptable(f'"expected integer, got {field_type(value)}"')
    return value


def _count(value: Any) -> int:
    if _integer(value) < 0:
        raise _Unacceptable(f"{{value_negative,{value}}}")
    return int(value)


def duration_fault(milliseconds: int) -> str | None:
    """The broker's name for what is wrong with a time to live; ``None`` if nothing is."""
    if milliseconds < 0:
        return f"{{value_negative,{milliseconds}}}"
    return f"{{value_too_large,{milliseconds}}}" if milliseconds > _LONGEST else None


def _milliseconds(value: Any) -> float:
    fault = duration_fault(_integer(value))
    if fault is not None:
        raise _Unacceptable(fault)
    return float(value / 1000)


def _life(value: Any) -> float:
    if _integer(value) == 0:
        raise _Unacceptable(f"{{value_zero,{value}}}")
    return _milliseconds(value)


def _priority(value: Any) -> int:
    if _count(value) > _HIGHEST_PRIORITY:
        raise _Unacceptable(f"{{max_value_exceeded,{value}}}")
    return int(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Unacceptable(f"{{unacceptable_type,{field_type(value)}}}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unacceptable(f"{{unacceptable_type,{field_type(value)}}}")
    return value


def _mode(value: Any) -> None:
    if _text(value) not in ("default", "lazy"):
        raise _Unacceptable(f"\"unsupported queue mode '{value}'\"")


def _version(value: Any) -> None:
    if _integer(value) not in (1, 2):
        raise _Unacceptable(f"\"unsupported queue version '{value}'\"")


def _overflow(value: Any) -> Overflow:
    try:
        return Overflow(_text(value))
    except ValueError:
        raise _Unacceptable("invalid_overflow") from None


def _type(value: Any) -> QueueType:
    try:
        return QueueType(_text(value))
    except ValueError:
        raise _Unacceptable(f"\"unsupported queue type '{value}'\"") from None


# What only queues of the other type, or streams, understand.
_OF_STREAMS = ("x-max-age", "x-stream-max-segment-size-bytes", "x-initial-cluster-size")
_FOREIGN = {
    "classic": (
        "rabbit_classic_queue",
        (
            *("x-dead-letter-strategy", "x-max-in-memory-length", "x-max-in-memory-bytes"),
            *("x-quorum-initial-group-size", "x-delivery-limit", *_OF_STREAMS),
        ),
    ),
    "quorum": (
        "rabbit_quorum_queue",
        ("x-max-priority", "x-queue-mode", "x-queue-version", *_OF_STREAMS),
    ),
}

# The attribute that each argument fills, if any, and how its value is read.
_READERS: dict[str, tuple[str | None, Callable[[Any], Any]]] = {
    "x-queue-type": ("type", _type),
    "x-expires": ("expires", _life),
    "x-message-ttl": ("message_ttl", _milliseconds),
    "x-dead-letter-exchange": ("dead_letter_exchange", _text),
    "x-dead-letter-routing-key": ("dead_letter_routing_key", _text),
    "x-max-length": ("max_length", _count),
    "x-max-length-bytes": ("max_length_bytes", _count),
    "x-max-priority": ("max_priority", _priority),
    "x-overflow": ("overflow", _overflow),
    "x-queue-mode": (None, _mode),
    "x-queue-version": (None, _version),
    "x-single-active-consumer": ("single_active_consumer", _flag),
    "x-delivery-limit": ("delivery_limit", _integer),
}


def read_queue_arguments(what: str, arguments: Mapping[str, Any]) -> QueueArguments:
    """
    Check and read the arguments of ``queue.declare``; those the broker does not know are ignored.

    Args:
        what: The queue as error texts name it: ``queue 'q' in vhost '/'``.
        arguments: As they came over the wire.

    Raises:
        AmqpError: 406, one of them is not acceptable.
    """
    read: dict[str, Any] = {}
    module, foreign = _FOREIGN.get(str(arguments.get("x-queue-type", "classic")), ("", ()))
    for key in (*_READERS, *foreign):
        if key not in arguments:
            continue
        if key in foreign:
            raise precondition_failed(f"invalid arg '{key}' for {what} of queue type {module}")
        field, reader = _READERS[key]
        try:
            value = reader(arguments[key])
            if field is not None:
                read[field] = value
            if key == "x-dead-letter-routing-key" and "dead_letter_exchange" not in read:
                raise _Unacceptable("routing_key_but_no_dlx_defined")
        except _Unacceptable as error:
            raise precondition_failed(f"invalid arg '{key}' for {what}: {error}") from None
    return QueueArguments(**read)


def read_consumer_priority(what: str, arguments: Mapping[str, Any]) -> int:
    """
    The ``x-priority`` of ``basic.consume``; 0 if it has none.

    Raises:
        AmqpError: 406, it is not a number.
    """
    try:
        return _integer(arguments.get("x-priority", 0))
    except _Unacceptable as error:
        raise precondition_failed(f"invalid arg 'x-priority' for {what}: {error}") from None
