"""The ``services`` of a scenario: what each is and, for the sim world, how fast it is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, Tag, field_validator, model_validator

from umt_sim.distributions import Distribution
from umt_sim.scenario.schema.block import Block, chosen_by
from umt_sim.scenario.schema.quantities import PositiveRate, PositiveSeconds, Seconds, Share
from umt_sim.scenario.schema.times import Time, build_time
from umt_sim.servers.capacity import WarmUp as Slow
from umt_sim.servers.specs import (
    SERVED_BY_KIND,
    App,
    Kind,
    Persistence,
    ServiceSpec,
    Version,
)

__all__ = ["Service", "build_service"]

Count = Annotated[int, Field(ge=1)]


def _status(value: object) -> object:
    """JSON has no whole numbers as keys: a plan read back has them as text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


ErrorStatus = Annotated[int, BeforeValidator(_status), Field(ge=400, le=599)]


class WarmUp(Block):
    """A server that has just restarted is slow: empty caches, cold connections."""

    factor: Annotated[float, Field(ge=1)]
    """Times are that many times as long at first."""
    duration: Annotated[PositiveSeconds, Field(alias="for")]
    """After so long they are as stated, getting there in a straight line."""


class _Answering(Block):
    kind: Kind
    queue_limit: Count | None = None
    """Callers that may wait for a worker; others are refused. No limit when left out."""
    warm_up: WarmUp | None = None
    latency: Seconds = 0.0
    """One way between the service and whoever calls it, when nothing is wrong."""
    startup: Seconds = 0.0
    """From its start to its first answer, where a fault ends with its being started again."""


class _Service(_Answering):
    workers: Count | None = None
    """Operations served at once; no limit when left out."""


class RabbitMQ(_Service):
    """A RabbitMQ broker."""

    kind: Literal["rabbitmq"]
    version: Version | None = None
    """Which one it must be; 4 when left out, in the live world whichever there is."""
    publish: Time | None = None
    """Time to accept one message."""
    deliver: Time | None = None
    """Time to hand one message to a consumer."""
    get: Time | None = None
    """Time to answer one fetch of a single message."""
    ack: Time | None = None
    """Time to take one acknowledgement."""
    declare: Time | None = None
    """Time to declare, bind or delete a queue or exchange."""


class Postgres(_Service):
    """A PostgreSQL server."""

    kind: Literal["postgres"]
    connect: Time | None = None
    """Time to open one session."""
    query: Time | None = None
    """Time to answer one statement."""
    begin: Time | None = None
    """Time to answer one BEGIN, where it differs from that of other statements."""
    commit: Time | None = None
    """Time to answer one COMMIT, where it differs."""
    rollback: Time | None = None
    """Time to answer one ROLLBACK, where it differs."""
    prepare: Time | None = None
    """Time to prepare one statement, where it differs."""
    max_connections: Count | None = None


class Redis(_Service):
    """A Redis or Valkey server."""

    kind: Literal["redis"]
    persistence: Persistence = "none"
    """What is left after a restart: nothing, the last snapshot, or always everything."""
    snapshot_every: PositiveSeconds | None = None
    """How old a snapshot becomes until the next; whole seconds."""
    command: Time | None = None
    """Time to answer one command."""
    commands: dict[str, Time] = Field(default_factory=dict)
    """The same of single commands, by name: ``GET``, ``CONFIG GET``."""

    @model_validator(mode="after")
    def _snapshots_have_their_time(self) -> Self:
        if (self.persistence == "snapshot") != (self.snapshot_every is not None):
            raise ValueError("persistence: snapshot and snapshot_every need each other")
        if self.snapshot_every is not None and not self.snapshot_every.is_integer():
            raise ValueError("snapshot_every takes whole seconds, as Redis does; write 60s")
        return self


class Http(_Answering):
    """An HTTP upstream."""

    kind: Literal["http"]
    app: App
    """Which of the built-in applications answers."""
    request: Time | None = None
    """Time to answer one request."""
    operations: dict[str, Time] = Field(default_factory=dict)
    """The same of single operations of the application: ``completion``, ``token``, ``publish``."""
    concurrency: Count | None = None
    """Requests served at once; no limit when left out."""
    errors: dict[ErrorStatus, Share] = Field(default_factory=dict)
    """HTTP status to the share of requests answered with it."""
    rate_limit: PositiveRate | None = None
    """More requests than that get 429 with Retry-After; one second's worth may come at once."""

    @field_validator("errors")
    @classmethod
    def _leaves_no_less_than_nothing(cls, errors: dict[int, float]) -> dict[int, float]:
        if (together := math.fsum(errors.values())) > 1 + 1e-9:
            raise ValueError(f"the shares come to {together:.0%} together; 100% are all there are")
        return errors


Service = Annotated[
    Annotated[RabbitMQ, Tag("<rabbitmq>")]
    | Annotated[Postgres, Tag("<postgres>")]
    | Annotated[Redis, Tag("<redis>")]
    | Annotated[Http, Tag("<http>")],
    chosen_by("kind"),
]


def build_service(name: str, service: RabbitMQ | Postgres | Redis | Http) -> ServiceSpec:
    """The frozen value of one service."""
    spec = ServiceSpec(
        name,
        service.kind,
        _times(service),
        queue_limit=service.queue_limit,
        warm_up=_warm_up(service.warm_up),
        latency=service.latency,
        startup=service.startup,
    )
    match service:
        case Http():
            return replace(
                spec,
                workers=service.concurrency,
                app=service.app,
                errors=dict(service.errors),
                rate_limit=service.rate_limit,
            )
        case Postgres(max_connections=limit):
            return replace(spec, workers=service.workers, max_connections=limit)
        case RabbitMQ(version=version):
            return replace(spec, workers=service.workers, version=version)
        case Redis():
            return replace(
                spec,
                workers=service.workers,
                persistence=service.persistence,
                snapshot_every=service.snapshot_every,
            )


def _times(service: RabbitMQ | Postgres | Redis | Http) -> dict[str, Distribution]:
    """Operation to how long it takes, in the order of the kind's operations."""
    stated = vars(service)
    times = {
        operation: stated[operation]
        for operation in SERVED_BY_KIND[service.kind]
        if stated[operation] is not None
    }
    match service:
        case Redis(commands=named):
            times |= {name.upper(): time for name, time in named.items()}
        case Http(operations=named):
            times |= named
    return {operation: build_time(time) for operation, time in times.items()}


def _warm_up(block: WarmUp | None) -> Slow | None:
    return None if block is None else Slow(block.factor, block.duration)
