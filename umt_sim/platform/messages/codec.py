"""The one place where messages become bytes and bytes become messages."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from umt_sim.platform.errors import MalformedMessage, UnsupportedVersion
from umt_sim.platform.messages.registry import PayloadRegistry, problems_of
from umt_sim.platform.messages.types import (
    VERSION,
    ErrorMessage,
    EventMessage,
    HeartbeatMessage,
    Message,
    ResponseMessage,
    SystemMessage,
    TaskMessage,
)

__all__ = ["MessageCodec"]

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)
# Writing with the class's own serializer spares pydantic the search through the union.
_BY_CLASS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind)
    for kind in (
        TaskMessage,
        EventMessage,
        ResponseMessage,
        ErrorMessage,
        HeartbeatMessage,
        SystemMessage,
    )
}
_MAJOR, _MINOR = (int(part) for part in VERSION.split("."))


class MessageCodec:
    """
    JSON in UTF-8. Payloads are validated against *registry*.

    A message of a newer minor version may carry header fields we do not know:
    they are left out. Any other unknown field is an error, for it is a typing mistake.
    """

    content_type = "application/json"

    def __init__(self, registry: PayloadRegistry) -> None:
        self._registry = registry

    def encode(self, message: Message) -> bytes:
        """The bytes of *message*."""
        return _BY_CLASS[type(message)].dump_json(message)

    def decode(self, body: bytes) -> Message:
        """
        The message in *body*, its payload typed.

        Raises:
            MalformedMessage: With every problem, each naming its field.
            UnknownPayload: Nobody registered the task or event type.
            UnsupportedVersion: Of a newer major version, or a newer event version.
        """
        try:
            message = _MESSAGE.validate_json(body)
        except ValidationError as error:
            message = _read_newer_minor(body, error)
        return self._with_typed_payload(message)

    def _with_typed_payload(self, message: Message) -> Message:
        payload: Any
        if isinstance(message, TaskMessage):
            payload = self._registry.read_task(message.task_type, message.payload)
        elif isinstance(message, EventMessage):
            payload = self._registry.read_event(
                message.event_type, message.payload, message.event_version
            )
        else:
            return message
        # Past the frozen model: nobody else has seen it yet, and a copy costs a fifth of decoding.
        message.__dict__["payload"] = payload
        return message


def _read_newer_minor(body: bytes, error: ValidationError) -> Message:
    """Read once more without the unknown fields, if a newer minor version explains them."""
    try:
        fields = json.loads(body)
        major, minor = (int(part) for part in str(fields["version"]).split("."))
    except (ValueError, KeyError, TypeError):
        raise MalformedMessage(problems_of(error)) from error
    if major > _MAJOR:
        raise UnsupportedVersion(fields["version"], VERSION) from error
    problems = error.errors(include_url=False, include_input=False)
    if (major, minor) <= (_MAJOR, _MINOR) or any(not _is_unknown_field(p) for p in problems):
        raise MalformedMessage(problems_of(error)) from error
    for problem in problems:
        del fields[problem["loc"][-1]]
    return _MESSAGE.validate_python(fields)


def _is_unknown_field(problem: ErrorDetails) -> bool:
    return problem["type"] == "extra_forbidden"
