"""
AMQP programs drawn at random: who says what, one step after the other.

What RabbitMQ itself answers now so and now otherwise is not drawn: each client has one channel and
at most one consumer, messages are transient, one queue alone has dead letters, and they share no
exchange with the messages that displaced them, for either may come first. Nor are transactions,
which ours refuses, and quorum queues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from pamqp import base, commands

__all__ = ["CLIENTS", "EXCHANGES", "QUEUES", "UNKNOWN", "Step", "program"]

CLIENTS = 3
QUEUES = ["q.a", "q.b", "q.dead"]
EXCHANGES = ["x.a", "x.b"]
KEYS = ["a", "a.b", "b", "q.a"]
PATTERNS = [*KEYS, "#", "*.b"]
STEPS = 60
UNKNOWN = 99
"""A delivery tag that no client has."""

Choice = Callable[[Random], base.Frame]

ARGUMENTS: list[dict[str, Any]] = [
    {"x-max-length": 2},
    {"x-max-length-bytes": 6},
    {"x-max-length": 1, "x-overflow": "reject-publish"},
    {"x-max-length": 2, "x-overflow": "reject-publish-dlx"},
    {"x-message-ttl": 0},
    {"x-max-priority": 3},
    {"x-single-active-consumer": True},
    {},
]
DEAD_LETTERS: list[dict[str, Any]] = [
    {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q.dead"},
    {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q.dead"},
    {},
]
FLAGS: list[dict[str, Any]] = [{}, {}, {"durable": True}, {"auto_delete": True}]


@dataclass(frozen=True)
class Step:
    """
    What one client says.

    Attributes:
        client: Its number.
        method: A delivery tag in it counts what the client holds: 1 is the oldest delivery. A
            client that holds fewer settles the newest; one that consumes already does not begin.
        properties: Of the message, if it publishes one.
    """

    client: int
    method: base.Frame
    properties: dict[str, Any] | None = None

    def __str__(self) -> str:
        """As a difference shows it."""
        said = {name: value for name, value in self.method if value}
        return f"client {self.client}: {self.method.name} {said} {self.properties or ''}"


def program(draw: Random) -> list[Step]:
    """Declarations and bindings, then anything."""
    start = [Step(0, method) for method in _topology(draw)]
    choices = USUAL + draw.choices(UNUSUAL, k=6)
    return start + [_step(draw, draw.choice(choices)) for _ in range(STEPS)]


def _step(draw: Random, choice: Choice) -> Step:
    method = choice(draw)
    publishes = isinstance(method, commands.Basic.Publish)
    return Step(draw.randrange(CLIENTS), method, _properties(draw) if publishes else None)


def _topology(draw: Random) -> Iterator[base.Frame]:
    for exchange in EXCHANGES:
        yield commands.Exchange.Declare(
            exchange=exchange, exchange_type=draw.choice(["direct", "topic", "fanout"])
        )
    first, *others = QUEUES
    yield _declared(draw, first, draw.choice(DEAD_LETTERS))
    for queue in others:
        yield _declared(draw, queue, {})
    for queue in QUEUES[:2]:
        yield commands.Queue.Bind(
            queue=queue, exchange=draw.choice(EXCHANGES), routing_key=draw.choice(PATTERNS)
        )


def _declared(draw: Random, queue: str, arguments: dict[str, Any]) -> base.Frame:
    arguments = draw.choice(ARGUMENTS) | draw.choice(ARGUMENTS) | arguments
    if "x-max-priority" in arguments:
        arguments.pop("x-message-ttl", None)  # overtaken messages expire here, and there do not
    return commands.Queue.Declare(queue=queue, arguments=arguments, **draw.choice(FLAGS))


def _declare(draw: Random) -> base.Frame:
    return _declared(draw, draw.choice(QUEUES), draw.choice([{}, {}, {"x-expires": 0}]))


def _delete(draw: Random) -> base.Frame:
    option: dict[str, Any] = draw.choice([{}, {"if_unused": True}, {"if_empty": True}])
    return commands.Queue.Delete(queue=draw.choice(QUEUES), **option)


def _bind(draw: Random) -> base.Frame:
    binding = {"exchange": draw.choice(EXCHANGES), "routing_key": draw.choice(PATTERNS)}
    queue = draw.choice(QUEUES[:2])
    return draw.choice(
        [
            commands.Queue.Bind(queue=queue, **binding),
            commands.Queue.Unbind(queue=queue, **binding),
            commands.Exchange.Bind(
                destination=draw.choice(EXCHANGES),
                source=draw.choice(EXCHANGES),
                routing_key=draw.choice(PATTERNS),
            ),
        ]
    )


def _publish(draw: Random) -> base.Frame:
    if draw.random() < 0.5:
        where = {"exchange": "", "routing_key": draw.choice(QUEUES)}
    else:
        where = {
            "exchange": draw.choice([*EXCHANGES, "amq.fanout"]),
            "routing_key": draw.choice(KEYS),
        }
    return commands.Basic.Publish(**where, mandatory=draw.random() < 0.3)


def _properties(draw: Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if draw.random() < 0.2:
        found["priority"] = draw.randrange(6)
    if draw.random() < 0.1:
        found["expiration"] = draw.choice(["0", "60000", "soon"])
    return found


def _get(draw: Random) -> base.Frame:
    return commands.Basic.Get(queue=draw.choice(QUEUES), no_ack=draw.random() < 0.3)


def _consume(draw: Random) -> base.Frame:
    return commands.Basic.Consume(
        queue=draw.choice(QUEUES),
        consumer_tag="c",
        no_ack=draw.random() < 0.2,
        exclusive=draw.random() < 0.1,
        arguments=draw.choice([{}, {}, {"x-priority": 5}]),
    )


def _settle(draw: Random) -> base.Frame:
    held = draw.choice([1, 1, 1, 2, 3])
    several, again = draw.random() < 0.3, draw.random() < 0.6
    return draw.choice(
        [
            commands.Basic.Ack(held, several),
            commands.Basic.Nack(held, several, again),
            commands.Basic.Reject(held, again),
        ]
    )


def _limit(draw: Random) -> base.Frame:
    return commands.Basic.Qos(prefetch_count=draw.randrange(4), global_=draw.random() < 0.3)


USUAL: list[Choice] = [*[_publish] * 8, *[_settle] * 5, *[_consume] * 2, _get]
UNUSUAL: list[Choice] = [
    _declare,
    _delete,
    *[_bind] * 3,
    *[_limit] * 3,
    lambda draw: commands.Queue.Purge(queue=draw.choice(QUEUES)),
    lambda _: commands.Basic.Cancel(consumer_tag="c"),
    lambda _: commands.Basic.Recover(requeue=True),
    lambda _: commands.Basic.Ack(UNKNOWN),
    lambda _: commands.Confirm.Select(),
    lambda _: commands.Confirm.Select(),
    lambda _: commands.Channel.Close(200, "Goodbye", 0, 0),
]
