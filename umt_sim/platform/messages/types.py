"""
The six message types. Every one starts with the same header fields.

Header and body share one flat JSON object: then ``message_type`` selects the
model inside pydantic's own parser, which halves the time of a nested header.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from umt_sim.platform.errors import ErrorClass

__all__ = [
    "VERSION",
    "ErrorMessage",
    "EventMessage",
    "Header",
    "HeartbeatMessage",
    "Message",
    "MessageType",
    "ResponseMessage",
    "ResponseStatus",
    "SystemMessage",
    "TaskMessage",
]

VERSION = "1.0"
"""Version of the message format, major and minor. A newer minor version only adds fields."""


class MessageType(StrEnum):
    """What kind of thing is being said."""

    TASK = "task"  # do this
    EVENT = "event"  # this happened
    RESPONSE = "response"  # done, and this is the result
    ERROR = "error"  # not done, and this is why
    HEARTBEAT = "heartbeat"  # I am here
    SYSTEM = "system"  # about the platform itself


class ResponseStatus(StrEnum):
    """How a task ended that did not fail."""

    COMPLETED = "completed"  # the effect happened now
    DUPLICATE = "duplicate"  # it had happened before; this is the answer given then


Version = Annotated[str, Field(max_length=20, pattern=r"^[0-9]+\.[0-9]+$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
# AMQP has room for 255 bytes in the name of a queue.
Address = Annotated[str, Field(max_length=255, pattern=r"^[ -~]+$")]
# What upstreams get as a header, and the database as a primary key: ASCII without spaces.
Key = Annotated[str, Field(max_length=200, pattern=r"^[!-~]+$")]
Seconds = Annotated[float, Field(gt=0)]


class Header(BaseModel):
    """
    What every message says about itself.

    Attributes:
        message_id: This message; a redelivery has the same id.
        sender_id: Agent or client that sent it.
        timestamp: When it was made, UTC.
        version: Message format, ``major.minor``.
        correlation_id: The conversation: the id of the request that began it.
        causation_id: The message that this one answers or follows from.
        reply_to: Queue for the answer; its name is ASCII.
        priority: 0 to 9; 9 is the most urgent.
        expires_at: After this moment nobody waits for it any more.
        traceparent: W3C trace context in which it was made.
        tracestate: Vendor part of that context.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    message_id: UUID
    message_type: MessageType
    sender_id: Name
    timestamp: AwareDatetime
    version: Version = VERSION
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    reply_to: Address | None = None
    priority: Annotated[int, Field(ge=0, le=9)] = 0
    expires_at: AwareDatetime | None = None
    traceparent: str | None = None
    tracestate: str | None = None

    def seconds_left(self, now: datetime) -> float | None:
        """Seconds until the message expires, negative when it has; ``None`` if it never does."""
        return None if self.expires_at is None else (self.expires_at - now).total_seconds()


class TaskMessage(Header):
    """
    Asks an agent to do something.

    Attributes:
        timeout_seconds: How long the requester waits for the answer.
        retry_count: How often it was tried before; at most *max_retries* times.
        idempotency_key: Names the effect, so that it happens once however often it is
            asked for. Up to 200 visible ASCII characters.
    """

    message_type: Literal[MessageType.TASK] = MessageType.TASK
    task_type: Name
    payload: Any
    timeout_seconds: Seconds | None = None
    retry_count: Annotated[int, Field(ge=0)] = 0
    max_retries: Annotated[int, Field(ge=0)] = 3
    idempotency_key: Key | None = None

    @property
    def effect_key(self) -> str:
        """Names the effect: by the requester's key, or else by this very message."""
        return self.idempotency_key or str(self.message_id)

    def seconds_left(self, now: datetime) -> float | None:
        """
        Seconds until nobody waits for the answer any more.

        However far behind the requester's clock ours is, no more than its whole timeout.
        """
        left = super().seconds_left(now)
        if left is None or self.timeout_seconds is None:
            return left
        return min(left, self.timeout_seconds)


class EventMessage(Header):
    """Tells whoever cares that something happened."""

    message_type: Literal[MessageType.EVENT] = MessageType.EVENT
    event_type: Name
    payload: Any
    source_timestamp: AwareDatetime
    event_version: Annotated[int, Field(ge=1)] = 1


class ResponseMessage(Header):
    """Answers a task that was done. ``duration`` is the agent's own time, in seconds."""

    message_type: Literal[MessageType.RESPONSE] = MessageType.RESPONSE
    status: ResponseStatus = ResponseStatus.COMPLETED
    result: Any = None
    duration: Annotated[float, Field(ge=0)] = 0.0


class ErrorMessage(Header):
    """Answers a task that was not done."""

    message_type: Literal[MessageType.ERROR] = MessageType.ERROR
    error_type: Name
    error_class: ErrorClass
    message: str
    details: Mapping[str, Any] = Field(default_factory=dict)


class HeartbeatMessage(Header):
    """Says that the sender is alive, and how busy."""

    message_type: Literal[MessageType.HEARTBEAT] = MessageType.HEARTBEAT
    status: str = "running"
    in_flight: Annotated[int, Field(ge=0)] = 0


class SystemMessage(Header):
    """About the platform itself: an agent started, stopped, or is to change its ways."""

    message_type: Literal[MessageType.SYSTEM] = MessageType.SYSTEM
    command: Name
    payload: Any = None


Message = Annotated[
    TaskMessage | EventMessage | ResponseMessage | ErrorMessage | HeartbeatMessage | SystemMessage,
    Field(discriminator="message_type"),
]
