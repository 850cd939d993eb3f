"""
The ``faults`` of a scenario: what goes wrong, when, for how long.

Each names one action, and what the action needs: a ``target`` (a service), a
``host``, or the two hosts ``between`` which something happens. A ``random`` fault
is drawn from the seed when the plan is frozen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from umt_sim.faults import actions
from umt_sim.faults.actions import Action
from umt_sim.faults.timeline import Fault as PlannedFault
from umt_sim.measures import units
from umt_sim.scenario.schema.block import Block
from umt_sim.scenario.schema.quantities import PositiveSeconds, Seconds, Share
from umt_sim.scenario.schema.toxics import AnyToxic

__all__ = ["Fault", "RandomFault"]

Pair = Annotated[list[str], Field(min_length=2, max_length=2)]
Span = Annotated[list[Seconds], Field(min_length=2, max_length=2)]


def _offset(text: object) -> float:
    if isinstance(text, str) and text.startswith("-"):
        return -units.duration(text[1:])
    return units.duration(text.removeprefix("+") if isinstance(text, str) else text)


Offset = Annotated[
    float,
    BeforeValidator(_offset),
    PlainSerializer(
        lambda seconds: ("-" if seconds < 0 else "") + units.write_duration(abs(seconds)),
        when_used="json",
    ),
    WithJsonSchema({"type": "string", "examples": ["5m", "-30s"]}),
]

_ON_TARGET: Mapping[str, Callable[..., Action]] = {
    "down": actions.Down,
    "connect_refused": actions.ConnectRefused,
    "connect_hang": actions.ConnectHang,
    "half_open": actions.HalfOpen,
    "timed_out": actions.TimedOut,
}
_ON_HOST: Mapping[str, Callable[..., Action]] = {
    "crash": actions.Crash,
    "kill": actions.Kill,
    "pause": actions.Pause,
}
_NEEDS: Mapping[str, str] = {
    "toxic": "target",
    **dict.fromkeys(_ON_TARGET, "target"),
    "restart": "target",
    "disk_full": "target",
    "lost_commit": "target",
    **dict.fromkeys(_ON_HOST, "host"),
    "clock_skew": "host",
    "partition": "between",
    "hold": "between",
    "loss": "between",
}
"""Every action and where it happens."""

_INSIDE: Mapping[str, str] = {"disk_full": "rabbitmq", "lost_commit": "postgres"}
"""Actions inside a server, and the kind that it must be of."""

Yes = Literal[True]

_MOST_RANDOM = 1_000
"""Faults one random fault may ask for; more are a slip of the unit."""


class _Chosen(Block):
    """An action without its place."""

    toxic: AnyToxic | None = None
    """Spoil the connections to the target."""
    down: Yes | None = None
    """End the target's connections and refuse new ones."""
    connect_refused: Yes | None = None
    """Refuse new connections; those there are go on. Sim only."""
    connect_hang: Yes | None = None
    """Answer no attempt to connect. Sim only."""
    half_open: Yes | None = None
    """The target forgets its connections without telling its clients. Sim only."""
    timed_out: Yes | None = None
    """Connections break as when retransmission gives up. Sim only."""
    restart: Yes | None = None
    """The server stops in good order and starts again at the end."""
    disk_full: Yes | None = None
    """A broker takes no message until there is room again. Sim only."""
    lost_commit: PositiveSeconds | None = None
    """The database dies between its next COMMIT and the answer, for so long. Sim only."""

    @property
    def action(self) -> str:
        """Name of the action that is given."""
        return next(name for name in self.stated if name in _NEEDS)

    @property
    def stated(self) -> Iterator[str]:
        """Fields that are given, in the order of the schema."""
        return (name for name in type(self).model_fields if getattr(self, name) is not None)

    def _check_action(self) -> None:
        given = [name for name in self.stated if name in _NEEDS]
        if len(given) != 1:
            allowed = [name for name in _NEEDS if name in type(self).model_fields]
            found = " and ".join(given) or "nothing"
            raise ValueError(f"needs exactly one of {', '.join(allowed)}; found {found}")

    def on_target(self, target: str) -> Action:
        """The frozen action, at *target*."""
        if self.toxic is not None:
            return actions.AddToxic(
                target=target,
                toxic=self.toxic.build(),
                stream=actions.Stream(self.toxic.stream),
                toxicity=self.toxic.toxicity,
            )
        if self.restart:
            return actions.ServerRestart(service=target)
        if self.disk_full:
            return actions.DiskFull(service=target)
        if self.lost_commit is not None:
            return actions.LostCommit(service=target, down_for_s=self.lost_commit)
        return _ON_TARGET[self.action](target=target)


class Choice(_Chosen):
    """One of the things a random fault may do."""

    weight: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self._check_action()
        return self


