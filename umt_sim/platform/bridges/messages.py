"""An old dict as a message, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from umt_sim.platform.bridges.legacy import LegacyMessage
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.errors import ErrorClass, MalformedMessage
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.messages.types import (
    ErrorMessage,
    EventMessage,
    Message,
    MessageType,
    ResponseMessage,
    TaskMessage,
)
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.randomness import Randomness

__all__ = ["MessageBridge"]

UNKNOWN_SENDER = "legacy"
_SAID = {
    *("message_id", "message_type", "sender_id", "timestamp", "correlation_id", "reply_to"),
    *("task_type", "event_type", "payload", "result", "error_type", "error_class", "message"),
}
"""Fields of new messages for which the old ones have a word of their own."""


class MessageBridge:
    """
    Converts both ways. What an old message does not say is filled in.

    Args:
        codec: Validates what comes from the old side as if it came from a new agent.
        clock: Stamps messages without a time.
        randomness: Makes ids for messages without one.
    """

    def __init__(self, codec: MessageCodec, *, clock: Clock, randomness: Randomness) -> None:
        self._codec = codec
        self._clock = clock
        self._randomness = randomness

    def to_new(self, old: Mapping[str, Any]) -> Message:
        """
        The message that *old* stands for.

        Raises:
            MalformedMessage: It has no type, or its data do not fit it.
        """
        return self._codec.decode(self.to_bytes(old))

    def to_bytes(self, old: Mapping[str, Any]) -> bytes:
        """
        As ``to_new``, but encoded and not validated: a bad message keeps its badness.

        Raises:
            MalformedMessage: Not even that can be done.
        """
        try:
            return json.dumps(self._fields(old), default=str).encode()
        except (TypeError, ValueError, ArithmeticError, OSError) as error:  # some: of timestamps
            raise MalformedMessage([f"an old message that is none: {error}"]) from error

    def to_old(self, message: Message) -> LegacyMessage:
        """What the old side understands of *message*."""
        old: LegacyMessage = {
            "kind": message.message_type.value,
            "id": str(message.message_id),
            "sender": message.sender_id,
            "timestamp": message.timestamp.timestamp(),
        }
        for name in ("correlation_id", "reply_to"):
            if (value := getattr(message, name)) is not None:
                old[name] = str(value)
        rest = message.model_dump(mode="json", exclude=_SAID, exclude_defaults=True)
        return old | _body_of(message) | ({"header": rest} if rest else {})

    def _fields(self, old: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(old, Mapping):
            raise MalformedMessage([f"an old message that is a {type(old).__name__}, no dict"])
        return {**self._said(old), **old.get("header", {})}

    def _said(self, old: Mapping[str, Any]) -> dict[str, Any]:
        kind = MessageType(old.get("kind", MessageType.TASK))
        stamp = old.get("timestamp")
        moment = self._clock.now() if stamp is None else datetime.fromtimestamp(stamp, UTC)
        identity = _uuid(old.get("id")) or new_id(self._randomness)
        fields = {
            "message_id": identity,
            "message_type": kind,
            "sender_id": old.get("sender") or UNKNOWN_SENDER,
            "timestamp": moment.isoformat(),
            "correlation_id": _uuid(old.get("correlation_id")) or identity,
            "reply_to": old.get("reply_to"),
        }
        match kind:
            case MessageType.TASK:
                return fields | {"task_type": old.get("type"), "payload": old.get("data")}
            case MessageType.EVENT:
                return fields | {
                    "event_type": old.get("type"),
                    "payload": old.get("data"),
                    "source_timestamp": moment.isoformat(),
                }
            case MessageType.RESPONSE:
                return fields | {"result": old.get("data")}
            case MessageType.ERROR:
                return fields | {
                    "error_type": old.get("type") or "LegacyError",
                    "error_class": old.get("error_class", ErrorClass.SERVER),
                    "message": str(old.get("data")),
                }
        raise MalformedMessage([f"old components do not say {kind}"])


def _body_of(message: Message) -> LegacyMessage:
    match message:
        case TaskMessage():
            return {"type": message.task_type, "data": _plain(message.payload)}
        case EventMessage():
            return {"type": message.event_type, "data": _plain(message.payload)}
        case ResponseMessage():
            return {"type": message.status.value, "data": message.result}
        case ErrorMessage():
            return {
                "type": message.error_type,
                "data": message.message,
                "error_class": message.error_class.value,
            }
    raise MalformedMessage([f"old components do not understand {message.message_type}"])


def _plain(payload: Any) -> Any:
    """*payload* as dicts, lists and texts."""
    fields = asdict(payload) if is_dataclass(payload) and not isinstance(payload, type) else payload
    return json.loads(json.dumps(fields, default=str))


def _uuid(value: Any) -> UUID | None:
    """*value* as an id; old ids that are no UUID have no place in the new header."""
    try:
        return UUID(str(value))
    except ValueError:
        return None
