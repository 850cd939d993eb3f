"""Time that a test moves, and a broker core on it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from umt_sim.servers.rabbitmq import RABBITMQ_3_13, Rules
from umt_sim.servers.rabbitmq.core.backlog import Entry
from umt_sim.servers.rabbitmq.core.consumers import Consumer
from umt_sim.servers.rabbitmq.core.ledger import Ledger, Silent
from umt_sim.servers.rabbitmq.core.message import Message, Properties
from umt_sim.servers.rabbitmq.core.ports import Names
from umt_sim.servers.rabbitmq.core.queue import Queue
from umt_sim.servers.rabbitmq.core.session import Session
from umt_sim.servers.rabbitmq.core.virtual_host import Published, VirtualHost

__all__ = ["Client", "Timeline", "new_host", "new_message"]


class _Timer:
    def __init__(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.callback = callback
        self.args = args
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Timeline:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, _Timer]] = []

    def time(self) -> float:
        """Now."""
        return self.now

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> _Timer:
        """Call back when time gets there."""
        timer = _Timer(callback, args)
        heapq.heappush(self._timers, (when, len(self._timers), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that falls due."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.callback(*timer.args)
        self.now = end


class Client:
    """
    A channel without a wire.

    Args:
        host: Where it works.
    """

    def __init__(self, host: VirtualHost) -> None:
        self.host = host
        self.session = Session(host, self, self)
        self.received: list[tuple[str, int, Entry]] = []
        self.cancelled: list[str] = []
        self.overdue_after: float | None = None

    def deliver(self, consumer: Consumer, delivery_tag: int, entry: Entry) -> None:
        """Keep a delivery."""
        self.received.append((consumer.tag, delivery_tag, entry))
        consumer.queue.delivered(entry, no_ack=consumer.no_ack)

    def consumer_is_gone(self, consumer_tag: str) -> None:
        """Keep a cancellation."""
        self.cancelled.append(consumer_tag)

    def overdue(self, patience: float) -> None:
        """Close, as a channel does."""
        self.overdue_after = patience
        self.session.close()

    def bodies(self) -> list[bytes]:
        """What was delivered."""
        return [entry.message.body for _, _, entry in self.received]

    def declare(self, name: str = "q", *, exclusive: bool = False, **arguments: Any) -> Queue:
        """A durable queue with ``x-`` arguments."""
        named = {"x-" + key.replace("_", "-"): value for key, value in arguments.items()}
        return self.host.declare_queue(
            name,
            durable=True,
            auto_delete=False,
            connection=self,
            exclusive=exclusive,
            arguments=named,
        )

    def consume(self, queue: Queue, tag: str, *, no_ack: bool = False, **arguments: Any) -> None:
        """Subscribe."""
        self.session.consume(queue, tag, no_ack=no_ack, exclusive=False, arguments=arguments)
        queue.run()

    def publish(self, key: str, *bodies: bytes, exchange: str = "") -> Published:
        """Publish; what became of the last one."""
        outcome = Published.UNROUTABLE
        for body in bodies:
            message = new_message(body, key, exchange=exchange)
            outcome = self.host.publish(self.host.exchange(exchange), message)
        return outcome


def new_message(body: bytes, key: str = "q", *, exchange: str = "", **known: Any) -> Message:
    """A message as the front end makes it, persistent unless said otherwise."""
    header = b"\x00\x3c\x00\x00" + len(body).to_bytes(8, "big") + b"\x00\x00"
    properties = Properties(**{"persistent": True} | known)
    return Message(exchange, (key,), header, body, properties)


def new_host(
    timeline: Timeline, *, rules: Rules = RABBITMQ_3_13, ledger: Ledger | None = None
) -> VirtualHost:
    """An empty virtual host."""
    return VirtualHost(
        "/",
        rules=rules,
        timeline=timeline,
        wall_clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        names=Names(Random(7)),
        ledger=ledger or Silent(),
    )
