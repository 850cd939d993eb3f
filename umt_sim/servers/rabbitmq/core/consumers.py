"""Who is served next: RabbitMQ's round robin among a queue's consumers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from umt_sim.servers.rabbitmq.core.queue import Queue
    from umt_sim.servers.rabbitmq.core.session import Session

__all__ = ["Consumer", "Consumers"]


class Consumer:
    """
    A subscription of one channel to one queue.

    Args:
        tag: Its name on the channel.
        queue: What it consumes.
        session: Whose it is.
        no_ack: Whether deliveries count as acknowledged at once.
        exclusive: Whether it tolerates no other consumer.
        priority: Higher ones are served while they can take more.
        prefetch: Most unacknowledged deliveries; 0 is no limit.
    """

    __slots__ = (
        "exclusive", "no_ack", "parked", "prefetch", "priority", "queue", "session", "tag",
        "unacked",
    )  # fmt: skip

    def __init__(
        self,
        tag: str,
        queue: Queue,
        session: Session,
        *,
        no_ack: bool,
        exclusive: bool = False,
        priority: int = 0,
        prefetch: int = 0,
    ) -> None:
        self.tag = tag
        self.queue = queue
        self.session = session
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.priority = priority
        self.prefetch = prefetch
        self.unacked = 0
        self.parked = False  # out of the round until it can take a message again

    def can_take(self) -> bool:
        """Whether a message may be sent to it now."""
        if self.no_ack:
            return self.session.writable
        if self.prefetch and self.unacked >= self.prefetch:
            return False
        return self.session.can_take()


class Consumers:
    """
    The consumers of one queue.

    A consumer that takes a message goes to the end of its priority; one that
    cannot take leaves the round and joins at its end when it can again.

    Args:
        single_active: Whether only one is served until it goes.
    """

    def __init__(self, *, single_active: bool) -> None:
        self._single_active = single_active
        self._all: list[Consumer] = []
        self._round: deque[Consumer] = deque()
        self._active: Consumer | None = None

    def __len__(self) -> int:
        return len(self._all)

    def everybody(self) -> list[Consumer]:
        """All of them, in the order they came."""
        return list(self._all)

    @property
    def exclusive(self) -> bool:
        """Whether one of them tolerates no other."""
        return any(consumer.exclusive for consumer in self._all)

    def add(self, consumer: Consumer) -> None:
        """Let *consumer* join."""
        self._all.append(consumer)
        self._join_round(consumer)
        if self._active is None:
            self._active = consumer

    def remove(self, consumer: Consumer) -> None:
        """Let *consumer* go."""
        self._all.remove(consumer)
        if not consumer.parked:
            self._round.remove(consumer)
        if self._active is consumer:
            self._active = max(self._all, key=lambda other: other.priority, default=None)

    def take_turn(self) -> Consumer | None:
        """The consumer that gets the next message; ``None`` if nobody can take one."""
        if self._single_active:
            return self._active if self._active and self._active.can_take() else None
        waiting = self._round
        while waiting:
            consumer = waiting.popleft()
            if consumer.can_take():
                self._join_round(consumer)
                return consumer
            consumer.parked = True
        return None

    def unpark(self, consumer: Consumer) -> None:
        """Let *consumer* take part in the round again."""
        if consumer.parked:
            consumer.parked = False
            self._join_round(consumer)

    def _join_round(self, consumer: Consumer) -> None:
        waiting = self._round
        place = len(waiting)
        while place and waiting[place - 1].priority < consumer.priority:
            place -= 1
        if place == len(waiting):
            waiting.append(consumer)
        else:
            waiting.insert(place, consumer)
