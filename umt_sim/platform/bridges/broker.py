"""An old broker as a MessageBroker, and back."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from umt_sim.platform.adapters.threads import Outside, in_thread
from umt_sim.platform.bridges.legacy import LegacyBroker, LegacyMessage
from umt_sim.platform.bridges.messages import MessageBridge
from umt_sim.platform.errors import MessageError, PortClosed, PortUnavailable
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.ports.message_broker import (
    Consumer,
    Delivery,
    MessageBroker,
    Parcel,
    QueueSpec,
)

__all__ = ["BrokerBehindLegacy", "LegacyBehindBroker"]

logger = logging.getLogger(__name__)


class LegacyBehindBroker:
    """
    Answers the MessageBroker port with an old broker.

    The old broker has queues and nothing else, so a parcel goes to the queue that
    *route* names for its exchange and routing key. It confirms nothing and takes
    nothing back: what a consumer rejects is put into the queue again.
    """

    system = "legacy"

    def __init__(
        self,
        legacy: LegacyBroker,
        *,
        messages: MessageBridge,
        codec: MessageCodec,
        route: Callable[[str, str], str],
        outside: Outside,
        run: Callable[..., Awaitable[Any]] = in_thread,
    ) -> None:
        self._legacy = legacy
        self._messages = messages
        self._codec = codec
        self._route = route
        self._outside = outside
        self._run = run
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._closed = False

    async def publish(self, parcel: Parcel) -> None:
        """Give the old broker what it understands of *parcel*; raw if it understands nothing."""
        operation = f"publish {parcel.exchange}:{parcel.routing_key}"
        if self._closed:
            raise PortClosed("broker", operation)
        queue = self._route(parcel.exchange, parcel.routing_key)
        try:
            await self._run(self._legacy.publish, queue, self._old(parcel))
        except Exception as error:
            raise PortUnavailable("broker", operation, str(error)) from error

    async def subscribe(self, queue: QueueSpec, consumer: Consumer) -> _LegacySubscription:
        """Hand every old message of *queue* to *consumer*, as a new one."""
        subscription = _LegacySubscription()

        def receive(old: LegacyMessage) -> None:
            self._outside.call(self._deliver, queue.name, old, consumer, subscription)

        await self._run(self._legacy.subscribe, queue.name, receive)
        return subscription

    async def close(self) -> None:
        """Wait for running consumers, then disconnect."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._closed = True
        await self._run(self._legacy.close)

    def _deliver(
        self, queue: str, old: LegacyMessage, consumer: Consumer, subscription: _LegacySubscription
    ) -> None:
        if not subscription.active:
            return
        parcel = Parcel("", queue, self._messages.to_bytes(old), message_id=str(old.get("id", "")))
        delivery = _LegacyDelivery(self, parcel)
        consume: Any = consumer(delivery)
        task = asyncio.get_running_loop().create_task(consume)
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()):
            logger.error("a consumer of the old broker failed", exc_info=error)

    def _old(self, parcel: Parcel) -> LegacyMessage:
        try:
            return self._messages.to_old(self._codec.decode(parcel.body))
        except MessageError:
            return {"type": "unreadable", "data": parcel.body.decode("utf-8", "replace")}


class _LegacySubscription:
    """The old broker cannot unsubscribe: what comes afterwards is not handed on."""

    def __init__(self) -> None:
        self.active = True

    async def cancel(self) -> None:
        """Take no more deliveries."""
        self.active = False


class _LegacyDelivery:
    """A message the old broker has already forgotten."""

    tag = 0
    redelivered = False

    def __init__(self, broker: LegacyBehindBroker, parcel: Parcel) -> None:
        self._broker = broker
        self.parcel = parcel

    async def ack(self) -> None:
        """Nothing is left to do: the old broker forgot it when it called back."""

    async def reject(self, *, requeue: bool) -> None:
        """Put it into its queue again, or drop it."""
        if requeue:
            await self._broker.publish(self.parcel)


class BrokerBehindLegacy:
    """
    Answers the old interface with a MessageBroker. Called from other threads than the loop's.

    A queue of the old interface is a queue of the new broker. A callback that raises
    leaves its message in the queue.
    """

    def __init__(
        self,
        broker: MessageBroker,
        *,
        messages: MessageBridge,
        codec: MessageCodec,
        outside: Outside,
        run: Callable[..., Awaitable[Any]] = in_thread,
    ) -> None:
        self._broker = broker
        self._messages = messages
        self._codec = codec
        self._outside = outside
        self._run = run

    def publish(self, queue: str, message: LegacyMessage) -> None:
        """Put *message* into *queue*."""
        new = self._messages.to_new(message)
        parcel = Parcel("", queue, self._codec.encode(new), message_id=str(new.message_id))
        self._outside.wait(self._broker.publish(parcel))

    def subscribe(self, queue: str, callback: Callable[[LegacyMessage], None]) -> None:
        """Call *callback* with every message of *queue*."""

        async def consume(delivery: Delivery) -> None:
            try:
                await self._run(callback, self._read(delivery.parcel))
            except Exception:
                await delivery.reject(requeue=True)
                raise
            await delivery.ack()

        self._outside.wait(self._broker.subscribe(QueueSpec(queue), consume))

    def close(self) -> None:
        """Disconnect."""
        self._outside.wait(self._broker.close())

    def _read(self, parcel: Parcel) -> LegacyMessage:
        try:
            return self._messages.to_old(self._codec.decode(parcel.body))
        except MessageError:
            old: LegacyMessage = json.loads(parcel.body)
            return old
