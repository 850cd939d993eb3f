"""Makes messages: fills in defaults, derives replies, keeps correlation and causation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.domain.model import DomainEvent
from umt_sim.platform.errors import error_class_of, told_of
from umt_sim.platform.messages.types import (
    ErrorMessage,
    EventMessage,
    Header,
    HeartbeatMessage,
    ResponseMessage,
    ResponseStatus,
    SystemMessage,
    TaskMessage,
)
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.randomness import Randomness

__all__ = ["MessageFactory"]


class MessageFactory:
    """
    Makes the messages of one sender.

    A message made because of another (*cause*) belongs to its conversation: it
    takes over the correlation id, names the cause, and never outlives its deadline.
    The first message of a conversation correlates with itself.

    Args:
        sender_id: Whose messages.
        clock: Stamps them.
        randomness: Where their ids come from.
        trace_context: The ``traceparent`` to stamp them with; left out, they have none.
    """

    def __init__(
        self,
        sender_id: str,
        *,
        clock: Clock,
        randomness: Randomness,
        trace_context: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.sender_id = sender_id
        self._trace_context = trace_context
        self._clock = clock
        self._randomness = randomness

    def task(
        self,
        task_type: str,
        payload: Any,
        *,
        cause: Header | None = None,
        reply_to: str | None = None,
        timeout_seconds: float | None = None,
        idempotency_key: str | None = None,
        priority: int = 0,
        max_retries: int = 3,
    ) -> TaskMessage:
        """A task. With *timeout_seconds* it expires when the requester stops waiting."""
        header = self._header(cause)
        if timeout_seconds is not None:
            header["expires_at"] = header["timestamp"] + timedelta(seconds=timeout_seconds)
        return TaskMessage(
            **header,
            task_type=task_type,
            payload=payload,
            reply_to=reply_to,
            timeout_seconds=timeout_seconds,
            idempotency_key=idempotency_key,
            priority=priority,
            max_retries=max_retries,
        )

    def forward(self, task: TaskMessage, payload: Any) -> TaskMessage:
        """The same task with another payload, for the next agent: answer and deadline stay."""
        return TaskMessage(
            **self._header(task),
            task_type=task.task_type,
            payload=payload,
            reply_to=task.reply_to,
            expires_at=task.expires_at,
            timeout_seconds=task.timeout_seconds,
            idempotency_key=task.effect_key,
            priority=task.priority,
            max_retries=task.max_retries,
        )

    def retry(self, task: TaskMessage) -> TaskMessage:
        """The same task, tried once more: same id, one more on the retry count."""
        return task.model_copy(update={"retry_count": task.retry_count + 1})

    def event(
        self,
        event: DomainEvent,
        *,
        cause: Header | None = None,
        version: int = 1,
    ) -> EventMessage:
        """The announcement of a domain event."""
        header = self._header(cause)
        return EventMessage(
            **header,
            event_type=event.event_type,
            payload=event,
            source_timestamp=header["timestamp"],
            event_version=version,
        )

    def response(
        self,
        task: TaskMessage,
        result: Any,
        *,
        duration: float = 0.0,
        status: ResponseStatus = ResponseStatus.COMPLETED,
    ) -> ResponseMessage:
        """The answer to a task that was done."""
        return ResponseMessage(
            **self._header(task), status=status, result=result, duration=duration
        )

    def error(self, task: TaskMessage, error: BaseException) -> ErrorMessage:
        """The answer to a task that failed."""
        return ErrorMessage(
            **self._header(task),
            error_type=type(error).__name__,
            error_class=error_class_of(error),
            message=told_of(error) or "internal error",
        )

    def heartbeat(self, *, status: str = "running", in_flight: int = 0) -> HeartbeatMessage:
        """A sign of life."""
        return HeartbeatMessage(**self._header(None), status=status, in_flight=in_flight)

    def system(self, command: str, payload: Mapping[str, Any] | None = None) -> SystemMessage:
        """A message about the platform itself."""
        return SystemMessage(**self._header(None), command=command, payload=payload)

    def _header(self, cause: Header | None) -> dict[str, Any]:
        message_id = new_id(self._randomness)
        header: dict[str, Any] = {
            "message_id": message_id,
            "sender_id": self.sender_id,
            "timestamp": self._clock.now(),
            "correlation_id": message_id,
            "traceparent": self._trace_context(),
        }
        if cause is not None:
            header["correlation_id"] = cause.correlation_id or cause.message_id
            header["causation_id"] = cause.message_id
        return header
