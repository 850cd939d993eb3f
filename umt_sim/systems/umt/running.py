"""
Runs the platform's processes on the world's hosts, with its users and an auditor.

The platform knows nothing of the harness; here its processes are given to the
world's hosts, its policies come from the scenario, and what its guards publish
goes into the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.application import AGENTS, DASHBOARD, Application
from umt_sim.platform.configuration import (
    Configuration,
    HttpSettings,
    PostgresSettings,
    RabbitMQSettings,
    RedisSettings,
)
from umt_sim.platform.errors import PortTimeout
from umt_sim.platform.resilience import CallTimedOut, DeadlineExceeded
from umt_sim.platform.surroundings import Surroundings
from umt_sim.systems.base import Setting
from umt_sim.systems.journalist import Journalist
from umt_sim.systems.policies import policy_settings
from umt_sim.systems.umt.auditor import Auditor
from umt_sim.systems.umt.users import CHANNELS, Users
from umt_sim.workload.operations import Operations
from umt_sim.worlds.base import Endpoint

__all__ = ["configuration_of", "start"]


@asynccontextmanager
async def start(
    setting: Setting, *, agents: Mapping[str, type[Agent]] = AGENTS
) -> AsyncIterator[Operations]:
    """
    Start the platform with the scenario's policies; leaving takes stock and stops it.

    Args:
        setting: The scenario's.
        agents: Others than the platform's own, to see what they are worth.
    """
    configuration = configuration_of(setting.endpoints)
    application = Application(
        configuration,
        policies={name: policy_settings(values) for name, values in setting.policies.items()},
        surroundings=Surroundings(
            randomness=lambda name: setting.stream(f"platform/{name}"),
            tracer_provider=setting.tracer_provider,
            launch=setting.launch,
            on_error=setting.unhandled,
            listeners=(Journalist(setting.recorder).hear,),
        ),
        agents=agents,
    )
    async with application:
        for name in (*agents, DASHBOARD):
            setting.on_restart(name, _restart(application, name))
        channels = ["site", *(name for name in CHANNELS if name in setting.endpoints)]
        users = Users(application, setting.stream("users"), channels)
        await users.onboard_brands()
        async with _audited(configuration, setting):
            yield Operations(
                users.operations,
                unknown=(TimeoutError, PortTimeout, CallTimedOut, DeadlineExceeded),
            )


@asynccontextmanager
async def _audited(configuration: Configuration, setting: Setting) -> AsyncIterator[None]:
    """Watch the outbox; at the end, take stock."""
    database = PostgresDatabase(configuration)
    auditor = Auditor(database, server="postgres", recorder=setting.recorder)
    watching = asyncio.create_task(auditor.watch(), name="auditor")
    try:
        yield
        await auditor.take_stock()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await database.close()


def _restart(application: Application, name: str) -> Any:
    async def restart() -> None:
        await application.restart(name)

    return restart


def configuration_of(endpoints: Mapping[str, Endpoint]) -> Configuration:
    """The platform's configuration for a world's *endpoints*."""
    broker, database, cache = (endpoints[name] for name in ("rabbitmq", "postgres", "redis"))
    return Configuration(
        rabbitmq=RabbitMQSettings(
            host=broker.host,
            port=broker.port,
            user=broker.user,
            password=broker.password,
            virtual_host=broker.database,
        ),
        postgres=PostgresSettings(
            host=database.host,
            port=database.port,
            user=database.user,
            password=database.password,
            database=database.database,
        ),
        redis=RedisSettings(
            host=cache.host,
            port=cache.port,
            user=cache.user or None,
            password=cache.password or None,
            database=int(cache.database),
        ),
        upstreams={
            name: HttpSettings(base_url=endpoint.url)
            for name, endpoint in endpoints.items()
            if endpoint.kind == "http"
        },
    )
