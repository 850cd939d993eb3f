"""Exchanges, their bindings, and the four ways to choose among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from umt_sim.servers.rabbitmq.core.arguments import field_type
from umt_sim.servers.rabbitmq.core.message import Message
from umt_sim.servers.rabbitmq.core.table import Table
from umt_sim.servers.rabbitmq.core.topic import TopicTrie
from umt_sim.servers.rabbitmq.errors import precondition_failed

__all__ = ["Binding", "Exchange", "ExchangeType", "Kind"]


class ExchangeType(Enum):
    """How an exchange chooses its bindings."""

    DIRECT = "direct"  # binding key equals routing key
    TOPIC = "topic"  # binding key is a pattern of words
    FANOUT = "fanout"  # every binding
    HEADERS = "headers"  # binding arguments against message headers


class Kind(Enum):
    """What a binding points to."""

    QUEUE = "queue"
    EXCHANGE = "exchange"


@dataclass(frozen=True)
class Binding:
    """A path out of an exchange. Two with the same fields are one binding."""

    source: str
    kind: Kind
    destination: str
    routing_key: str
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)


class _Router(Protocol):
    def add(self, binding: Binding) -> None: ...

    def remove(self, binding: Binding) -> None: ...

    def route(self, routing_key: str, headers: Table) -> Iterable[Binding]: ...


class _Direct:
    def __init__(self) -> None:
        self._by_key: dict[str, list[Binding]] = {}

    def add(self, binding: Binding) -> None:
        self._by_key.setdefault(binding.routing_key, []).append(binding)

    def remove(self, binding: Binding) -> None:
        self._by_key[binding.routing_key].remove(binding)

    def route(self, routing_key: str, headers: Table) -> Iterable[Binding]:  # noqa: ARG002
        return self._by_key.get(routing_key, ())


class _Fanout:
    def __init__(self) -> None:
        self._bindings: list[Binding] = []

    def add(self, binding: Binding) -> None:
        self._bindings.append(binding)

    def remove(self, binding: Binding) -> None:
        self._bindings.remove(binding)

    def route(self, routing_key: str, headers: Table) -> Iterable[Binding]:  # noqa: ARG002
        return self._bindings


class _Topic:
    def __init__(self) -> None:
        self._trie: TopicTrie[Binding] = TopicTrie()

    def add(self, binding: Binding) -> None:
        self._trie.add(binding.routing_key, binding)

    def remove(self, binding: Binding) -> None:
        self._trie.remove(binding.routing_key, binding)

    def route(self, routing_key: str, headers: Table) -> Iterable[Binding]:  # noqa: ARG002
        return self._trie.match(routing_key)


_MODES = ("all", "any", "all-with-x", "any-with-x")


class _Headers:
    def __init__(self) -> None:
        self._bindings: list[Binding] = []

    def add(self, binding: Binding) -> None:
        self._bindings.append(binding)

    def remove(self, binding: Binding) -> None:
        self._bindings.remove(binding)

    def route(self, routing_key: str, headers: Table) -> Iterable[Binding]:  # noqa: ARG002
        values = headers.decoded()
        return [binding for binding in self._bindings if _headers_match(binding.arguments, values)]


def _headers_match(wanted: Mapping[str, Any], headers: Mapping[str, Any]) -> bool:
    mode = wanted.get("x-match", "all")
    skip = "x-match" if mode.endswith("-with-x") else "x-"
    # In the modes without "-with-x" no header that starts with "x-" is looked at.
    compared = [
        key in headers and (value is None or _same(value, headers[key]))
        for key, value in wanted.items()
        if not key.startswith(skip)
    ]
    return all(compared) if mode.startswith("all") else any(compared)


def _check_mode(mode: Any) -> None:
    if not isinstance(mode, str):
        kind = field_type(mode)
        raise precondition_failed(
            f"Invalid x-match field type {kind} (value {mode}); expected longstr"
        )
    if mode not in _MODES:
        raise precondition_failed(
            f'Invalid x-match field value <<"{mode}">>;'
            " expected all, any, all-with-x, or any-with-x"
        )


def _same(first: Any, second: Any) -> bool:
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)


_ROUTERS: dict[ExchangeType, type[_Router]] = {
    ExchangeType.DIRECT: _Direct,
    ExchangeType.TOPIC: _Topic,
    ExchangeType.FANOUT: _Fanout,
    ExchangeType.HEADERS: _Headers,
}


class Exchange:
    """
    One exchange.

    Args:
        name: Empty for the default exchange.
        type: How it chooses.
        durable: Survives a restart.
        auto_delete: Goes when its last binding goes.
        internal: Clients may not publish to it.
        arguments: As declared.
    """

    def __init__(
        self,
        name: str,
        type: ExchangeType,  # noqa: A002  the protocol's word
        *,
        durable: bool,
        auto_delete: bool = False,
        internal: bool = False,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.type = type
        self.durable = durable
        self.auto_delete = auto_delete
        self.internal = internal
        self.arguments = dict(arguments or {})
        self.bindings: list[Binding] = []
        self._router = _ROUTERS[type]()

    @property
    def alternate(self) -> str | None:
        """Where messages go that no binding wants."""
        return self.arguments.get("alternate-exchange")

    @property
    def reads_headers(self) -> bool:
        """Whether two messages with one routing key may go different ways."""
        return self.type is ExchangeType.HEADERS

    def check(self, arguments: Mapping[str, Any]) -> None:
        """
        Look at the arguments of a binding to be made.

        Raises:
            AmqpError: 406, a headers exchange cannot compare by them.
        """
        if self.reads_headers:
            _check_mode(arguments.get("x-match", "all"))

    def bind(self, binding: Binding) -> bool:
        """Add *binding*; false if it was there."""
        if binding in self.bindings:
            return False
        self.bindings.append(binding)
        self._router.add(binding)
        return True

    def unbind(self, binding: Binding) -> bool:
        """Remove *binding*; false if it was not there."""
        if binding not in self.bindings:
            return False
        self.bindings.remove(binding)
        self._router.remove(binding)
        return True

    def route(self, message: Message) -> list[Binding]:
        """The bindings that want *message*."""
        headers = message.properties.headers
        return [
            binding for key in message.routing_keys for binding in self._router.route(key, headers)
        ]
