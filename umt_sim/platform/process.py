"""
Processes of the platform: a client, and one per agent.

A process has everything of its own, connections, pools and breakers, as if it ran
on a machine of its own. Where it really runs is for ``Surroundings.launch`` to say.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from umt_sim.platform.adapters.fernet import FernetVault
from umt_sim.platform.adapters.httpx import HttpxGateway
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.rabbitmq import RabbitMQMessageBroker
from umt_sim.platform.adapters.redis import RedisCache
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.factory import AgentFactory
from umt_sim.platform.agents.repositories import postgres_repositories
from umt_sim.platform.client import MarketingClient
from umt_sim.platform.configuration import Configuration
from umt_sim.platform.contexts.analytics.postgres import MetricCollectionTable, ReportTable
from umt_sim.platform.contexts.brand.postgres import BrandTable, ProjectTable
from umt_sim.platform.contexts.campaign.postgres import CampaignTable
from umt_sim.platform.contexts.content.postgres import ContentTable
from umt_sim.platform.contexts.integration.postgres import IntegrationTable
from umt_sim.platform.dashboard import Dashboard
from umt_sim.platform.errors import PlatformError, PortError
from umt_sim.platform.guards import GuardedCache, GuardedDatabase, GuardedHttpGateway
from umt_sim.platform.observation import GuardMetrics, note_on_span
from umt_sim.platform.policies import PolicySettings, build_policy
from umt_sim.platform.ports.http_gateway import HttpGateway
from umt_sim.platform.resilience.policy import ResiliencePolicy
from umt_sim.platform.storage.outbox import OutboxRelay
from umt_sim.platform.storage.table import AggregateTable
from umt_sim.platform.storage.unit_of_work import SqlUnitOfWork
from umt_sim.platform.surroundings import Surroundings
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer

__all__ = ["AgentProcess", "ClientProcess", "DashboardProcess", "Process"]

START_SECONDS = 60.0
STOP_SECONDS = 30.0
RELAY_STOP_SECONDS = 10.0
PAUSE_BETWEEN_STARTS_SECONDS = 1.0
OPERATIONS = ("content-creation", "campaign-launch")
"""Policies around whole operations of the client."""

TABLES: tuple[AggregateTable[Any], ...] = (
    BrandTable(),
    ProjectTable(),
    ContentTable(),
    CampaignTable(),
    MetricCollectionTable(),
    ReportTable(),
    IntegrationTable(),
)

logger = logging.getLogger(__name__)


class Process(ABC):
    """
    A program that is launched, gets ready, and runs until it is stopped.

    While the broker is not there, it tries again and again to get ready.

    Args:
        name: Of the process; its machine, spans and breakers are named after it.
        policies: Resilience policies by name.
    """

    def __init__(
        self,
        name: str,
        config: Configuration,
        policies: Mapping[str, PolicySettings],
        surroundings: Surroundings,
    ) -> None:
        self.name = name
        self.config = config
        self.policies = policies
        self.clock = surroundings.clock
        self.randomness = surroundings.randomness(name)
        self.on_error = surroundings.on_error
        self.tracer = OpenTelemetryTracer(surroundings.tracer_provider, name=name)
        self._surroundings = surroundings
        self._listeners = _listeners(name, surroundings)
        self._stopping = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    def launch(self) -> None:
        """Start the program."""
        self._task = self._surroundings.launch(self.name, self._run())

    async def wait_ready(self) -> None:
        """
        Return when the program is ready.

        Raises:
            TimeoutError: It did not get ready within a minute.
        """
        async with asyncio.timeout(START_SECONDS):
            await asyncio.shield(self._ready)

    async def stop(self) -> None:
        """Let the program finish what it is doing; give it up if that takes too long."""
        self._stopping.set()
        if self._task is None:
            return
        # A process whose machine lost power never ends.
        await asyncio.wait([self._task], timeout=STOP_SECONDS)
        if not self._task.done():
            logger.warning("%s did not stop in time and is given up", self.name)
            self._task.cancel()

    @abstractmethod
    async def set_up(self, stack: AsyncExitStack) -> None:
        """Open everything and start; leave on *stack* how to undo it."""

    def policy(self, name: str) -> ResiliencePolicy:
        """This process's guards of that name; one without any guard if none is configured."""
        return build_policy(
            f"{self.name}/{name}",
            self.policies.get(name, PolicySettings()),
            clock=self.clock,
            randomness=self.randomness,
            listeners=self._listeners,
        )

    def open_broker(self, stack: AsyncExitStack) -> RabbitMQMessageBroker:
        """A connection to the broker of its own."""
        broker = RabbitMQMessageBroker(self.config, name=self.name, on_error=self.on_error)
        stack.push_async_callback(broker.close)
        return broker

    def open_vault(self) -> FernetVault | None:
        """The vault, if there are keys for one."""
        keys = self.config.credentials_keys
        return FernetVault(keys) if keys else None

    async def until_up(self, start: Callable[[], Awaitable[Any]]) -> None:
        """Try to *start* until the ports it needs are there, or the process is to stop."""
        while not self._stopping.is_set():
            try:
                await start()
                return
            except PortError as error:
                logger.warning("%s cannot start yet: %s", self.name, error)
                await self.clock.sleep(PAUSE_BETWEEN_STARTS_SECONDS)

    async def _run(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                await self.set_up(stack)
                if not self._ready.done():
                    self._ready.set_result(None)
                await self._stopping.wait()
        except Exception as error:  # noqa: BLE001 - given to whoever waits, or reported
            if self._ready.done():
                self.on_error(self.name, error)
            else:
                self._ready.set_exception(error)


class ClientProcess(Process):
    """The platform's users."""

    client: MarketingClient

    async def set_up(self, stack: AsyncExitStack) -> None:
        """Connect the client and open its mailbox."""
        operations = {name: self.operation_policy(name) for name in OPERATIONS}
        self.client = MarketingClient(
            self.name,
            self.open_broker(stack),
            guard=self.policy("broker"),
            policies=operations,
            timeouts={
                name: settings.timeout
                for name in OPERATIONS
                if (settings := self.policies.get(name)) and settings.timeout is not None
            },
            clock=self.clock,
            randomness=self.randomness,
            tracer=self.tracer,
            vault=self.open_vault(),
        )
        await self.until_up(self.client.start)
        stack.push_async_callback(_quietly(self.client.stop))

    def operation_policy(self, name: str) -> ResiliencePolicy:
        """Guards around a whole operation; nobody else has them, so the name stands alone."""
        return build_policy(
            name,
            self.policies.get(name, PolicySettings()),
            clock=self.clock,
            randomness=self.randomness,
            listeners=self._listeners,
        )


class DashboardProcess(Process):
    """The server behind the dashboard's page."""

    dashboard: Dashboard

    async def set_up(self, stack: AsyncExitStack) -> None:
        """Open cache and database."""
        cache = RedisCache(self.config, tracer=self.tracer)
        stack.push_async_callback(cache.close)
        database = PostgresDatabase(self.config, tracer=self.tracer)
        stack.push_async_callback(database.close)
        self.dashboard = Dashboard(
            GuardedDatabase(database, self.policy("database")),
            GuardedCache(cache, self.policy("cache")),
        )


class AgentProcess(Process):
    """One agent, with an outbox relay beside it."""

    def __init__(self, agent_class: type[Agent], *args: Any) -> None:
        super().__init__(*args)
        self._agent_class = agent_class

    async def set_up(self, stack: AsyncExitStack) -> None:
        """Open every port, start the relay and the agent."""
        cache = RedisCache(self.config, tracer=self.tracer)
        stack.push_async_callback(cache.close)
        pool = PostgresDatabase(self.config, tracer=self.tracer)
        stack.push_async_callback(pool.close)
        database = GuardedDatabase(pool, self.policy("database"))
        broker = self.open_broker(stack)
        relay = OutboxRelay(
            database,
            lambda entry: agent.courier.announce(entry),
            clock=self.clock,
            on_error=self.on_error,
        )
        agent = AgentFactory.create_agent(
            self._agent_class,
            agent_id=self.name,
            message_broker=broker,
            cache=GuardedCache(cache, self.policy("cache")),
            circuit_breaker=self.policy("broker"),
            tracer=self.tracer,
            clock=self.clock,
            randomness=self.randomness,
            repositories=postgres_repositories(database),
            unit_of_work=SqlUnitOfWork(database, TABLES, clock=self.clock, published=relay.offer),
            vault=self.open_vault(),
            gateways=self._open_gateways(stack),
            on_error=self.on_error,
        )
        relaying = asyncio.get_running_loop().create_task(relay.run(), name=f"{self.name}/relay")
        stack.push_async_callback(_quietly(relay.drain))
        stack.push_async_callback(_stopped, relay, relaying)
        await self.until_up(agent.start)
        stack.push_async_callback(_quietly(agent.stop))
        if self.config.heartbeat_seconds is not None:
            beating = asyncio.get_running_loop().create_task(
                self._keep_beating(agent, self.config.heartbeat_seconds),
                name=f"{self.name}/heartbeat",
            )
            stack.push_async_callback(_cancelled, beating)

    async def _keep_beating(self, agent: Agent, seconds: float) -> None:
        while True:
            try:
                await agent.beat()
            except PlatformError as error:
                logger.warning("%s could not say that it is alive: %s", self.name, error)
            await self.clock.sleep(seconds)

    def _open_gateways(self, stack: AsyncExitStack) -> dict[str, HttpGateway]:
        gateways: dict[str, HttpGateway] = {}
        for name, settings in self.config.upstreams.items():
            gateway = HttpxGateway(name, settings, clock=self.clock, tracer=self.tracer)
            stack.push_async_callback(gateway.close)
            gateways[name] = GuardedHttpGateway(gateway, self.policy(name))
        return gateways


def _listeners(name: str, surroundings: Surroundings) -> tuple[Callable[[Any], None], ...]:
    """Everybody who hears the guards of the process *name*."""
    provider = surroundings.meter_provider
    meters = () if provider is None else (GuardMetrics(provider, name).hear,)
    return (note_on_span, *meters, *surroundings.listeners)


async def _stopped(relay: OutboxRelay, relaying: asyncio.Task[None]) -> None:
    relay.stop()
    await asyncio.wait([relaying], timeout=RELAY_STOP_SECONDS)
    await _cancelled(relaying)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _quietly(stop: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """*stop*, for a process that ends anyway: a port that is away does not keep it from ending."""

    async def stopped() -> None:
        try:
            await stop()
        except PortError as error:
            logger.warning("stopping went on without it: %s", error)

    return stopped
