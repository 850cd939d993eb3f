"""Makes the server that a service of the scenario asks for, with its capacity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.servers.capacity import Capacity, Instant, Station
from umt_sim.servers.http import APPLICATIONS, ErrorMix, HttpUpstream, RateLimit
from umt_sim.servers.postgres import Engine, PostgreSQL
from umt_sim.servers.rabbitmq import RABBITMQ_4, RULES, RabbitMQ
from umt_sim.servers.redis import Persistence, Redis
from umt_sim.servers.specs import Kind, ServiceSpec

__all__ = ["DEFAULT_PORTS", "Server", "Services"]

DEFAULT_PORTS: Mapping[Kind, int] = {"rabbitmq": 5672, "postgres": 5432, "redis": 6379, "http": 80}
"""Ports of the simulated network, where nothing else can be in the way."""

MAX_CONNECTIONS = 100  # PostgreSQL's own default
UNLIMITED = 1 << 20  # workers of a service that states none


class Server(Protocol):
    """What every server of ``umt_sim.servers`` can do."""

    async def start(self, host: str, port: int) -> None:
        """Listen there."""
        ...

    async def stop(self) -> None:
        """End every connection and accept no more."""
        ...

    def crash(self) -> None:
        """Lose everything that is not durable, without a word to anybody."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """
    Builds servers for one run.

    Args:
        kernel: Its clock, environment and random streams are theirs.
        recorder: The run's journal.
        unix_time: Virtual wall clock, seconds since 1970.
        engines: A running PostgreSQL for each service of that kind, by service name.

    Attributes:
        stations: Of the servers that were built, those whose capacity is limited.
    """

    kernel: Kernel
    recorder: Recorder
    unix_time: Callable[[], float]
    engines: Mapping[str, Engine]
    stations: list[Station] = field(default_factory=list)

    def build(self, spec: ServiceSpec) -> Server:
        """The server for *spec*, not started."""
        match spec.kind:
            case "rabbitmq":
                return self._rabbitmq(spec)
            case "postgres":
                return self._postgres(spec)
            case "redis":
                return self._redis(spec)
            case "http":
                return self._http(spec)

    def _rabbitmq(self, spec: ServiceSpec) -> RabbitMQ:
        return RabbitMQ(
            name=spec.name,
            rules=RULES[spec.version] if spec.version is not None else RABBITMQ_4,
            stream=self.kernel.streams.stream(f"{spec.name}/names"),
            wall_clock=lambda: datetime.fromtimestamp(self.unix_time(), UTC),
            capacity=self._capacity(spec),
            recorder=self.recorder,
            accounts={"umt": "umt"},
        )

    def _postgres(self, spec: ServiceSpec) -> PostgreSQL:
        return PostgreSQL(
            engine=self.engines[spec.name],
            unix_time=self.unix_time,
            stream=self.kernel.streams.stream(f"{spec.name}/sessions"),
            capacity=self._capacity(spec, default="query"),
            max_connections=spec.max_connections or MAX_CONNECTIONS,
        )

    def _redis(self, spec: ServiceSpec) -> Redis:
        return Redis(
            capacity=self._capacity(spec, default="command"),
            clock=self.unix_time,
            stream=self.kernel.streams.stream(f"{spec.name}/evictions"),
            persistence=Persistence(spec.persistence),
            snapshot_every=spec.snapshot_every,
        )

    def _http(self, spec: ServiceSpec) -> HttpUpstream:
        stream = self.kernel.streams.stream
        return HttpUpstream(
            application=APPLICATIONS[spec.app or "llm"](stream(f"{spec.name}/content")),
            capacity=self._capacity(spec, default="request"),
            stream=stream(f"{spec.name}/errors"),
            errors=ErrorMix(spec.errors),
            rate_limit=RateLimit.per_second(spec.rate_limit),
            recorder=self.recorder,
        )

    def _capacity(self, spec: ServiceSpec, default: str | None = None) -> Capacity:
        """A station where the scenario states a time or a number of workers."""
        if not spec.service_times and spec.workers is None:
            return Instant()
        times = dict(spec.service_times)
        rest = times.pop(default, None) if default is not None else None
        station = Station(
            self.kernel.env,
            name=spec.name,
            workers=spec.workers or UNLIMITED,
            service=times,
            default=rest or Constant(0.0),
            queue_limit=spec.queue_limit,
            warm_up=spec.warm_up,
            stream=self.kernel.streams.stream(f"{spec.name}/service-times"),
            recorder=self.recorder,
        )
        self.stations.append(station)
        return station
