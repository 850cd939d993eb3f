"""Whether what a client declares again is what is there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from umt_sim.servers.rabbitmq.core.arguments import QueueType, field_type
from umt_sim.servers.rabbitmq.errors import precondition_failed

if TYPE_CHECKING:
    from umt_sim.servers.rabbitmq.core.exchange import Exchange
    from umt_sim.servers.rabbitmq.core.queue import Queue

__all__ = ["same_exchange", "same_queue"]

# The arguments that are compared, in the order in which each type of queue lists them.
_COMPARED = {
    QueueType.CLASSIC: (
        *("x-expires", "x-message-ttl", "x-dead-letter-exchange", "x-dead-letter-routing-key"),
        *("x-max-length", "x-max-length-bytes", "x-max-priority", "x-overflow", "x-queue-mode"),
        *("x-queue-version", "x-single-active-consumer", "x-queue-type"),
    ),
    QueueType.QUORUM: (
        *("x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy"),
        *("x-expires", "x-max-length", "x-max-length-bytes", "x-max-in-memory-length"),
        *("x-max-in-memory-bytes", "x-overflow", "x-single-active-consumer", "x-queue-type"),
        *("x-quorum-initial-group-size", "x-delivery-limit", "x-message-ttl"),
        "x-queue-leader-locator",
    ),
}


def same_exchange(what: str, current: Exchange, received: Exchange) -> None:
    """
    Compare two descriptions of one exchange.

    Raises:
        AmqpError: 406, naming the first difference.
    """
    _compare(what, "type", received.type.value, current.type.value)
    _compare(what, "durable", received.durable, current.durable)
    _compare(what, "auto_delete", received.auto_delete, current.auto_delete)
    _compare(what, "internal", received.internal, current.internal)
    _compare_arguments(what, ("alternate-exchange",), received.arguments, current.arguments)


def same_queue(
    what: str,
    current: Queue,
    *,
    durable: bool,
    auto_delete: bool,
    arguments: Mapping[str, Any],
) -> None:
    """
    Compare a declaration with the queue that is there.

    Raises:
        AmqpError: 406, naming the first difference.
    """
    _compare(what, "durable", durable, current.durable)
    _compare(what, "auto_delete", auto_delete, current.auto_delete)
    _compare_arguments(what, _COMPARED[current.arguments.type], arguments, current.declared)


def _compare(what: str, field: str, received: Any, current: Any) -> None:
    if received != current:
        raise precondition_failed(
            f"inequivalent arg '{field}' for {what}:"
            f" received '{_plain(received)}' but current is '{_plain(current)}'"
        )


def _compare_arguments(
    what: str, keys: tuple[str, ...], received: Mapping[str, Any], current: Mapping[str, Any]
) -> None:
    for key in keys:
        if key in received and key in current:
            _compare(what, key, received[key], current[key])
        elif key in received or key in current:
            raise precondition_failed(
                f"inequivalent arg '{key}' for {what}: received {_typed(received.get(key))}"
                f" but current is {_typed(current.get(key))}"
            )


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed(value: Any) -> str:
    if value is None:
        return "none"
    return f"the value '{_plain(value)}' of type '{field_type(value)}'"