class RandomFault(Block):
    """Faults at random times, drawn from the seed: a Poisson process of them."""

    between: Span
    """The stretch of the run they fall into, their ends included."""
    mean_gap: PositiveSeconds
    """Mean time from one beginning to the next."""
    duration: Annotated[Span, Field(alias="for")]
    """Shortest and longest; uniform."""
    targets: Annotated[list[str], Field(min_length=1)]
    choose: Annotated[list[Choice], Field(min_length=1)]
    max_concurrent: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        for name, (first, last) in (("between", self.between), ("for", self.duration)):
            if first > last:
                raise ValueError(f"{name} goes down; write the smaller one first")
        if self.duration[0] <= 0:
            raise ValueError("for begins at 0; every fault lasts for a while")
        if self.between[1] - self.between[0] <= self.duration[1]:
            raise ValueError("the longest fault does not fit into between")
        if (self.between[1] - self.between[0]) / self.mean_gap > _MOST_RANDOM:
            raise ValueError(
                f"mean_gap asks for more than {_MOST_RANDOM} faults; write a longer one"
            )
        return self

    def draw(self, name: str, stream: Random) -> list[PlannedFault]:
        """The faults of one seed, called ``name#1``, ``name#2``, ... in order of time."""
        drawn: list[PlannedFault] = []
        at = self.between[0]
        while True:
            at += -self.mean_gap * math.log(1 - stream.random())
            lasts = round(stream.uniform(*self.duration), 3)
            target = stream.choice(self.targets)
            weights = [choice.weight for choice in self.choose]
            action = stream.choices(self.choose, weights)[0].on_target(target)
            if at >= self.between[1]:
                return drawn
            fault = PlannedFault(f"{name}#{len(drawn) + 1}", round(at, 3), lasts, action)
            if fault.until <= self.between[1] and self._has_room(fault, drawn):
                drawn.append(fault)

    def _has_room(self, fault: PlannedFault, drawn: list[PlannedFault]) -> bool:
        """Whether *fault* may run beside those drawn before it."""
        beside = [other for other in drawn if other.until > fault.at]
        claims = [other.action.exclusive for other in beside]
        exclusive = fault.action.exclusive
        return len(beside) < self.max_concurrent and (exclusive is None or exclusive not in claims)


class Fault(_Chosen):
    """One thing that goes wrong. Its key names a window that expectations refer to."""

    at: Seconds | None = None
    """When it begins."""
    duration: Annotated[PositiveSeconds | None, Field(alias="for")] = None
    """How long it lasts; left out only for what is over at once."""
    target: str | None = None
    """A service."""
    host: str | None = None
    """A host: of a server or of a part of the system."""
    between: Pair | None = None
    """Two hosts."""
    crash: Yes | None = None
    """Power cut: nothing is cleaned up. Sim only."""
    kill: Yes | None = None
    """The programs die; their operating system closes their connections. Live: a server's only."""
    pause: Yes | None = None
    """The programs freeze. Live: a server's only."""
    clock_skew: Offset | None = None
    """Set the wall clock ahead, or back. Sim only."""
    partition: Yes | None = None
    """Every packet between two hosts is lost. Sim only."""
    one_way: bool = False
    """Only those from the first host to the second."""
    hold: Yes | None = None
    """Packets between two hosts wait until the end. Sim only."""
    loss: Share | None = None
    """Packets are lost and sent again later. Sim only."""
    retransmit: PositiveSeconds = 0.2
    """How much later, the first time; then twice that, and so on."""
    random: RandomFault | None = None
    """Draw faults from the seed instead."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.random is not None:
            self._check_alone()
        else:
            self._check_action()
            self._check_place()
            self._check_time()
            self.build_action()
        return self

    def _check_alone(self) -> None:
        for name in self.stated:
            if name in (*_NEEDS, *_PLACES, "at", "duration"):
                raise ValueError(f"a random fault stands alone; move {name} into it")

    def _check_place(self) -> None:
        needed = _NEEDS[self.action]
        if getattr(self, needed) is None:
            raise ValueError(f"{self.action} needs {needed}: {_PLACES[needed]}")
        for place in _PLACES:
            if place != needed and getattr(self, place) is not None:
                raise ValueError(f"{self.action} takes {needed}, not {place}")

    def _check_time(self) -> None:
        if self.at is None:
            raise ValueError("at is required: when the fault begins")
        if self.duration is None and not self.build_action().one_shot:
            raise ValueError("for is required: every fault ends by itself")

    def build_action(self) -> Action:
        """The frozen action."""
        name = self.action
        if self.between is not None:
            left, right = self.between
            if self.loss is not None:
                return actions.RetransmissionDelay(
                    left=left, right=right, loss=self.loss, timeout_ms=self.retransmit * 1000
                )
            if self.hold:
                return actions.Hold(left=left, right=right)
            return actions.Partition(left=left, right=right, one_way=self.one_way)
        if self.host is not None:
            if self.clock_skew is not None:
                return actions.ClockSkew(host=self.host, offset_s=self.clock_skew)
            return _ON_HOST[name](host=self.host)
        return self.on_target(self.target or "")

    def build(self, name: str, stream: Random) -> list[PlannedFault]:
        """The frozen faults; more than one only where they are random."""
        if self.random is not None:
            return self.random.draw(name, stream)
        return [PlannedFault(name, self.at or 0.0, self.duration or 0.0, self.build_action())]

    @staticmethod
    def action_names() -> tuple[str, ...]:
        """Every action a fault may name."""
        return tuple(_NEEDS)

    def targets(self) -> list[tuple[tuple[Any, ...], str]]:
        """Services it names, each with where it does."""
        if self.random is not None:
            return [
                (("random", "targets", index), target)
                for index, target in enumerate(self.random.targets)
            ]
        return [(("target",), self.target)] if self.target is not None else []

    def kinds(self) -> list[tuple[str, str, str]]:
        """Actions that only one kind of service knows: action, service and kind."""
        chosen = self.random.choose if self.random is not None else [self]
        return [
            (choice.action, target, _INSIDE[choice.action])
            for choice in chosen
            for _, target in self.targets()
            if choice.action in _INSIDE
        ]

    def hosts(self) -> list[tuple[tuple[Any, ...], str]]:
        """Hosts it names, each with where it does."""
        pair = [(("between", index), host) for index, host in enumerate(self.between or ())]
        return [*pair, *([(("host",), self.host)] if self.host is not None else [])]


_PLACES: Mapping[str, str] = {
    "target": "the name of a service",
    "host": "the name of a host",
    "between": "two hosts",
}
