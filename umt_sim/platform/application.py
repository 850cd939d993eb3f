"""The composition root: every process of the platform, built and run together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.agents.ads import ContentAdManagementAgent
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.brand import BrandManagementAgent
from umt_sim.platform.agents.creation import ContentCreationAgent
from umt_sim.platform.agents.integration import AuthIntegrationAgent
from umt_sim.platform.agents.strategy import ContentStrategyAgent
from umt_sim.platform.client import MarketingClient
from umt_sim.platform.configuration import Configuration
from umt_sim.platform.dashboard import Dashboard
from umt_sim.platform.policies import PRODUCTION_POLICIES, PolicySettings
from umt_sim.platform.process import AgentProcess, ClientProcess, DashboardProcess, Process
from umt_sim.platform.storage.migrations import Migration, migrate, read_migrations
from umt_sim.platform.surroundings import Surroundings

__all__ = ["AGENTS", "CLIENT", "DASHBOARD", "Application", "all_migrations"]

AGENTS: Mapping[str, type[Agent]] = {
    "auth-integration-agent": AuthIntegrationAgent,
    "brand-management-agent": BrandManagementAgent,
    "content-strategy-agent": ContentStrategyAgent,
    "content-creation-agent": ContentCreationAgent,
    "content-ad-management-agent": ContentAdManagementAgent,
}
"""Every agent process by its name."""

CLIENT = "marketing-client"
"""Name of the client's process."""

DASHBOARD = "dashboard"
"""Name of the dashboard's process."""

CONTEXTS = ("brand", "content", "campaign", "analytics", "integration")


class Application:
    """
    The running platform.

    Used like this::

        async with Application(configuration) as application:
            await application.client.create_content(command)

    Entering migrates the database, starts every process and waits until all take
    messages. Leaving stops them: what is being handled is finished, what was
    stored is announced.

    Args:
        config: Where everything is.
        policies: Resilience policies by name, see ``PRODUCTION_POLICIES``; a name that
            is missing has no guards.
        surroundings: Clock, randomness, tracing and hooks; the machine's if left out.
        agents: The agent processes to run, by name; a part of ``AGENTS``, or others.

    Raises:
        ValueError: There is no policy of that name.
    """

    def __init__(
        self,
        config: Configuration,
        *,
        policies: Mapping[str, PolicySettings] = PRODUCTION_POLICIES,
        surroundings: Surroundings | None = None,
        agents: Mapping[str, type[Agent]] = AGENTS,
    ) -> None:
        _check_policies(policies)
        self._config = config
        self._policies = policies
        self._surroundings = surroundings or Surroundings()
        self._agents = agents
        self._processes: dict[str, Process] = {}

    @property
    def client(self) -> MarketingClient:
        """For asking the platform to do something."""
        process = self._processes[CLIENT]
        assert isinstance(process, ClientProcess)
        return process.client

    @property
    def dashboard(self) -> Dashboard:
        """For looking at what there is."""
        process = self._processes[DASHBOARD]
        assert isinstance(process, DashboardProcess)
        return process.dashboard

    @property
    def processes(self) -> tuple[str, ...]:
        """Names of the processes, in the order they are started."""
        return (*self._agents, DASHBOARD, CLIENT)

    async def __aenter__(self) -> Self:
        await self.migrate()
        try:
            for name in self.processes:
                self._launch(name)
            await asyncio.gather(*(process.wait_ready() for process in self._processes.values()))
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def migrate(self) -> Sequence[str]:
        """Bring the database up to date; the names of the migrations that were applied."""
        database = PostgresDatabase(self._config)
        try:
            return await migrate(database, all_migrations(), clock=self._surroundings.clock)
        finally:
            await database.close()

    async def restart(self, name: str) -> None:
        """
        Start the process *name* anew, after its machine lost power.

        The old one is not stopped: it is dead. Returns when the new one takes messages.
        """
        self._launch(name)
        await self._processes[name].wait_ready()

    def _launch(self, name: str) -> None:
        process = self._processes[name] = self._build(name)
        process.launch()

    def _build(self, name: str) -> Process:
        what = (name, self._config, self._policies, self._surroundings)
        match name:
            case "marketing-client":
                return ClientProcess(*what)
            case "dashboard":
                return DashboardProcess(*what)
            case _:
                return AgentProcess(self._agents[name], *what)

    async def _stop(self) -> None:
        """Stop the client first, so that nothing new begins while the agents finish."""
        processes, self._processes = self._processes, {}
        client = processes.pop(CLIENT, None)
        if client is not None:
            await client.stop()
        await asyncio.gather(*(process.stop() for process in processes.values()))


def all_migrations() -> list[Migration]:
    """Every migration of the platform, in the order they are applied."""
    return [
        *read_migrations("umt_sim.platform.storage", "storage"),
        *(
            migration
            for context in CONTEXTS
            for migration in read_migrations(f"umt_sim.platform.contexts.{context}", context)
        ),
    ]


def _check_policies(given: Mapping[str, PolicySettings]) -> None:
    unknown = [name for name in given if name not in PRODUCTION_POLICIES]
    if unknown:
        raise ValueError(
            f"there is no policy {', '.join(map(repr, unknown))};"
            f" known are {', '.join(PRODUCTION_POLICIES)}"
        )
