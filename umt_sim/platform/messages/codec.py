"""The one place where messages become bytes and bytes become messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from umt_sim.platform.errors import MalformedMessage, OversizeMessage, UnsupportedVersion
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

__all__ = ["MAX_BYTES", "MessageCodec"]

MAX_BYTES = 1 << 20
"""Longest message. A broker keeps every message in memory more than once."""

# pydantic's own reader and writers, without the layers of its adapters: a third faster. Writing
# by class spares it the search through the union.
_READER = TypeAdapter[Message](Message).validator
_WRITERS: dict[type, Callable[[Message], bytes]] = {
    kind: TypeAdapter(kind).serializer.to_json
    for kind in (
        TaskMessage,
        EventMessage,
        ResponseMessage,
        ErrorMessage,
        HeartbeatMessage,
        SystemMessage,
    )
}
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_MAJOR, _MINOR = (int(part) for part in VERSION.split("."))


class MessageCodec:
    """
    JSON in UTF-8. Payloads are validated against *registry*.

    A message of a newer minor version may carry header fields we do not know:
    they are left out. Any other unknown field is an error, for it is a typing mistake.

    Args:
        registry: Payload types by task and event type.
        max_bytes: Longest message that is written or read.
    """

    content_type = "application/json"

    def __init__(self, registry: PayloadRegistry, *, max_bytes: int = MAX_BYTES) -> None:
        self._registry = registry
        self._max_bytes = max_bytes

    def encode(self, message: Message) -> bytes:
        """
        The bytes of *message*.

        Raises:
            OversizeMessage: There are too many of them.
            MalformedMessage: A text holds a NUL.
        """
        body = _WRITERS[type(message)](message)
        if b"\\" in body:
            _check_texts(body)
        if len(body) > self._max_bytes:
            raise OversizeMessage(len(body), self._max_bytes)
        return body

    def decode(self, body: bytes) -> Message:
        """
        The message in *body*, its payload typed.

        Raises:
            OversizeMessage: It is too long to be read at all.
            MalformedMessage: With every problem, each naming its field.
            UnknownPayload: Nobody registered the task or event type.
            UnsupportedVersion: Of another major version, or a newer event version.
        """
        if len(body) > self._max_bytes:
            raise OversizeMessage(len(body), self._max_bytes)
        if b"\\" in body:
            _check_texts(body)
        try:
            message: Message = _READER.validate_json(body)
        except ValidationError as error:
            message = _read_newer_minor(body, error)
        if message.version != VERSION:
            _check_major(message.version)
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


def _check_texts(body: bytes) -> None:
    """No text holds a NUL: the database would refuse it, after the upstreams did their part."""
    if _NUL.search(body):
        raise MalformedMessage(["message: a text holds a NUL character"])


def _read_newer_minor(body: bytes, error: ValidationError) -> Message:
    """
    Read once more without the unknown fields, if a newer minor version explains them.

    *error* is not kept as a cause: it quotes what was wrong, which may be a secret.
    """
    try:
        fields = json.loads(body)
        major, minor = _parts_of(str(fields["version"]))
    except (ValueError, KeyError, TypeError, RecursionError):  # the last: nested too deeply
        raise MalformedMessage(problems_of(error)) from None
    if major != _MAJOR:
        raise UnsupportedVersion(fields["version"], VERSION) from None
    problems = error.errors(include_url=False, include_input=False)
    if minor <= _MINOR or any(not _is_unknown_field(p) for p in problems):
        raise MalformedMessage(problems_of(error)) from None
    for problem in problems:
        del fields[problem["loc"][-1]]
    message: Message = _READER.validate_python(fields)
    return message


def _check_major(version: str) -> None:
    """A format of another major version may mean something else by the same fields."""
    if _parts_of(version)[0] != _MAJOR:
        raise UnsupportedVersion(version, VERSION)


def _parts_of(version: str) -> tuple[int, int]:
    """Major and minor; raises ``ValueError`` for anything else."""
    major, minor = version.split(".")
    return int(major), int(minor)


def _is_unknown_field(problem: ErrorDetails) -> bool:
    return problem["type"] == "extra_forbidden"
