"""MessageBroker on aio-pika."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from aio_pika import ExchangeType, RobustConnection
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError, DeliveryError
from aiormq.abc import DeliveredMessage
from aiormq.exceptions import ChannelInvalidStateError
from pamqp.commands import Basic

from umt_sim.platform.configuration import Configuration
from umt_sim.platform.errors import (
    PortClosed,
    PortTimeout,
    PortUnavailable,
    Unroutable,
)
from umt_sim.platform.ports.message_broker import Consumer, Parcel, QueueSpec

__all__ = ["RabbitMQMessageBroker"]

PORT = "broker"
PERSISTENT = 2
DELIVERY_LIMIT = 20
"""Deliveries after which a message goes to the dead letters: it ends whoever takes it."""

_BROKEN = (AMQPError, ChannelInvalidStateError, OSError, RuntimeError)

logger = logging.getLogger(__name__)


def _log(where: str, error: BaseException) -> None:
    logger.error("%s failed", where, exc_info=error)


class RabbitMQMessageBroker:
    """
    One connection to RabbitMQ, opened by the first call and got back when it is lost.

    A robust connection would let a publisher wait until the broker is back. That
    is switched off: without a connection ``publish`` fails at once, and with one it
    waits for the confirm no longer than the publish timeout, so that retry and
    breaker policies of the platform see every failure.

    A lost connection does not cancel what consumers are doing. Their deliveries
    come again, their acknowledgement goes nowhere.

    Args:
        config: Where RabbitMQ is.
        name: Of the connection, as the broker's operators see it.
        exchanges: Topic exchanges that must exist.
        on_error: Told about an error of a consumer, which nobody else would see.
    """

    system = "rabbitmq"

    def __init__(
        self,
        config: Configuration,
        *,
        name: str = "umt",
        exchanges: tuple[str, ...] = ("umt.tasks", "umt.events"),
        on_error: Callable[[str, BaseException], None] = _log,
    ) -> None:
        self._settings = config.rabbitmq
        self._name = name
        self._exchanges = exchanges
        self._on_error = on_error
        self._connection: AbstractRobustConnection | None = None
        self._publishing: AbstractRobustChannel | None = None
        self._opening = asyncio.Lock()
        self._handling: dict[asyncio.Task[None], None] = {}
        self._closed = False

    async def publish(self, parcel: Parcel) -> None:
        """Return when RabbitMQ has confirmed *parcel*."""
        operation = f"publish {parcel.exchange}:{parcel.routing_key}"
        channel = await self._publishing_channel(operation)
        with _translated(operation, unknown=True):
            driver: Any = await channel.get_underlay_channel()
            confirmation = await driver.basic_publish(
                parcel.body,
                exchange=parcel.exchange,
                routing_key=parcel.routing_key,
                properties=_properties(parcel),
                mandatory=parcel.mandatory,
                timeout=self._settings.publish_timeout,
                wait=False,
            )
        if isinstance(confirmation, DeliveredMessage):
            raise Unroutable(PORT, operation, "no queue wants it")

    async def subscribe(self, queue: QueueSpec, consumer: Consumer) -> _Subscription:
        """Declare *queue* and hand each delivery to *consumer*."""
        operation = f"subscribe {queue.name}"
        connection = await self._connected(operation)
        with _translated(operation, unknown=False):
            async with asyncio.timeout(self._settings.connect_timeout):
                channel = await connection.channel(publisher_confirms=False)
                async with self._closed_if_it_fails(channel):
                    await channel.set_qos(prefetch_count=queue.prefetch)
                    declared = await self._declare(channel, queue)
                    tag = await declared.consume(
                        self._receiver(queue.name, consumer), no_ack=not queue.acknowledged
                    )
        return _Subscription(channel, declared, tag)

    async def close(self) -> None:
        """Wait for running consumers no longer than the publish timeout, then disconnect."""
        if self._handling:
            # They still publish and acknowledge.
            await asyncio.wait(self._handling, timeout=self._settings.publish_timeout)
        self._closed = True
        for task in tuple(self._handling):
            task.cancel()
        await asyncio.gather(*self._handling, return_exceptions=True)
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                async with asyncio.timeout(self._settings.connect_timeout):
                    await connection.close()
            except (*_BROKEN, TimeoutError) as error:
                logger.warning("closing the connection to RabbitMQ failed: %s", error)

    async def _publishing_channel(self, operation: str) -> AbstractRobustChannel:
        connection = await self._connected(operation)
        channel = self._publishing
        if channel is None or not connection.connected.is_set() or channel.is_closed:
            raise PortUnavailable(PORT, operation, "the connection is lost; trying to get it back")
        return channel

    async def _connected(self, operation: str) -> AbstractRobustConnection:
        if self._closed:
            raise PortClosed(PORT, operation)
        if self._connection is not None:
            return self._connection
        async with self._opening:
            if self._connection is None:
                with _translated(operation, unknown=False):
                    self._connection = await self._open()
        return self._connection

    async def _open(self) -> AbstractRobustConnection:
        settings = self._settings
        url = make_url(
            host=settings.host,
            port=settings.port,
            login=settings.user,
            password=settings.password,
            virtualhost=settings.virtual_host,
            heartbeat=settings.heartbeat,
            reconnect_interval=settings.reconnect_interval,
        )
        connection = RobustConnection(url, client_properties={"connection_name": self._name})
        async with asyncio.timeout(settings.connect_timeout):
            # Not connect_robust, which leaves a connection that fails to the garbage collector
            # and one that is cancelled to its own attempts.
            async with self._closed_if_it_fails(connection):
                await connection.connect(timeout=settings.connect_timeout)
                channel = connection.channel(publisher_confirms=True)
                await channel.initialize()
                for exchange in self._exchanges:
                    await channel.declare_exchange(exchange, ExchangeType.TOPIC, durable=True)
            self._publishing = channel
        return connection

    @asynccontextmanager
    async def _closed_if_it_fails(self, opened: Any) -> AsyncIterator[None]:
        """Close what was *opened* when the block fails: it would come back for ever, unused."""
        try:
            yield
        except BaseException:
            with suppress(*_BROKEN, TimeoutError):
                async with asyncio.timeout(self._settings.connect_timeout):
                    await opened.close()
            raise

    async def _declare(self, channel: Any, spec: QueueSpec) -> Any:
        """The queue with its bindings, its delay queues and its dead-letter queue."""
        if spec.expires_seconds is not None:
            # Somebody's mailbox: quorum queues are for what many must not lose.
            arguments: dict[str, Any] = {"x-expires": round(spec.expires_seconds * 1000)}
        else:
            arguments = {"x-queue-type": self._settings.queue_type}
        if spec.dead_letter_queue:
            await channel.declare_queue(
                spec.dead_letter_queue,
                durable=True,
                arguments={"x-queue-type": self._settings.queue_type},
            )
            arguments |= _dead_letter_to(spec.dead_letter_queue)
            if self._settings.queue_type == "quorum":  # the others cannot count
                arguments["x-delivery-limit"] = DELIVERY_LIMIT
        queue = await channel.declare_queue(spec.name, durable=True, arguments=arguments)
        for exchange, pattern in spec.bindings:
            await queue.bind(exchange, pattern)
        for attempt, seconds in enumerate(spec.delays_seconds, 1):
            await channel.declare_queue(
                spec.delay_queue(attempt),
                durable=True,
                arguments={
                    "x-queue-type": self._settings.queue_type,
                    "x-message-ttl": round(seconds * 1000),
                    **_dead_letter_to(spec.name),
                },
            )
        return queue

    def _receiver(self, queue: str, consumer: Consumer) -> Callable[[Any], Any]:
        async def receive(message: AbstractIncomingMessage) -> None:
            # In a task of its own: aio-pika cancels its own tasks when the connection
            # is lost, and a handler must not be cut off between its effect and its answer.
            task = asyncio.get_running_loop().create_task(self._handle(queue, consumer, message))
            self._handling[task] = None
            task.add_done_callback(self._handled)

        return receive

    def _handled(self, task: asyncio.Task[None]) -> None:
        del self._handling[task]

    async def _handle(
        self, queue: str, consumer: Consumer, message: AbstractIncomingMessage
    ) -> None:
        try:
            await consumer(_RabbitMQDelivery(message))
        except Exception as error:  # noqa: BLE001 - a consumer's error has no other reader
            self._on_error(f"consumer of {queue}", error)


class _RabbitMQDelivery:
    """A message taken from RabbitMQ."""

    __slots__ = ("_message", "parcel")

    def __init__(self, message: AbstractIncomingMessage) -> None:
        self._message = message
        self.parcel = Parcel(
            exchange=message.exchange or "",
            routing_key=message.routing_key or "",
            body=message.body,
            message_id=message.message_id or "",
            correlation_id=message.correlation_id or "",
            reply_to=message.reply_to or "",
            headers=message.headers,
            priority=message.priority or 0,
        )

    @property
    def tag(self) -> int:
        return self._message.delivery_tag or 0

    @property
    def redelivered(self) -> bool:
        return bool(self._message.redelivered)

    async def ack(self) -> None:
        with _translated("ack", unknown=True):
            await self._message.ack()

    async def reject(self, *, requeue: bool) -> None:
        with _translated("reject", unknown=True):
            await self._message.reject(requeue=requeue)


class _Subscription:
    """A consumer on a channel of its own."""

    def __init__(self, channel: Any, queue: Any, tag: str) -> None:
        self._channel = channel
        self._queue = queue
        self._tag = tag

    async def cancel(self) -> None:
        """Take no more deliveries."""
        with _translated("cancel", unknown=True):
            await self._queue.cancel(self._tag)


def _properties(parcel: Parcel) -> Basic.Properties:
    expiration = parcel.expires_seconds
    return Basic.Properties(
        content_type="application/json",
        delivery_mode=PERSISTENT,
        headers=_writable(parcel.headers),
        message_id=parcel.message_id,
        correlation_id=parcel.correlation_id or None,
        reply_to=parcel.reply_to or None,
        priority=parcel.priority,
        expiration=None if expiration is None else str(max(1, round(expiration * 1000))),
    )


def _writable(value: Any) -> Any:
    """
    Headers as the driver can write them.

    It reads text that is no UTF-8 as ``bytes``, and of these writes only ``bytearray``.
    """
    if isinstance(value, Mapping):
        return {name: _writable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_writable(item) for item in value]
    return bytearray(value) if isinstance(value, bytes) else value


def _dead_letter_to(queue: str) -> dict[str, str]:
    """Arguments of a queue whose rejected and expired messages go to *queue*."""
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}


@contextmanager
def _translated(operation: str, *, unknown: bool) -> Iterator[None]:
    """The one place where aio-pika's errors become ours; *unknown* if it may have happened."""
    lost = PortTimeout if unknown else PortUnavailable
    try:
        yield
    except DeliveryError as error:
        raise PortUnavailable(PORT, operation, "the broker refused it") from error
    except ChannelInvalidStateError as error:
        raise PortUnavailable(PORT, operation, str(error)) from error
    except TimeoutError as error:
        raise lost(PORT, operation, "no answer in time") from error
    except _BROKEN as error:
        raise lost(PORT, operation, str(error) or type(error).__name__) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Nobody cancelled us: the driver cancels its futures when the connection breaks.
        raise lost(PORT, operation, "the connection was lost") from error
