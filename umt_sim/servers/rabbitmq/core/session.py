"""A channel as the broker's core sees it: consumers, deliveries not yet settled, prefetch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from umt_sim.servers.rabbitmq.core.arguments import read_consumer_priority
from umt_sim.servers.rabbitmq.core.backlog import Entry, Return
from umt_sim.servers.rabbitmq.core.consumers import Consumer
from umt_sim.servers.rabbitmq.core.deadlines import SettlingDeadline
from umt_sim.servers.rabbitmq.core.queue import Queue
from umt_sim.servers.rabbitmq.core.virtual_host import VirtualHost
from umt_sim.servers.rabbitmq.errors import not_allowed, not_implemented, precondition_failed

__all__ = ["Receiver", "Session"]


class Receiver(Protocol):
    """Where a session's deliveries go: the front end, or a list in a test."""

    def deliver(self, consumer: Consumer, delivery_tag: int, entry: Entry) -> None:
        """A message for a consumer; its queue is to be told when it is sent."""
        ...

    def consumer_is_gone(self, consumer_tag: str) -> None:
        """The consumer's queue was deleted."""
        ...

    def overdue(self, patience: float) -> None:
        """A delivery was not settled within *patience* seconds: the channel is to be closed."""
        ...


@dataclass(slots=True)
class _Unsettled:
    entry: Entry
    queue: Queue
    consumer: Consumer | None  # None after basic.get
    made: float  # when it was delivered


