"""A virtual host: its exchanges and queues, and the way of a message through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from umt_sim.journal.records import MessageFate
from umt_sim.servers.rabbitmq.core.arguments import QueueType, read_queue_arguments
from umt_sim.servers.rabbitmq.core.dead_letter import buried, claimed_deaths, goes_in_circles
from umt_sim.servers.rabbitmq.core.equivalence import same_exchange, same_queue
from umt_sim.servers.rabbitmq.core.exchange import Binding, Exchange, ExchangeType, Kind
from umt_sim.servers.rabbitmq.core.ledger import Ledger
from umt_sim.servers.rabbitmq.core.message import Message
from umt_sim.servers.rabbitmq.core.ports import Names, Timeline
from umt_sim.servers.rabbitmq.core.queue import GivenUp, Queue
from umt_sim.servers.rabbitmq.core.routes import Routes
from umt_sim.servers.rabbitmq.errors import (
    access_refused,
    command_invalid,
    internal_error,
    not_found,
    precondition_failed,
    resource_locked,
)
from umt_sim.servers.rabbitmq.rules import Rules

__all__ = ["Published", "VirtualHost"]

_PREDECLARED = (
    ("", ExchangeType.DIRECT),
    ("amq.direct", ExchangeType.DIRECT),
    ("amq.fanout", ExchangeType.FANOUT),
    ("amq.headers", ExchangeType.HEADERS),
    ("amq.match", ExchangeType.HEADERS),
    ("amq.topic", ExchangeType.TOPIC),
)


class Published(Enum):
    """What became of a published message."""

    QUEUED = "queued"  # every queue it was routed to took it
    UNROUTABLE = "unroutable"  # no queue wanted it
    REFUSED = "refused"  # a full queue did not take it


class VirtualHost:
    """
    Everything declared under one name.

    Args:
        name: ``/`` unless the broker has several.
        rules: The version of RabbitMQ to follow.
        timeline: Seconds and timers.
        wall_clock: Date and time, for the ``x-death`` header only.
        names: For queues the client leaves unnamed.
        ledger: Hears what happens to messages and queues.
    """

    def __init__(
        self,
        name: str,
        *,
        rules: Rules,
        timeline: Timeline,
        wall_clock: Callable[[], datetime],
        names: Names,
        ledger: Ledger,
    ) -> None:
        self.name = name
        self.rules = rules
        self.timeline = timeline
        self.names = names
        self.ledger = ledger
        self.exchanges = {
            known: Exchange(known, kind, durable=True) for known, kind in _PREDECLARED
        }
        self.queues: dict[str, Queue] = {}
        self._wall_clock = wall_clock
        self._routes = Routes(self.exchanges, self.queues)

    # Words for error texts.

    def describe(self, kind: str, name: str) -> str:
        """``queue 'q' in vhost '/'``."""
        return f"{kind} '{name}' in vhost '{self.name}'"

    # Exchanges.

    def exchange(self, name: str) -> Exchange:
        """
        The exchange called *name*.

        Raises:
            AmqpError: 404, there is none.
        """
        found = self.exchanges.get(name)
        if found is None:
            raise not_found(f"no {self.describe('exchange', name)}")
        return found

    def declare_exchange(
        self,
        name: str,
        type_name: str,
        *,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Mapping[str, Any],
    ) -> None:
        """
        Make an exchange, or check that it is there as described.

        Raises:
            AmqpError: 403 for a reserved name, 406 for a different one, 503 for an unknown type.
        """
        try:
            wanted = Exchange(
                name,
                ExchangeType(type_name),
                durable=durable,
                auto_delete=auto_delete,
                internal=internal,
                arguments=arguments,
            )
        except ValueError:
            raise command_invalid(f"unknown exchange type '{type_name}'") from None
        existing = self.exchanges.get(name)
        if existing is not None:
            same_exchange(self.describe("exchange", name), existing, wanted)
            return
        self._check_name("exchange", name)
        self.exchanges[name] = wanted
        self._routes.forget()

    def delete_exchange(self, name: str, *, if_unused: bool) -> None:
        """
        Remove an exchange and the bindings to and from it; a missing one is no error.

        Raises:
            AmqpError: 403 for a predeclared one, 406 if it is in use and must not be.
        """
        if name.startswith("amq."):
            raise access_refused(f"{self.describe('exchange', name)} is reserved")
        exchange = self.exchanges.get(name)
        if exchange is None:
            return
        if if_unused and exchange.bindings:
            raise precondition_failed(f"{self.describe('exchange', name)} in use")
        self._drop_exchange(exchange)

    def _drop_exchange(self, exchange: Exchange) -> None:
        del self.exchanges[exchange.name]
        self._unbind_all(Kind.EXCHANGE, exchange.name)
        self._routes.forget()

    def _check_name(self, kind: str, name: str) -> None:
        if name.startswith("amq."):
            raise access_refused(f"{kind} name '{name}' contains reserved prefix 'amq.*'")

    # Queues.

    def queue(self, name: str, connection: object) -> Queue:
        """
        The queue called *name*, if *connection* may use it.

        Raises:
            AmqpError: 404, there is none; 405, it belongs to another connection.
        """
        found = self.queues.get(name)
        if found is None:
            raise not_found(f"no {self.describe('queue', name)}")
        if found.exclusive and found.connection is not connection:
            raise self._locked(name)
        return found

    def _locked(self, name: str) -> Exception:
        return resource_locked(
            f"cannot obtain exclusive access to locked {self.describe('queue', name)}. It could be"
            " originally declared on another connection or the exclusive property value does not"
            " match that of the original declaration."
        )

    def declare_queue(
        self,
        name: str,
        *,
        durable: bool,
        auto_delete: bool,
        connection: object,
        exclusive: bool,
        arguments: Mapping[str, Any],
    ) -> Queue:
        """
        Make a queue, or check that it is there as described.

        Args:
            name: Empty for one the broker names.
            durable: Survives a restart.
            auto_delete: Goes with its last consumer.
            connection: Who asks.
            exclusive: Whether it is to be theirs alone.
            arguments: As they came over the wire.

        Raises:
            AmqpError: 403 for a reserved name, 405 if it belongs to another connection,
                406 if it is different or an argument is wrong, 541 for what the version refuses.
        """
        durable = durable and not exclusive  # it cannot outlive its connection
        existing = self.queues.get(name) if name else None
        if existing is not None:
            # Exclusive and not exclusive are told apart by whom the queue belongs to.
            if existing.connection is not (connection if exclusive else None):
                raise self._locked(name)
            what = self.describe("queue", name)
            same_queue(
                what, existing, durable=durable, auto_delete=auto_delete, arguments=arguments
            )
            existing.touch()
            return existing
        if name:
            self._check_name("queue", name)
        else:
            name = self.names.make("amq.gen")
        what = self.describe("queue", name)
        read = read_queue_arguments(what, arguments)
        if read.type is QueueType.QUORUM:
            self._check_quorum(what, durable=durable, exclusive=exclusive, auto_delete=auto_delete)
        if not (durable or exclusive or self.rules.transient_queues):
            raise internal_error(_NO_TRANSIENT_QUEUES)
        queue = Queue(
            name,
            self,
            durable=durable,
            auto_delete=auto_delete,
            connection=connection if exclusive else None,
            declared=arguments,
            arguments=read,
            rules=self.rules,
        )
        self.queues[name] = queue
        self._routes.forget()
        return queue

    def _check_quorum(
        self, what: str, *, durable: bool, exclusive: bool, auto_delete: bool
    ) -> None:
        for wrong, term in (
            (auto_delete, "auto-delete"),
            (exclusive, "exclusive-owner"),
            (not durable, "non-durable"),
        ):
            if wrong:
                raise precondition_failed(f"invalid property '{term}' for {what}")

    def delete_queue(self, queue: Queue) -> None:
        """Remove *queue* with its bindings and tell its consumers."""
        self._drop_queue(queue, MessageFate.PURGED)

    def _drop_queue(self, queue: Queue, fate: MessageFate) -> None:
        del self.queues[queue.name]
        self._routes.forget()
        self._unbind_all(Kind.QUEUE, queue.name)
        for consumer in queue.close(fate):
            consumer.session.queue_is_gone(consumer)

    # Bindings.

    def bind(self, binding: Binding, connection: object) -> None:
        """
        Add *binding*; one that is there already stays.

        Raises:
            AmqpError: 403 for the default exchange, 404 if an end is missing, 405 if the queue
                belongs to another connection, 406 for arguments the exchange cannot compare.
        """
        missing = self._missing_end(binding)
        if missing is not None:
            raise not_found(f"no {missing}")
        self._check_destination(binding, connection)
        source = self.exchanges[binding.source]
        source.check(binding.arguments)
        if source.bind(binding):
            self._routes.forget()

    def unbind(self, binding: Binding, connection: object) -> None:
        """
        Remove *binding*; a missing one is no error. An auto-delete exchange goes with its last.

        Raises:
            AmqpError: 403 for the default exchange, 405 if the queue belongs to another
                connection.
        """
        if self._missing_end(binding) is None:
            source = self.exchanges[binding.source]
            if binding in source.bindings:
                self._check_destination(binding, connection)
                self._remove(source, binding)

    def _missing_end(self, binding: Binding) -> str | None:
        """In the words of an error; the source is looked for first."""
        if not binding.source or (binding.kind is Kind.EXCHANGE and not binding.destination):
            raise access_refused("operation not permitted on the default exchange")
        if binding.source not in self.exchanges:
            return self.describe("exchange", binding.source)
        ends = self.queues if binding.kind is Kind.QUEUE else self.exchanges
        if binding.destination not in ends:
            return self.describe(binding.kind.value, binding.destination)
        return None

    def _check_destination(self, binding: Binding, connection: object) -> None:
        if binding.kind is Kind.QUEUE:
            self.queue(binding.destination, connection)

    def _remove(self, exchange: Exchange, binding: Binding) -> None:
        if not exchange.unbind(binding):
            return
        self._routes.forget()
        if exchange.auto_delete and not exchange.bindings and exchange.name in self.exchanges:
            self._drop_exchange(exchange)

    def _unbind_all(self, kind: Kind, destination: str) -> None:
        for exchange in list(self.exchanges.values()):
            for binding in list(exchange.bindings):
                if binding.kind is kind and binding.destination == destination:
                    self._remove(exchange, binding)

    # Messages.

    def publish(self, exchange: Exchange, message: Message) -> Published:
        """Put *message* into every queue *exchange* leads it to."""
        queues = self._routes.find(exchange, message)
        if not queues:
            self.ledger.fate(MessageFate.UNROUTABLE, message)
            return Published.UNROUTABLE
        outcome = Published.QUEUED
        for queue in queues:
            if not queue.publish(message):
                outcome = Published.REFUSED
        return outcome

    def dead_letter(self, queue: Queue, message: Message, reason: GivenUp) -> bool:
        """Publish *message* to the dead-letter exchange of *queue*; false if it has none."""
        name = queue.arguments.dead_letter_exchange
        if name is None or name not in self.exchanges:
            return False
        known = message.deaths
        if self.rules.believes_deaths and not known:
            known = claimed_deaths(message)
        dead = buried(
            message,
            known,
            queue=queue.name,
            reason=reason.value,
            exchange=name,
            routing_key=queue.arguments.dead_letter_routing_key,
            now=self._wall_clock(),
        )
        targets = self._routes.find(self.exchanges[name], dead)
        for target in targets:
            if reason is GivenUp.REJECTED or not goes_in_circles(target.name, dead.deaths):
                target.publish(dead)
        return True

    # Connections and restarts.

    def connection_closed(self, connection: object) -> None:
        """Remove the exclusive queues of *connection*."""
        for queue in list(self.queues.values()):
            if queue.connection is connection:
                self.delete_queue(queue)

    def go_down(self) -> None:
        """The node stops: durable things and persistent messages stay, the rest is lost."""
        for queue in list(self.queues.values()):
            if not queue.durable:
                self._drop_queue(queue, MessageFate.LOST)
                continue
            if queue.arguments.type is QueueType.CLASSIC:
                queue.lose(keep=lambda message: message.properties.persistent)
            queue.sleep()
        for exchange in list(self.exchanges.values()):
            if not exchange.durable:
                self._drop_exchange(exchange)

    def come_up(self) -> None:
        """The node is back."""
        for queue in list(self.queues.values()):
            queue.wake()


_NO_TRANSIENT_QUEUES = (
    "Feature `transient_nonexcl_queues` is deprecated.\nBy default, this feature is not permitted"
    " anymore.\nThe feature will be removed from a future major RabbitMQ version, regardless of the"
    " configuration; actual version to be determined.\nTo continue using this feature when it is"
    " not permitted by default, set the following parameter in your configuration:\n"
    '    "deprecated_features.permit.transient_nonexcl_queues = true"'
)
