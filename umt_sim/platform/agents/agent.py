"""The base of all agents: takes messages, performs, answers, retries, buries."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from umt_sim.platform.agents.addresses import HEARTBEAT, agent_queue
from umt_sim.platform.agents.catalogue import CATALOGUE
from umt_sim.platform.agents.courier import Courier
from umt_sim.platform.agents.failures import Failures, attempts_failed
from umt_sim.platform.agents.handlers import FORWARDED, Handler, HandlerKind, handlers_of
from umt_sim.platform.agents.ports import Ports
from umt_sim.platform.agents.repositories import Repositories
from umt_sim.platform.agents.start import Start
from umt_sim.platform.domain.identity import new_id
from umt_sim.platform.domain.model import AggregateRoot, DomainEvent
from umt_sim.platform.errors import (
    AlreadyHandled,
    DomainError,
    ErrorClass,
    MessageError,
    MissingDependency,
    PlatformError,
    UnknownPayload,
    Unroutable,
)
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.messages.factory import MessageFactory
from umt_sim.platform.messages.types import (
    EventMessage,
    Header,
    Message,
    ResponseStatus,
    TaskMessage,
)
from umt_sim.platform.ports.message_broker import Delivery, Parcel, Subscription
from umt_sim.platform.resilience.deadline import Deadline, deadline
from umt_sim.platform.resilience.errors import DeadlineExceeded
from umt_sim.platform.storage.outbox import OutboxEntry
from umt_sim.platform.tracing import conventions as names
from umt_sim.platform.tracing.propagation import context_of, current_traceparent, link_to

__all__ = ["Agent"]

PAUSE_BEFORE_REQUEUE_SECONDS = 1.0
FINISH_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Agent:
    """
    Takes tasks and hears events from one queue.

    A message is acknowledged when its effect is stored and its answer is sent.
    What fails is tried again after a delay, as long as that can help and somebody
    waits. Then whoever waits is answered with an error; if nobody waits, or the
    message cannot be read, it goes to the dead letters with the reason.

    Subclasses name their *role* and mark their handlers with ``@takes`` and ``@hears``.

    Args:
        agent_id: Who it is, among agents of its role.
        ports: Its outside.
        prefetch: How many messages it handles at once.
    """

    role: ClassVar[str]

    def __init__(self, agent_id: str, ports: Ports, *, prefetch: int = 64) -> None:
        self.agent_id = agent_id
        self.ports = ports
        self.messages = MessageFactory(
            agent_id,
            clock=ports.clock,
            randomness=ports.randomness,
            trace_context=current_traceparent,
        )
        self._codec = MessageCodec(CATALOGUE)
        self.courier = Courier(
            ports.message_broker,
            guard=ports.circuit_breaker,
            codec=self._codec,
            tracer=ports.tracer,
        )
        self._handlers, self.unequipped = _equipped(handlers_of(type(self)), ports)
        self._queue = agent_queue(
            self.role,
            tasks=self.task_types,
            events=self._names(HandlerKind.EVENT),
            prefetch=prefetch,
        )
        self._failures = Failures(
            self._queue,
            courier=self.courier,
            codec=self._codec,
            messages=self.messages,
            clock=ports.clock,
        )
        self._subscription: Subscription | None = None
        self._starting: Start | None = None
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def task_types(self) -> tuple[str, ...]:
        """Tasks it takes, given its ports."""
        return self._names(HandlerKind.TASK)

    def start(self) -> Start:
        """
        Begin to take messages.

        Returns:
            A handle. Awaiting it waits until the agent has subscribed, and raises
            what went wrong; if nobody awaits it, that is reported to ``on_error``.
        """
        self._starting = Start(
            self._subscribe, lambda error: self.ports.on_error(f"start of {self.agent_id}", error)
        )
        return self._starting

    async def stop(self) -> None:
        """Take no more messages, and finish those being handled if that does not take long."""
        if self._starting is not None:
            await self._starting.cancelled()
        subscription, self._subscription = self._subscription, None
        try:
            if subscription is not None:
                await subscription.cancel()
        finally:
            await self._finished()

    async def beat(self) -> None:
        """Tell whoever listens that this agent is alive, and how busy."""
        await self.courier.broadcast(self.messages.heartbeat(in_flight=self._in_flight), HEARTBEAT)

    async def store(self, cause: Header, *aggregates: AggregateRoot, answer: Any = None) -> None:
        """
        Store *aggregates*, their events, and that *cause* was handled, in one transaction.

        Raises:
            AlreadyHandled: The same task was handled before.
            VersionConflict: Somebody else was faster.
        """
        assert self.ports.unit_of_work is not None, "a handler that stores needs storage"
        async with self.ports.unit_of_work.begin(self._event_writer(cause)) as work:
            for aggregate in aggregates:
                work.save(aggregate)
            work.remember(self._idempotency_key(cause), json.dumps(answer).encode())

    @property
    def repositories(self) -> Repositories:
        """Where aggregates are looked up."""
        if self.ports.repositories is None:
            raise MissingDependency(self.agent_id, ["repositories are missing"])
        return self.ports.repositories

    def new_id(self) -> UUID:
        """An id for something new."""
        return new_id(self.ports.randomness)

    async def _subscribe(self) -> None:
        for handler in self.unequipped:
            logger.info(
                "%s does not handle %s: it lacks %s", self.agent_id, handler.name, handler.needs
            )
        self._subscription = await self.ports.message_broker.subscribe(self._queue, self._receive)

    async def _finished(self) -> None:
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            logger.warning("%s stops with %d messages in hand", self.agent_id, self._in_flight)

    async def _receive(self, delivery: Delivery) -> None:
        self._in_flight += 1
        self._idle.clear()
        try:
            await self._process(delivery)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _process(self, delivery: Delivery) -> None:
        """Handle one delivery inside a CONSUMER span."""
        parcel = delivery.parcel
        origin = context_of(parcel.headers)
        destination = names.consumer_destination(
            parcel.exchange, parcel.routing_key, self._queue.name
        )
        with self.ports.tracer.start_as_current_span(
            f"process {destination}",
            origin or Context(),
            SpanKind.CONSUMER,
            {
                names.MESSAGING_SYSTEM: self.ports.message_broker.system,
                names.MESSAGING_OPERATION_NAME: "process",
                names.MESSAGING_OPERATION_TYPE: "process",
                names.MESSAGING_DESTINATION_NAME: destination,
                names.MESSAGING_MESSAGE_ID: parcel.message_id,
                names.MESSAGING_MESSAGE_REDELIVERED: delivery.redelivered,
                names.MESSAGING_CONVERSATION_ID: parcel.correlation_id,
            },
            link_to(origin),
        ) as span:
            try:
                await self._settle(delivery, span)
            except PlatformError as error:
                # The broker is away: neither answer nor dead letter can be sent.
                _mark_failed(span, error)
                await self._give_back(delivery, error)
            except Exception:
                # Our own bug. The queue's dead letters keep the message, the broker reports us.
                await delivery.reject(requeue=False)
                raise

    async def _settle(self, delivery: Delivery, span: Span) -> None:
        try:
            message = self._codec.decode(delivery.parcel.body)
        except MessageError as error:
            _mark_failed(span, error)
            await self._failures.bury(delivery.parcel, error)
        else:
            await self._handle(message, delivery, span)
        await delivery.ack()

    async def _handle(self, message: Message, delivery: Delivery, span: Span) -> None:
        began = self.ports.clock.monotonic()
        status = ResponseStatus.COMPLETED
        try:
            result = await self._perform(message, seen_before=_may_be_known(message, delivery))
        except AlreadyHandled:
            status = ResponseStatus.DUPLICATE
            result = await self._answer_given(message)
        except Exception as error:  # noqa: BLE001 - answered, retried, buried or reported below
            _mark_failed(span, error)
            await self._failed(message, delivery.parcel, error)
            return
        if isinstance(message, TaskMessage) and result is not FORWARDED:
            duration = self.ports.clock.monotonic() - began
            answer = self.messages.response(message, result, duration=duration, status=status)
            try:
                await self.courier.answer(message, answer)
            except MessageError as error:  # too long: the effect stands, its answer cannot be sent
                _mark_failed(span, error)
                await self.courier.answer(message, self.messages.error(message, error))

    async def _perform(self, message: Message, *, seen_before: bool) -> Any:
        """Call the handler, within the deadline of the message."""
        kind, name, payload = _content_of(message)
        handler = self._handlers.get((kind, name))
        if handler is None:
            raise UnknownPayload(kind, name, self._names(kind))
        if seen_before and "storage" in handler.needs:
            await self._check_not_handled(message)
        left = message.seconds_left(self.ports.clock.now())
        if left is not None and left <= 0:
            raise DeadlineExceeded(name, -left)
        try:
            return await self._in_time(left, getattr(self, handler.method)(message, payload), name)
        except DomainError as error:
            # What was done may be forbidden now because it was done: then this is a repetition.
            if error.error_class is ErrorClass.CLIENT and "storage" in handler.needs:
                await self._check_not_handled(message)
            raise

    async def _in_time(self, left: float | None, call: Awaitable[Any], name: str) -> Any:
        """What *call* returns, within *left* seconds if there is a limit."""
        if left is None:
            return await call
        try:
            with deadline(Deadline.after(left, self.ports.clock)):
                async with asyncio.timeout(left) as limit:
                    return await call
        except TimeoutError as error:
            if limit.expired():
                raise DeadlineExceeded(name) from error
            raise

    async def _failed(self, message: Message, parcel: Parcel, error: Exception) -> None:
        """Have it come again, or answer whoever waits, or bury it if nobody does."""
        if not isinstance(error, PlatformError):
            self.ports.on_error(f"{self.agent_id} handling {_content_of(message)[1]}", error)
        if await self._failures.retry(message, parcel, error):
            return
        if not await self._told(message, error):
            await self._failures.bury(parcel, error)

    async def _told(self, message: Message, error: Exception) -> bool:
        """Whether somebody waits, and has been told of *error*."""
        if not isinstance(message, TaskMessage) or message.reply_to is None:
            return False
        try:
            await self.courier.answer(message, self.messages.error(message, error), mandatory=True)
        except Unroutable:
            return False
        return True

    async def _give_back(self, delivery: Delivery, error: PlatformError) -> None:
        """Return the delivery after a pause, so that a broken broker is not asked at once again."""
        logger.warning("%s gives back %s: %s", self.agent_id, delivery.parcel.message_id, error)
        await self.ports.clock.sleep(PAUSE_BEFORE_REQUEUE_SECONDS)
        try:
            await delivery.reject(requeue=True)
        except PlatformError as gone:
            # The connection is lost, and the broker gives the delivery back by itself.
            logger.info("%s could not give it back: %s", self.agent_id, gone)

    async def _check_not_handled(self, message: Message) -> None:
        assert self.ports.unit_of_work is not None
        key = self._idempotency_key(message)
        if await self.ports.unit_of_work.answer_to(key) is not None:
            raise AlreadyHandled(key)

    async def _answer_given(self, message: Message) -> Any:
        assert self.ports.unit_of_work is not None
        answer = await self.ports.unit_of_work.answer_to(self._idempotency_key(message))
        return None if answer is None else json.loads(answer)

    def _idempotency_key(self, cause: Header) -> str:
        """The same for every delivery and repetition of one task, and for every one of an event."""
        if isinstance(cause, TaskMessage):
            return f"{cause.task_type}:{cause.effect_key}"
        return f"{self.role}:{cause.message_id}"

    def _event_writer(self, cause: Header) -> Callable[[DomainEvent], OutboxEntry]:
        def write(event: DomainEvent) -> OutboxEntry:
            version = CATALOGUE.event_version(event.event_type)
            return OutboxEntry.of(
                self.messages.event(event, cause=cause, version=version), self._codec
            )

        return write

    def _names(self, kind: HandlerKind) -> tuple[str, ...]:
        return tuple(name for known, name in self._handlers if known is kind)


def _equipped(
    handlers: Sequence[Handler], ports: Ports
) -> tuple[dict[tuple[HandlerKind, str], Handler], list[Handler]]:
    """The handlers whose needs are met, by what they handle; and those whose are not."""
    able: dict[tuple[HandlerKind, str], Handler] = {}
    unable: list[Handler] = []
    for handler in handlers:
        if all(ports.has(need) for need in handler.needs):
            able[handler.kind, handler.name] = handler
        else:
            unable.append(handler)
    return able, unable


def _content_of(message: Message) -> tuple[HandlerKind, str, Any]:
    """What kind of message it is, of which type, and its payload."""
    if isinstance(message, TaskMessage):
        return HandlerKind.TASK, message.task_type, message.payload
    if isinstance(message, EventMessage):
        return HandlerKind.EVENT, message.event_type, message.payload
    raise UnknownPayload("message", message.message_type.value, ("task", "event"))


def _may_be_known(message: Message, delivery: Delivery) -> bool:
    """Whether it was here before, so that it pays to look for an answer first."""
    return delivery.redelivered or attempts_failed(message, delivery.parcel) > 0


def _mark_failed(span: Span, error: Exception) -> None:
    name = type(error).__qualname__
    span.set_attribute(names.ERROR_TYPE, name)
    span.set_status(Status(StatusCode.ERROR, name))
