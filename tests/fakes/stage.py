"""The platform's surroundings on a simulated network in virtual time, for integration tests."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg.connection
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.proxy import Proxy
from umt_sim.platform.adapters.fernet import FernetVault
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.application import AGENTS, Application
from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)
from umt_sim.platform.contexts.brand.commands import OnboardBrand
from umt_sim.platform.policies import PRODUCTION_POLICIES, PolicySettings
from umt_sim.platform.surroundings import Surroundings
from umt_sim.platform.tracing.configuration import TracingSettings, build_provider
from umt_sim.servers.capacity import Instant
from umt_sim.servers.http import APPLICATIONS, HttpUpstream
from umt_sim.servers.postgres import Engine, PostgreSQL
from umt_sim.servers.rabbitmq import RabbitMQ
from umt_sim.servers.redis import Redis

T = TypeVar("T")
InWorld = Callable[[Callable[["Stage"], Awaitable[Any]]], Any]
"""Runs a coroutine function among fresh servers, simulated or real; see ``tests/architecture``."""

PORTS = {"rabbitmq": 5672, "postgres": 5432, "redis": 6379}
HTTP = 80

ACME = OnboardBrand(
    name="Acme Inc.",
    description="Leading technology provider",
    industry_name="Technology",
    industry_code="TECH",
    primary_color="#FF5733",
    secondary_color="#33FF57",
    font_family="Roboto",
    content_tone="Professional",
)


@dataclass
class Stage:
    """
    Every server the platform needs, each behind a proxy of its own name.

    Attributes:
        config: Where they are, as the platform sees it.
        spans: Every span that has ended.
        errors: What was reported to ``on_error``.
        events: What guards told their listeners.
    """

    kernel: Kernel
    network: Network
    provider: TracerProvider
    exporter: InMemorySpanExporter
    servers: dict[str, Any] = field(default_factory=dict)
    proxies: dict[str, Proxy] = field(default_factory=dict)
    errors: list[tuple[str, BaseException]] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)

    @property
    def config(self) -> Configuration:
        """Where everything is."""
        return Configuration(
            rabbitmq=RabbitMQSettings(host="rabbitmq"),
            redis=RedisSettings(host="redis"),
            postgres=PostgresSettings(host="postgres", user="umt", database="umt"),
            upstreams={name: HttpSettings(base_url=f"http://{name}") for name in APPLICATIONS},
            credentials_keys=(FernetVault.new_key(),),
        )

    def application(
        self,
        policies: Mapping[str, PolicySettings] = PRODUCTION_POLICIES,
        config: Configuration | None = None,
        agents: Mapping[str, type[Agent]] = AGENTS,
    ) -> Application:
        """The platform on this stage, every process on a host of its own."""
        return Application(
            config or self.config,
            policies=policies,
            agents=agents,
            surroundings=Surroundings(
                randomness=lambda name: self.kernel.streams.stream(f"platform/{name}"),
                tracer_provider=self.provider,
                launch=lambda name, program: self.network.host(name).run(program, name=name),
                on_error=lambda where, error: self.errors.append((where, error)),
                listeners=(self.events.append,),
            ),
        )

    @property
    def clock(self) -> SystemClock:
        """The machine's clock, which is virtual here."""
        return SystemClock()

    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.kernel.loop.time()

    def finished_spans(self) -> list[ReadableSpan]:
        """Spans that have ended, in the order they did."""
        return list(self.exporter.get_finished_spans())

    async def set_up(self, engine: Engine, stack: AsyncExitStack) -> None:
        """Start every server and put a proxy before it."""
        stream = self.kernel.streams.stream
        self.servers = {
            "rabbitmq": RabbitMQ(
                stream=stream("rabbitmq"),
                wall_clock=lambda: datetime.fromtimestamp(time.time(), UTC),
            ),
            "postgres": PostgreSQL(engine=engine, unix_time=time.time, stream=stream("postgres")),
            "redis": Redis(capacity=Instant(), clock=time.time, stream=stream("redis")),
            **{
                name: HttpUpstream(
                    application=build(stream(name)), capacity=Instant(), stream=stream(f"{name}/e")
                )
                for name, build in APPLICATIONS.items()
            },
        }
        for name, server in self.servers.items():
            port = PORTS.get(name, HTTP)
            behind = f"{name}-server"
            await self.network.host(behind).run(server.start(behind, port))
            stack.push_async_callback(server.stop)
            self.proxies[name] = self.network.proxy(
                name, listen=(name, port), upstream=(behind, port)
            )


def on_stage(engine: Engine, play: Callable[[Stage], Awaitable[T]], *, seed: int = 7) -> T:
    """Run *play* among fresh servers, in virtual time; what it returns."""
    result = played(engine, play, seed=seed)
    bury_the_dead()  # once nothing here refers to the kernel any more
    return result


def played(engine: Engine, play: Callable[[Stage], Awaitable[T]], *, seed: int = 7) -> T:
    """Like ``on_stage``; who plays often calls ``bury_the_dead`` once, for it is slow."""
    engine.fresh()
    asyncpg.connection._uid = 0
    exporter = InMemorySpanExporter()
    # Before time becomes virtual: the SDK looks at the machine from threads of its own.
    provider = build_provider(TracingSettings(exporters=[exporter], batch=False))
    with Kernel(seed=seed) as kernel:
        stage = Stage(kernel, Network(kernel), provider, exporter)

        async def main() -> T:
            async with AsyncExitStack() as stack:
                await stage.set_up(engine, stack)
                return await play(stage)

        return kernel.run(main())


def bury_the_dead() -> None:
    """A machine without power closes nothing: that is no fault of the code that ran on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


def without(name: str, policies: Mapping[str, PolicySettings] = PRODUCTION_POLICIES) -> Any:
    """The policies with the one called *name* switched off."""
    return {**policies, name: PolicySettings()}


def but(name: str, **changes: Any) -> Any:
    """The production policies with one of them changed."""
    return {**PRODUCTION_POLICIES, name: replace(PRODUCTION_POLICIES[name], **changes)}
