"""The way of a message from an exchange to its queues, found once and remembered."""

from __future__ import annotations

from collections.abc import Mapping

from umt_sim.servers.rabbitmq.core.exchange import Exchange, Kind
from umt_sim.servers.rabbitmq.core.message import Message
from umt_sim.servers.rabbitmq.core.queue import Queue

__all__ = ["Routes"]

_MOST = 10_000  # remembered; more than any run uses, less than memory minds


class Routes:
    """
    Finds queues.

    Args:
        exchanges: All there are, by name; the live mapping.
        queues: The same.
    """

    def __init__(self, exchanges: Mapping[str, Exchange], queues: Mapping[str, Queue]) -> None:
        self._exchanges = exchanges
        self._queues = queues
        self._known: dict[tuple[str, str], tuple[Queue, ...]] = {}

    def forget(self) -> None:
        """An exchange, a queue or a binding is not what it was."""
        self._known.clear()

    def find(self, exchange: Exchange, message: Message) -> tuple[Queue, ...]:
        """The queues that *exchange* leads *message* to, in order of name."""
        if len(message.routing_keys) > 1:
            return self._search(exchange, message)[0]
        key = (exchange.name, message.routing_keys[0])
        queues = self._known.get(key)
        if queues is None:
            queues, same_next_time = self._search(exchange, message)
            if same_next_time:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[key] = queues
        return queues

    def _search(self, start: Exchange, message: Message) -> tuple[tuple[Queue, ...], bool]:
        """The queues, and whether the routing key alone decided."""
        seen = {start.name: start}
        found: dict[str, Queue] = {}
        waiting = [start]
        by_key_alone = True
        while waiting:
            exchange = waiting.pop(0)
            by_key_alone = by_key_alone and not exchange.reads_headers
            for kind, name in self._steps(exchange, message):
                if kind is Kind.QUEUE:
                    found[name] = self._queues[name]
                elif name in self._exchanges and name not in seen:
                    seen[name] = self._exchanges[name]
                    waiting.append(seen[name])
        return tuple(found[name] for name in sorted(found)), by_key_alone

    def _steps(self, exchange: Exchange, message: Message) -> list[tuple[Kind, str]]:
        if not exchange.name:
            steps = [(Kind.QUEUE, key) for key in message.routing_keys if key in self._queues]
        else:
            steps = [(b.kind, b.destination) for b in exchange.route(message)]
        if not steps and exchange.alternate is not None:
            return [(Kind.EXCHANGE, exchange.alternate)]
        return steps