class Session:
    """
    One open channel.

    Args:
        host: The virtual host it works in.
        connection: Identity of its connection, for exclusive queues.
        receiver: Takes the deliveries.
    """

    def __init__(self, host: VirtualHost, connection: object, receiver: Receiver) -> None:
        self.host = host
        self.connection = connection
        self.consumers: dict[str, Consumer] = {}
        self.writable = True  # false while the client does not read fast enough
        self.flowing = True  # false after channel.flow(active=false)
        self._receiver = receiver
        self._unsettled: dict[int, _Unsettled] = {}
        self._last_tag = 0
        self._consumer_prefetch = 0
        self._channel_prefetch = 0
        self._time = host.timeline.time
        self._deadline = SettlingDeadline(
            host.timeline, host.rules.delivery_timeout, self._oldest, receiver.overdue
        )

    def _oldest(self) -> float | None:
        return next((item.made for item in self._unsettled.values()), None)

    # Prefetch.

    def limit_prefetch(self, count: int, *, per_channel: bool) -> None:
        """
        Limit unsettled deliveries: of consumers that come, or of the channel as a whole.

        A limit for consumers ends that of the channel. Where the version knows no limit per
        channel, it means one per consumer.
        """
        if per_channel and self.host.rules.global_prefetch:
            self._channel_prefetch = count
        else:
            self._channel_prefetch, self._consumer_prefetch = 0, count
        self._resume()

    def can_take(self) -> bool:
        """Whether the channel as a whole may be sent one more delivery."""
        if not (self.writable and self.flowing):
            return False
        return not self._channel_prefetch or len(self._unsettled) < self._channel_prefetch

    def set_writable(self, writable: bool) -> None:
        """The client's connection accepts more, or does not."""
        self.writable = writable
        if writable:
            self._resume()

    def _resume(self) -> None:
        for consumer in list(self.consumers.values()):
            if consumer.can_take():
                consumer.queue.unpark(consumer)
                consumer.queue.run()

    # Consumers.

    def check_new(self, tag: str) -> None:
        """
        Make sure that no consumer of the channel has this *tag*.

        Raises:
            AmqpError: 530, one has.
        """
        if tag in self.consumers:
            raise not_allowed(f"attempt to reuse consumer tag '{tag}'")

    def consume(
        self,
        queue: Queue,
        tag: str,
        *,
        no_ack: bool,
        exclusive: bool,
        arguments: dict[str, Any],
    ) -> Consumer:
        """
        Subscribe with a new *tag*; deliveries begin when the caller lets the queue run.

        Raises:
            AmqpError: 403, the queue is in exclusive use; 540, a quorum queue and a prefetch
                limit per channel do not go together.
        """
        what = self.host.describe("queue", queue.name)
        if queue.quorum and self._channel_prefetch:
            raise not_implemented(f"{what} does not support global qos")
        consumer = Consumer(
            tag,
            queue,
            self,
            no_ack=no_ack,
            exclusive=exclusive,
            priority=read_consumer_priority(what, arguments),
            prefetch=self._consumer_prefetch,
        )
        queue.subscribe(consumer, what)
        self.consumers[tag] = consumer
        return consumer

    def cancel(self, tag: str) -> None:
        """Unsubscribe; an unknown tag is no error. Its unsettled deliveries stay so."""
        consumer = self.consumers.pop(tag, None)
        if consumer is not None:
            self._leave(consumer)

    def _leave(self, consumer: Consumer) -> None:
        queue = consumer.queue
        queue.unsubscribe(consumer)
        if queue.abandoned and not queue.deleted:
            self.host.delete_queue(queue)
        elif not queue.deleted:
            queue.run()

    def queue_is_gone(self, consumer: Consumer) -> None:
        """The queue of *consumer* was deleted."""
        if self.consumers.pop(consumer.tag, None) is not None:
            self._receiver.consumer_is_gone(consumer.tag)

    # Deliveries.

    def deliver(self, consumer: Consumer, entry: Entry) -> None:
        """Send *entry* to *consumer*."""
        self._last_tag = tag = self._last_tag + 1
        if not consumer.no_ack:
            self._unsettled[tag] = _Unsettled(entry, consumer.queue, consumer, self._time())
            self._deadline.watch()
        self._receiver.deliver(consumer, tag, entry)

    def get(self, queue: Queue, *, no_ack: bool) -> tuple[int, Entry] | None:
        """Take one message: its delivery tag and entry, or ``None`` if nothing is ready."""
        entry = queue.get(no_ack=no_ack)
        if entry is None:
            return None
        self._last_tag += 1
        if not no_ack:
            self._unsettled[self._last_tag] = _Unsettled(entry, queue, None, self._time())
            self._deadline.watch()
        return self._last_tag, entry

    # Settling.

    def ack(self, tag: int, *, multiple: bool) -> None:
        """
        Deliveries were processed.

        Raises:
            AmqpError: 406, no such delivery.
        """
        taken = self._take(tag, multiple=multiple)
        for item in taken:
            item.queue.ack(item.entry)
        self._free(taken)

    def reject(self, tag: int, *, multiple: bool, requeue: bool, by_nack: bool) -> None:
        """
        Deliveries were not processed: they go back, or are dead-lettered.

        Raises:
            AmqpError: 406, no such delivery.
        """
        taken = self._take(tag, multiple=multiple)
        if requeue:
            self._put_back(taken, Return.NACKED if by_nack else Return.REJECTED)
        else:
            for item in taken:
                item.queue.reject(item.entry)
        self._free(taken)

    def recover(self) -> None:
        """Send every unsettled delivery back to its queue."""
        taken = self._take(0, multiple=True)
        self._put_back(taken, Return.NACKED)
        self._free(taken)

    def _take(self, tag: int, *, multiple: bool) -> list[_Unsettled]:
        if not multiple:
            item = self._unsettled.pop(tag, None)
            if item is None:
                raise precondition_failed(f"unknown delivery tag {tag}")
            return [item]
        if tag == 0:
            tags = list(self._unsettled)
        elif tag in self._unsettled:
            tags = [known for known in self._unsettled if known <= tag]
        else:
            raise precondition_failed(f"unknown delivery tag {tag}")
        return [self._unsettled.pop(known) for known in tags]

    def _put_back(self, items: Iterable[_Unsettled], how: Return) -> None:
        by_queue: dict[Queue, list[Entry]] = {}
        for item in items:
            by_queue.setdefault(item.queue, []).append(item.entry)
        for queue, entries in by_queue.items():
            queue.requeue(entries, how)

    def _free(self, items: Iterable[_Unsettled]) -> None:
        """Give consumers their room back, then let the queues run: RabbitMQ's order."""
        queues: dict[Queue, None] = {}
        for item in items:
            queues[item.queue] = None
            if item.consumer is not None:
                item.consumer.unacked -= 1
                item.queue.unpark(item.consumer)
        if self._channel_prefetch:
            self._resume()
        for queue in queues:
            if queue.ready:
                queue.run()

    def close(self) -> None:
        """The channel is gone: its consumers leave, its unsettled deliveries go back."""
        self.writable = False
        self._deadline.stop()
        queues = {consumer.queue: None for consumer in self.consumers.values()}
        for consumer in self.consumers.values():
            consumer.queue.unsubscribe(consumer)
        self.consumers.clear()
        by_queue: dict[Queue, list[Entry]] = {queue: [] for queue in queues}
        for item in self._unsettled.values():
            by_queue.setdefault(item.queue, []).append(item.entry)
        self._unsettled.clear()
        for queue, entries in by_queue.items():
            if queue in queues and queue.abandoned and not queue.deleted:
                self.host.delete_queue(queue)
            queue.requeue(entries, Return.ABANDONED)  # a deleted one lets them go
            if not queue.deleted:
                queue.run()
