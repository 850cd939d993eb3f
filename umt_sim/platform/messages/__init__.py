"""
What agents say to each other, and how it becomes bytes.

``types``      the six message types and their common header, as pydantic models
``registry``   which payload belongs to which task and event type; upcasters of old ones
``factory``    makes messages: fills defaults, derives replies, keeps correlation and causation
``codec``      bytes in, message or a precise error out
"""

from __future__ import annotations

from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.messages.factory import MessageFactory
from umt_sim.platform.messages.registry import PayloadRegistry
from umt_sim.platform.messages.types import (
    VERSION,
    ErrorMessage,
    EventMessage,
    Header,
    HeartbeatMessage,
    Message,
    MessageType,
    ResponseMessage,
    ResponseStatus,
    SystemMessage,
    TaskMessage,
)

__all__ = [
    "VERSION",
    "ErrorMessage",
    "EventMessage",
    "Header",
    "HeartbeatMessage",
    "Message",
    "MessageCodec",
    "MessageFactory",
    "MessageType",
    "PayloadRegistry",
    "ResponseMessage",
    "ResponseStatus",
    "SystemMessage",
    "TaskMessage",
]
