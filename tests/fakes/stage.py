"""The platform's surroundings on a simulated network in virtual time, for integration tests."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg.connection

from tests.fakes.observed import KEY, Observed, Spans
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)
from umt_sim.platform.policies import PRODUCTION_POLICIES, PolicySettings
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


@dataclass
class Stage(Observed):
    """Every server the platform needs, simulated, and every process on a host of its own."""

    kernel: Kernel
    network: Network

    @property
    def config(self) -> Configuration:
        """Where everything is, as the platform sees it."""
        return Configuration(
            rabbitmq=RabbitMQSettings(host="rabbitmq"),
            redis=RedisSettings(host="redis"),
            postgres=PostgresSettings(host="postgres", user="umt", database="umt"),
            upstreams={name: HttpSettings(base_url=f"http://{name}") for name in APPLICATIONS},
            credentials_keys=(KEY,),
        )

    @property
    def here(self) -> str:
        """The site from which the test itself connects."""
        return self.network._here().name

    @property
    def machines(self) -> Mapping[str, Any]:
        """Randomness of the run's seed, and a host for each process."""
        return {
            "randomness": lambda name: self.kernel.streams.stream(f"platform/{name}"),
            "launch": lambda name, program: self.network.host(name).run(program, name=name),
        }

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
    # Before time becomes virtual: the SDK looks at the machine from threads of its own.
    spans = Spans()
    with Kernel(seed=seed) as kernel:
        stage = Stage(kernel, Network(kernel), spans=spans)

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
