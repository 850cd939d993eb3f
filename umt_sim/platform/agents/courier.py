"""Sends messages: encoded, traced, and through a guard."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind

from umt_sim.platform.agents.addresses import EVENTS, TASKS, task_key
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.messages.types import Header, Message, TaskMessage
from umt_sim.platform.ports.circuit_breaker import CircuitBreaker
from umt_sim.platform.ports.message_broker import MessageBroker, Parcel
from umt_sim.platform.ports.tracing import TracingProvider
from umt_sim.platform.storage.outbox import OutboxEntry
from umt_sim.platform.tracing import conventions as names
from umt_sim.platform.tracing.propagation import context_of, inject

__all__ = ["Courier"]


class Courier:
    """
    Publishes messages on a broker.

    Each message gets a PRODUCER span, whose context travels in the headers.

    Args:
        guard: A breaker, or a whole policy, around each publish.
    """

    def __init__(
        self,
        broker: MessageBroker,
        *,
        guard: CircuitBreaker,
        codec: MessageCodec,
        tracer: TracingProvider,
    ) -> None:
        self._broker = broker
        self._guard = guard
        self._codec = codec
        self._tracer = tracer

    async def task(self, role: str, task: TaskMessage, *, now: datetime) -> None:
        """Give *task* to the agents of *role*. It leaves the queue when nobody waits any more."""
        await self._send(
            task,
            exchange=TASKS,
            routing_key=task_key(role, task.task_type),
            mandatory=True,
            expires_seconds=task.seconds_left(now),
        )

    async def answer(self, task: TaskMessage, message: Message, *, mandatory: bool = False) -> None:
        """
        Send *message* to whoever waits for the answer to *task*; nobody may.

        Raises:
            Unroutable: It is *mandatory*, and the mailbox is gone.
        """
        if task.reply_to is not None:
            await self._send(message, exchange="", routing_key=task.reply_to, mandatory=mandatory)

    async def broadcast(self, message: Message, routing_key: str) -> None:
        """Tell *message* to whoever listens."""
        await self._send(message, exchange=EVENTS, routing_key=routing_key)

    async def announce(self, entry: OutboxEntry) -> None:
        """Publish a stored event, in the trace in which it came to be."""
        origin = context_of({"traceparent": entry.traceparent}) if entry.traceparent else Context()
        await self._publish(
            exchange=EVENTS,
            routing_key=entry.event_type,
            body=entry.body,
            message_id=str(entry.id),
            correlation_id=entry.correlation_id or "",
            context=origin,
        )

    async def put(self, queue: str, parcel: Parcel, headers: dict[str, Any]) -> None:
        """Put *parcel* into *queue* as it is, with more *headers*. Its trace stays what it was."""
        moved = Parcel(
            exchange="",
            routing_key=queue,
            body=parcel.body,
            message_id=parcel.message_id,
            correlation_id=parcel.correlation_id,
            reply_to=parcel.reply_to,
            headers={**parcel.headers, **headers},
            priority=parcel.priority,
        )
        await self._guard.call(self._broker.publish, moved)

    async def _send(
        self,
        message: Message,
        *,
        exchange: str,
        routing_key: str,
        mandatory: bool = False,
        expires_seconds: float | None = None,
    ) -> None:
        await self._publish(
            exchange=exchange,
            routing_key=routing_key,
            body=self._codec.encode(message),
            message_id=str(message.message_id),
            correlation_id=_correlation(message),
            reply_to=message.reply_to or "",
            priority=message.priority,
            mandatory=mandatory,
            expires_seconds=expires_seconds,
        )

    async def _publish(
        self, *, exchange: str, routing_key: str, context: Context | None = None, **fields: Any
    ) -> None:
        # A mailbox has its owner's id in its name: too many names for a span.
        destination = names.producer_destination(exchange, routing_key if exchange else "")
        with self._tracer.start_as_current_span(
            f"publish {destination}",
            context,
            SpanKind.PRODUCER,
            {
                names.MESSAGING_SYSTEM: self._broker.system,
                names.MESSAGING_OPERATION_NAME: "publish",
                names.MESSAGING_OPERATION_TYPE: "send",
                names.MESSAGING_DESTINATION_NAME: destination,
                names.MESSAGING_MESSAGE_ID: fields["message_id"],
                names.MESSAGING_CONVERSATION_ID: fields["correlation_id"],
            },
        ) as span:
            parcel = Parcel(
                exchange=exchange, routing_key=routing_key, headers=_headers(span), **fields
            )
            await self._guard.call(self._broker.publish, parcel)


def _headers(span: Span) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    inject(headers, span)
    return headers


def _correlation(message: Header) -> str:
    return str(message.correlation_id) if message.correlation_id else ""
