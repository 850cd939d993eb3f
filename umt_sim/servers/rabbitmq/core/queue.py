"""A queue: takes messages in, hands them to consumers, takes them back, gives them up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Protocol

from umt_sim.journal.records import REFUSED, MessageFate
from umt_sim.servers.rabbitmq.core.arguments import Overflow, QueueArguments, QueueType
from umt_sim.servers.rabbitmq.core.backlog import (
    Backlog,
    ByPriority,
    Entry,
    Fifo,
    Return,
    Returning,
)
from umt_sim.servers.rabbitmq.core.consumers import Consumer, Consumers
from umt_sim.servers.rabbitmq.core.deadlines import HeadDeadline, LifeDeadline
from umt_sim.servers.rabbitmq.core.ledger import Ledger
from umt_sim.servers.rabbitmq.core.message import Message
from umt_sim.servers.rabbitmq.core.ports import Timeline
from umt_sim.servers.rabbitmq.errors import access_refused
from umt_sim.servers.rabbitmq.rules import Rules

__all__ = ["GivenUp", "Owner", "Queue"]


class GivenUp(Enum):
    """Why a queue parts with a message nobody acknowledged, in RabbitMQ's words."""

    REJECTED = "rejected"  # a consumer refused it
    EXPIRED = "expired"  # it stayed too long
    MAXLEN = "maxlen"  # it had to make room
    DELIVERY_LIMIT = "delivery_limit"  # it came back too often


class Owner(Protocol):
    """The virtual host, as its queues see it."""

    timeline: Timeline
    ledger: Ledger

    def dead_letter(self, queue: Queue, message: Message, reason: GivenUp) -> bool:
        """Publish *message* to the dead-letter exchange of *queue*; false if it has none."""
        ...

    def delete_queue(self, queue: Queue) -> None:
        """Remove *queue*."""
        ...


def _delivery_limit(arguments: QueueArguments, rules: Rules) -> int | None:
    if arguments.type is not QueueType.QUORUM:
        return None
    if arguments.delivery_limit is None:
        return rules.delivery_limit
    return arguments.delivery_limit if arguments.delivery_limit >= 0 else None


def _new_backlog(arguments: QueueArguments, delivery_limit: int | None) -> Backlog:
    if arguments.type is QueueType.QUORUM:
        return Returning(limited=delivery_limit is not None)
    if arguments.max_priority:
        return ByPriority(arguments.max_priority)
    return Fifo()


