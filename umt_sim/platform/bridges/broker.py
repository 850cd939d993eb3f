"""An old broker as a MessageBroker, and back."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from umt_sim.platform.adapters.threads import Outside, in_thread
from umt_sim.platform.agents.addresses import DEAD_LETTERS
from umt_sim.platform.bridges.legacy import LegacyBroker, LegacyMessage
from umt_sim.platform.bridges.messages import MessageBridge
from umt_sim.platform.errors import MalformedMessage, MessageError, PortClosed, PortUnavailable
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.ports.clock import Clock
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
    nothing back: what a consumer rejects is put into the queue again, and what is to wait
    in a delay queue waits here, in memory, by *clock*.
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
        clock: Clock,
        run: Callable[..., Awaitable[Any]] = in_thread,
    ) -> None:
        self._legacy = legacy
        self._messages = messages
        self._codec = codec
        self._route = route
        self._outside = outside
        self._clock = clock
        self._run = run
        self._delays: dict[str, tuple[str, float]] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._closed = False

    async def publish(self, parcel: Parcel) -> None:
        """Give the old broker what it understands of *parcel*; raw if it understands nothing."""
        operation = f"publish {parcel.exchange}:{parcel.routing_key}"
        if self._closed:
            raise PortClosed("broker", operation)
        if not parcel.exchange and parcel.routing_key in self._delays:
            self._start(self._publish_later(parcel, *self._delays[parcel.routing_key]))
            return
        queue = self._route(parcel.exchange, parcel.routing_key)
        try:
            await self._run(self._legacy.publish, queue, self._old(parcel))
        except Exception as error:
            raise PortUnavailable("broker", operation, str(error)) from error

    async def subscribe(self, queue: QueueSpec, consumer: Consumer) -> _LegacySubscription:
        """Hand every old message of *queue* to *consumer*, as a new one."""
        subscription = _LegacySubscription()
        for attempt, seconds in enumerate(queue.delays_seconds, 1):
            self._delays[queue.delay_queue(attempt)] = (queue.name, seconds)

        def receive(old: LegacyMessage) -> None:
            self._outside.call(self._deliver, queue.name, old, consumer, subscription)

        await self._run(self._legacy.subscribe, queue.name, receive)
        return subscription

    async def close(self) -> None:
        """Wait for running consumers, and for what is to come back later; then disconnect."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._closed = True
        await self._run(self._legacy.close)

    def _deliver(
        self, queue: str, old: LegacyMessage, consumer: Consumer, subscription: _LegacySubscription
    ) -> None:
        if not subscription.active:
            return
        consume: Any = consumer(_LegacyDelivery(self, self._parcel(queue, old)))
        self._start(consume)

    def _parcel(self, queue: str, old: LegacyMessage) -> Parcel:
        """*old* as it is to be handled; if it is no message its consumer is to find out."""
        try:
            body = self._messages.to_bytes(old)
        except MalformedMessage as error:
            logger.warning("from the old broker's %s: %s", queue, error)
            return Parcel("", queue, repr(old).encode())
        identity, envelope = str(old.get("id", "")), old.get("envelope", {})
        return Parcel("", queue, body, message_id=identity, headers=envelope)

    async def _publish_later(self, parcel: Parcel, queue: str, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self.publish(replace(parcel, routing_key=queue))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()):
            logger.error("a consumer of the old broker failed", exc_info=error)

    def _old(self, parcel: Parcel) -> LegacyMessage:
        envelope = {"envelope": dict(parcel.headers)} if parcel.headers else {}
        try:
            return self._messages.to_old(self._codec.decode(parcel.body)) | envelope
        except MessageError:
            text = parcel.body.decode("utf-8", "backslashreplace")
            return {"type": "unreadable", "data": text} | envelope


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
    leaves its message in the queue, until the broker has delivered it too often; then, as
    at once what is no message at all, it goes to the dead letters.
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
                old = self._read(delivery.parcel)
            except ValueError:
                await delivery.reject(requeue=False)
                raise
            try:
                await self._run(callback, old)
            except Exception:
                await delivery.reject(requeue=True)
                raise
            await delivery.ack()

        spec = QueueSpec(queue, dead_letter_queue=DEAD_LETTERS)
        self._outside.wait(self._broker.subscribe(spec, consume))

    def close(self) -> None:
        """Disconnect."""
        self._outside.wait(self._broker.close())

    def _read(self, parcel: Parcel) -> LegacyMessage:
        try:
            return self._messages.to_old(self._codec.decode(parcel.body))
        except MessageError:
            old: LegacyMessage = json.loads(parcel.body)
            return old
