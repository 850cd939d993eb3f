"""The platform's surroundings as real servers behind a real Toxiproxy, for the same tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

import aio_pika
import asyncpg
import redis.asyncio

from tests.fakes.observed import KEY, Observed, Spans
from umt_sim.errors import WorldUnavailable
from umt_sim.platform.agents.addresses import DEAD_LETTERS, agent_queue, mailbox
from umt_sim.platform.application import AGENTS, CLIENT
from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)
from umt_sim.servers.capacity import Instant
from umt_sim.servers.http import APPLICATIONS, HttpUpstream
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.gateway import Gateway
from umt_sim.worlds.live.programs.toxiproxy import Toxiproxy
from umt_sim.worlds.live.servers import one_server, private_servers

__all__ = ["LiveServers", "LiveStage", "live_servers", "on_live_stage"]

T = TypeVar("T")

LOCAL = "127.0.0.1"


@dataclass(frozen=True)
class LiveServers:
    """Real servers, and the Toxiproxy in front of them."""

    endpoints: Mapping[str, Endpoint]
    gateway: Gateway


@contextmanager
def live_servers() -> Iterator[LiveServers]:
    """
    Private servers on free ports, for as long as the block lasts.

    Raises:
        WorldUnavailable: One of them is not installed.
    """
    program = Toxiproxy.find()
    if program is None:
        raise WorldUnavailable("toxiproxy", "it is not installed", remedy="see docs/live.md")
    with ExitStack() as stack:
        endpoints = stack.enter_context(private_servers("rabbitmq", "postgres", "redis"))
        instance = stack.enter_context(one_server(program))
        yield LiveServers(endpoints, Gateway(instance.host, instance.port))


@dataclass(frozen=True)
class LiveProxy:
    """One proxy of Toxiproxy."""

    gateway: Gateway
    name: str
    port: int

    def disable(self) -> None:
        """End its connections and refuse new ones."""
        self.gateway.set_enabled(self.name, enabled=False)

    def enable(self) -> None:
        """Let it listen again."""
        self.gateway.set_enabled(self.name, enabled=True)


@dataclass
class LiveStage(Observed):
    """Real servers, the platform in one process, and real time."""

    live: LiveServers

    @property
    def config(self) -> Configuration:
        """Where everything is."""
        postgres = self.live.endpoints["postgres"]
        rabbitmq = self.live.endpoints["rabbitmq"]
        ports = {name: proxy.port for name, proxy in self.proxies.items()}
        return Configuration(
            rabbitmq=RabbitMQSettings(
                host=LOCAL, port=ports["rabbitmq"], user=rabbitmq.user, password=rabbitmq.password
            ),
            redis=RedisSettings(host=LOCAL, port=ports["redis"]),
            postgres=PostgresSettings(
                host=LOCAL,
                port=ports["postgres"],
                user=postgres.user,
                password=postgres.password,
                database=postgres.database,
            ),
            upstreams={
                name: HttpSettings(base_url=f"http://{LOCAL}:{ports[name]}")
                for name in APPLICATIONS
                if name in ports
            },
            credentials_keys=(KEY,),
        )

    async def set_up(self, stack: AsyncExitStack) -> None:
        """Forget what the last test left, start the upstreams, put a proxy before everything."""
        await _swept(self.live.endpoints)
        for name, build in APPLICATIONS.items():
            upstream = self.servers[name] = HttpUpstream(
                application=build(Random(1)), capacity=Instant(), stream=Random(2)
            )
            await upstream.start(LOCAL, 0)
            stack.push_async_callback(upstream.stop)
            self._open(name, upstream.port, stack)
        for name, endpoint in self.live.endpoints.items():
            self._open(name, endpoint.port, stack)

    def _open(self, name: str, port: int, stack: AsyncExitStack) -> None:
        address = self.live.gateway.create_proxy(
            name, listen=f"{LOCAL}:0", upstream=f"{LOCAL}:{port}"
        )
        stack.callback(self.live.gateway.delete_proxy, name)
        listening = int(address.rpartition(":")[2])
        self.proxies[name] = LiveProxy(self.live.gateway, name, listening)


def on_live_stage(live: LiveServers, play: Callable[[Any], Awaitable[T]]) -> T:
    """Run *play* among real servers, in real time; what it returns."""

    async def main() -> T:
        async with AsyncExitStack() as stack:
            stage = LiveStage(live, spans=Spans())
            await stage.set_up(stack)
            return await play(stage)

    return asyncio.run(main())


async def _swept(endpoints: Mapping[str, Endpoint]) -> None:
    """Servers are slow to start, so each serves all tests: empty them."""
    database = await asyncpg.connect(endpoints["postgres"].url)
    await database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await database.close()
    cache = redis.asyncio.from_url(endpoints["redis"].url)
    await cache.flushall()
    await cache.aclose()
    connection = await aio_pika.connect(endpoints["rabbitmq"].url)
    async with connection, connection.channel() as channel:
        for name in _queues():
            await channel.queue_delete(name)


def _queues() -> list[str]:
    """Every queue the platform's processes declare."""
    names = [DEAD_LETTERS, mailbox(CLIENT).name]
    for agent in AGENTS.values():
        queue = agent_queue(agent.role, tasks=(), events=(), prefetch=1)
        attempts = range(1, len(queue.delays_seconds) + 1)
        names += [queue.name, *(queue.delay_queue(attempt) for attempt in attempts)]
    return names
