"""Services as frozen values: what a scenario says about a server, before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from umt_sim.distributions import Distribution
from umt_sim.servers.capacity import WarmUp

__all__ = ["SERVED_BY_KIND", "App", "Kind", "Persistence", "ServiceSpec", "Version"]

Kind = Literal["rabbitmq", "postgres", "redis", "http"]

App = Literal["llm", "social", "ads", "cms", "echo"]
"""Names of the HTTP applications; ``servers.http`` has one for each."""

Version = Literal["3.13", "4"]
"""Versions of RabbitMQ; ``servers.rabbitmq`` has the rules of each."""

Persistence = Literal["none", "snapshot", "always"]
"""What a Redis keeps; ``servers.redis`` says what each means."""

SERVED_BY_KIND: Mapping[Kind, tuple[str, ...]] = {
    "rabbitmq": ("publish", "deliver", "get", "ack", "declare"),
    "postgres": ("connect", "query", "begin", "commit", "rollback", "prepare"),
    "redis": ("command",),
    "http": ("request",),
}
"""
The operations of each kind whose service time a scenario may state by a key of its own.

``query``, ``command`` and ``request`` stand for every operation that is not named.
"""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """
    One service of a scenario.

    How fast it is matters in the sim world only; a real server is as fast as it is.

    Attributes:
        name: As the scenario, its faults and the system under test call it.
        kind: What it speaks.
        service_times: Operation of the kind to its distribution; what is left out takes no time.
        workers: How many operations are served at once; ``None`` for no limit.
        queue_limit: How many may wait for a worker; ``None`` for no limit.
        warm_up: How a restart slows it down; ``None`` for not at all.
        latency: Seconds one way between it and its callers, when nothing is wrong.
        startup: Seconds from its start to its first answer, when it is started again.
        version: Which RabbitMQ it must be; ``None`` for 4 in the sim world, and for whichever
            there is in the live one.
        persistence: What a Redis has left when it is started again.
        snapshot_every: Seconds between two snapshots of a Redis that keeps those.
        max_connections: Connections accepted at once; ``None`` for the kind's own limit.
        app: Name of the HTTP application.
        errors: HTTP status to the probability that a request is answered with it.
        rate_limit: Requests per second that an HTTP service takes, one second's worth at
            once; ``None`` for no limit.
    """

    name: str
    kind: Kind
    service_times: Mapping[str, Distribution] = field(default_factory=dict)
    workers: int | None = None
    queue_limit: int | None = None
    warm_up: WarmUp | None = None
    latency: float = 0.0
    startup: float = 0.0
    version: Version | None = None
    persistence: Persistence = "none"
    snapshot_every: float | None = None
    max_connections: int | None = None
    app: App | None = None
    errors: Mapping[int, float] = field(default_factory=dict)
    rate_limit: float | None = None
