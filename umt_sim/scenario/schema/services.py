"""The ``services`` of a scenario: what each is and, for the sim world, how fast it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Tag

from umt_sim.scenario.schema.block import Block, chosen_by
from umt_sim.scenario.schema.quantities import PositiveRate, Seconds, Share
from umt_sim.scenario.schema.times import Time, build_time
from umt_sim.servers.specs import SERVED_BY_KIND, App, Kind, ServiceSpec

__all__ = ["Service", "build_service"]

Count = Annotated[int, Field(ge=1)]


def _status(value: object) -> object:
    """JSON has no whole numbers as keys: a plan read back has them as text."""
    return int(value) if isinstance(value, str) and value.isdigit() else value


ErrorStatus = Annotated[int, BeforeValidator(_status), Field(ge=400, le=599)]


class _Answering(Block):
    kind: Kind
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
    commit: Time | None = None
    """Time to answer one COMMIT, where it differs from that of other statements."""
    max_connections: Count | None = None


class Redis(_Service):
    """A Redis or Valkey server."""

    kind: Literal["redis"]
    command: Time | None = None
    """Time to answer one command."""


class Http(_Answering):
    """An HTTP upstream."""

    kind: Literal["http"]
    app: App
    """Which of the built-in applications answers."""
    request: Time | None = None
    """Time to answer one request."""
    concurrency: Count | None = None
    """Requests served at once; no limit when left out."""
    errors: dict[ErrorStatus, Share] = Field(default_factory=dict)
    """HTTP status to the share of requests answered with it."""
    rate_limit: PositiveRate | None = None
    """More requests than that get 429 with Retry-After; one second's worth may come at once."""


Service = Annotated[
    Annotated[RabbitMQ, Tag("<rabbitmq>")]
    | Annotated[Postgres, Tag("<postgres>")]
    | Annotated[Redis, Tag("<redis>")]
    | Annotated[Http, Tag("<http>")],
    chosen_by("kind"),
]


def build_service(name: str, service: RabbitMQ | Postgres | Redis | Http) -> ServiceSpec:
    """The frozen value of one service."""
    stated: Mapping[str, object] = vars(service)
    times = {
        operation: build_time(stated[operation])  # type: ignore[arg-type]  # fields named there are times
        for operation in SERVED_BY_KIND[service.kind]
        if stated[operation] is not None
    }
    spec = ServiceSpec(name, service.kind, times, latency=service.latency, startup=service.startup)
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
        case _:
            return replace(spec, workers=service.workers)