class Queue:
    """
    One queue.

    Args:
        name: Unique in its virtual host.
        owner: That virtual host.
        durable: Survives a restart.
        auto_delete: Goes when its last consumer goes.
        connection: Whom an exclusive queue belongs to; ``None`` is everybody.
        declared: Its arguments as they came, for comparing declarations.
        arguments: The same, read.
        rules: The version's limit of returns, what counts as one, and how consumers hear of it.
    """

    def __init__(
        self,
        name: str,
        owner: Owner,
        *,
        durable: bool,
        auto_delete: bool,
        connection: object | None,
        declared: Mapping[str, Any],
        arguments: QueueArguments,
        rules: Rules,
    ) -> None:
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.connection = connection
        self.declared = dict(declared)
        self.arguments = arguments
        self.deleted = False
        self._fate_of_returns = MessageFate.PURGED
        self.unacked = 0
        self._owner = owner
        self._ledger = owner.ledger
        self._time = owner.timeline.time
        self._delivery_limit = _delivery_limit(arguments, rules)
        self._rules = rules
        self._limited = arguments.max_length is not None or arguments.max_length_bytes is not None
        self._backlog = _new_backlog(arguments, self._delivery_limit)
        self._consumers = Consumers(single_active=arguments.single_active_consumer)
        self._had_consumers = False
        self._ready_bytes = 0
        self._position = 0
        self._head = HeadDeadline(owner.timeline, self._head_is_due)
        self._life = LifeDeadline(owner.timeline, arguments.expires, self._outlive)
        self.touch()

    # What can be seen of it.

    @property
    def ready(self) -> int:
        """Messages waiting for a consumer."""
        return len(self._backlog)

    @property
    def consumer_count(self) -> int:
        """Subscriptions."""
        return len(self._consumers)

    @property
    def exclusive(self) -> bool:
        """Whether it belongs to one connection."""
        return self.connection is not None

    @property
    def quorum(self) -> bool:
        """Whether it is a quorum queue."""
        return self.arguments.type is QueueType.QUORUM

    def age(self, now: float) -> float | None:
        """Seconds the head has been waiting; ``None`` if nothing waits."""
        return now - self._backlog.head().arrived if len(self._backlog) else None

    # Messages in.

    def publish(self, message: Message) -> bool:
        """Take *message*; false if the queue is full and refuses."""
        if self._limited and self._refuses(message):
            return False
        self._ledger.fate(MessageFate.PUBLISHED, message, self.name)
        self._position += 1
        now = self._time()
        entry = Entry(self._position, message, now, self._expiry(message, now))
        if not len(self._backlog):
            consumer = self._consumers.take_turn()
            if consumer is not None:
                self._hand_out(consumer, entry)
                self._ledger.changed(self)
                return True
        self._add_ready(entry)
        self._backlog.append(entry)
        self._tidy()
        self._ledger.changed(self)
        return True

    def _expiry(self, message: Message, now: float) -> float | None:
        own, ours = message.ttl, self.arguments.message_ttl
        if own is None:
            return None if ours is None else now + ours
        return now + (own if ours is None else min(own, ours))

    def _refuses(self, message: Message) -> bool:
        overflow = self.arguments.overflow
        if overflow is Overflow.DROP_HEAD or not self._over_limit(1, len(message.body)):
            return False
        fate = MessageFate.DROPPED
        if overflow is Overflow.REJECT_PUBLISH_DLX and self._owner.dead_letter(
            self, message, GivenUp.MAXLEN
        ):
            fate = MessageFate.DEAD_LETTERED
        self._ledger.fate(fate, message, self.name, reason=REFUSED)
        return True

    def _over_limit(self, more: int = 0, more_bytes: int = 0) -> bool:
        length, size = self.arguments.max_length, self.arguments.max_length_bytes
        return (length is not None and len(self._backlog) + more > length) or (
            size is not None and self._ready_bytes + more_bytes > size
        )

    # Messages out.

    def run(self) -> None:
        """Hand ready messages to whoever can take them."""
        self._drop_expired()
        while len(self._backlog):
            consumer = self._consumers.take_turn()
            if consumer is None:
                break
            self._hand_out(consumer, self._take_ready())
            self._drop_expired()
        self._tidy()
        self._ledger.changed(self)

    def get(self, *, no_ack: bool) -> Entry | None:
        """Take the head for ``basic.get``; ``None`` if nothing is ready."""
        self.touch()
        self._drop_expired()
        if not len(self._backlog):
            return None
        entry = self._take_ready()
        if not no_ack:
            self.unacked += 1
        self.delivered(entry, no_ack=no_ack)
        self._drop_expired()
        self._watch_head()
        self._ledger.changed(self)
        return entry

    def _hand_out(self, consumer: Consumer, entry: Entry) -> None:
        if not consumer.no_ack:
            self.unacked += 1
            consumer.unacked += 1
        consumer.session.deliver(consumer, entry)

    def delivered(self, entry: Entry, *, no_ack: bool) -> None:
        """*entry* is on its way: handed out before, it may have waited for capacity."""
        message, redelivered = entry.message, entry.redelivered
        self._ledger.fate(MessageFate.DELIVERED, message, self.name, redelivered=redelivered)
        if no_ack:
            self._ledger.fate(MessageFate.ACKED, message, self.name, redelivered=redelivered)

    # Deliveries settled.

    def ack(self, entry: Entry) -> None:
        """A consumer took responsibility for *entry*."""
        self._ledger.fate(
            MessageFate.ACKED, entry.message, self.name, redelivered=entry.redelivered
        )
        if self.deleted:
            return
        self.unacked -= 1
        self._ledger.changed(self)

    def reject(self, entry: Entry) -> None:
        """A consumer refused *entry* for good."""
        if self.deleted:
            self._went_with_the_queue(entry)
            return
        self.unacked -= 1
        self._give_up(entry.message, GivenUp.REJECTED)
        self._ledger.changed(self)

    def requeue(self, entries: Iterable[Entry], how: Return) -> None:
        """Take *entries* back; the caller lets the queue run afterwards."""
        if self.deleted:
            for entry in entries:
                self._went_with_the_queue(entry)
            return
        counts = self._rules.nack_counts or how is not Return.NACKED
        for entry in entries:
            self.unacked -= 1
            entry.redelivered = True
            entry.acquired += 1
            entry.failed += counts
            if self._delivery_limit is not None and entry.failed > self._delivery_limit:
                self._give_up(entry.message, GivenUp.DELIVERY_LIMIT)
                continue
            if self.quorum:
                entry.shown = entry.message.annotated(self._counts(entry))
            self._ledger.fate(MessageFate.REQUEUED, entry.message, self.name, redelivered=True)
            self._add_ready(entry)
            self._backlog.put_back(entry, how)
        if not self.quorum:  # which looks at its limits when it has run
            self._tidy()
        self._ledger.changed(self)

    def _went_with_the_queue(self, entry: Entry) -> None:
        """A delivery comes back and finds no queue."""
        fate, message = self._fate_of_returns, entry.message
        self._ledger.fate(fate, message, self.name, redelivered=entry.redelivered)

    def _counts(self, entry: Entry) -> dict[str, int]:
        counts = {"x-delivery-count": entry.failed} if entry.failed else {}
        if self._rules.tells_acquisitions:
            counts["x-acquired-count"] = entry.acquired
        return counts

    # Consumers.

    def subscribe(self, consumer: Consumer, what: str) -> None:
        """
        Let *consumer* in; the caller lets the queue run afterwards.

        Raises:
            AmqpError: 403, it or another is exclusive, or it would be where one is active.
                Quorum queues do not know exclusive consumers.
        """
        if not self.quorum:
            alone = not len(self._consumers) and not self.arguments.single_active_consumer
            if self._consumers.exclusive or (consumer.exclusive and not alone):
                raise access_refused(f"{what} in exclusive use")
        self._consumers.add(consumer)
        self._had_consumers = True
        self._ledger.changed(self)

    def unsubscribe(self, consumer: Consumer) -> None:
        """Let *consumer* go; an auto-delete queue goes with its last one."""
        if self.deleted:
            return
        self._consumers.remove(consumer)
        self.touch()
        self._ledger.changed(self)

    def unpark(self, consumer: Consumer) -> None:
        """*consumer* may be able to take messages again; the caller lets the queue run."""
        if consumer.parked and not self.deleted:
            self._consumers.unpark(consumer)

    @property
    def abandoned(self) -> bool:
        """Whether it is an auto-delete queue whose last consumer has gone."""
        return self.auto_delete and self._had_consumers and not len(self._consumers)

    # Life and death.

    def touch(self) -> None:
        """It was used: its life starts anew."""
        if not self.deleted:
            self._life.start_anew()

    def _outlive(self) -> None:
        if not len(self._consumers):
            self._owner.delete_queue(self)

    def purge(self) -> int:
        """Forget every ready message; returns how many there were."""
        return self._forget(self._backlog, MessageFate.PURGED)

    def sleep(self) -> None:
        """The node is down: nothing happens until it is back."""
        self._head.stop()
        self._life.stop()

    def wake(self) -> None:
        """The node is back: what expired meanwhile goes now, an unused life begins anew."""
        self.touch()
        self._tidy()

    def lose(self, keep: Callable[[Message], bool]) -> None:
        """The node went down: only messages that *keep* says are on disk come back."""
        kept = [entry for entry in self._backlog if keep(entry.message)]
        self._forget([e for e in self._backlog if not keep(e.message)], MessageFate.LOST)
        for entry in kept:
            self._add_ready(entry)
            self._backlog.append(entry)
        self._tidy()
        self._ledger.changed(self)

    def _forget(self, entries: Iterable[Entry], fate: MessageFate) -> int:
        forgotten = list(entries)
        for entry in forgotten:
            self._ledger.fate(fate, entry.message, self.name, redelivered=entry.redelivered)
        self._backlog.clear()
        self._ready_bytes = 0
        self._ledger.changed(self)
        return len(forgotten)

    def close(self, fate: MessageFate = MessageFate.PURGED) -> list[Consumer]:
        """
        End it; *fate* befalls what it holds, and what is given back to it later on.

        Returns:
            The consumers to be told.
        """
        self.deleted = True
        self._fate_of_returns = fate
        self._head.stop()
        self._life.stop()
        self._forget(self._backlog, fate)
        left = self._consumers.everybody()
        for consumer in left:
            self._consumers.remove(consumer)
        self.unacked = 0
        self._ledger.changed(self)
        return left

    # Keeping order.

    def _add_ready(self, entry: Entry) -> None:
        self._ready_bytes += len(entry.message.body)

    def _take_ready(self) -> Entry:
        entry = self._backlog.pop()
        self._ready_bytes -= len(entry.message.body)
        return entry

    def _tidy(self) -> None:
        if self._limited and self.arguments.overflow is Overflow.DROP_HEAD:
            while len(self._backlog) and self._over_limit():
                self._give_up(self._take_ready().message, GivenUp.MAXLEN)
        self._drop_expired()
        self._watch_head()

    def _drop_expired(self) -> None:
        while len(self._backlog):
            expires = self._backlog.head().expires
            if expires is None or expires > self._time():
                return
            self._give_up(self._take_ready().message, GivenUp.EXPIRED)

    def _watch_head(self) -> None:
        if len(self._backlog):
            self._head.watch(self._backlog.head().expires)

    def _head_is_due(self) -> None:
        self._drop_expired()
        self._watch_head()
        self._ledger.changed(self)

    def _give_up(self, message: Message, reason: GivenUp) -> None:
        if self._owner.dead_letter(self, message, reason):
            fate = MessageFate.DEAD_LETTERED
        elif reason is GivenUp.EXPIRED:
            fate = MessageFate.EXPIRED
        else:
            fate = MessageFate.DROPPED
        self._ledger.fate(fate, message, self.name, reason=reason.value)
