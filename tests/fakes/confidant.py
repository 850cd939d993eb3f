"""A system that entrusts the platform with secrets, under faults, and tells what it kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

from tests.fakes.acme import ACME
from umt_sim.platform.adapters.fernet import FernetVault
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.application import Application
from umt_sim.platform.configuration import Configuration
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.contexts.integration.commands import SyncPlatform
from umt_sim.platform.errors import PortTimeout, RequestFailed
from umt_sim.platform.surroundings import Surroundings
from umt_sim.systems.base import Setting
from umt_sim.systems.umt.running import configuration_of
from umt_sim.workload.operations import Arrival, Operations

__all__ = ["SECRETS", "database_dumps", "start"]

SECRETS = ("hunter2-first", "hunter2-second", "hunter2-token")
"""Credentials of an account, those that replace them, and the token for an upstream."""

database_dumps: list[str] = []
"""Every row of every table, as text, at the end of each run."""


@asynccontextmanager
async def start(setting: Setting) -> AsyncIterator[Operations]:
    """Start the platform; its users connect accounts, refresh their credentials, and sync."""
    config = _with_secrets(configuration_of(setting.endpoints))
    application = Application(
        config,
        surroundings=Surroundings(
            randomness=lambda name: setting.stream(f"platform/{name}"),
            tracer_provider=setting.tracer_provider,
            launch=setting.launch,
            on_error=setting.unhandled,
        ),
    )
    async with application:
        client = application.client
        brand = UUID((await client.onboard_brand(ACME))["brand_id"])

        async def connect(arrival: Arrival) -> str:
            made = await client.connect_platform(
                brand, "social", f"acme-{arrival.number}", SECRETS[0]
            )
            account = UUID(made["integration_id"])
            await client.refresh_credentials(account, SECRETS[1])
            await client.refresh_credentials(account)
            await client.sync_platform(SyncPlatform(integration_id=account, references=("p",)))
            await client.create_content(CreateContent(brand_id=brand, title="Hello"))
            return str(account)

        yield Operations({"connect": connect}, unknown=(TimeoutError, PortTimeout, RequestFailed))
        database_dumps.append(await _dump(config))


def _with_secrets(config: Configuration) -> Configuration:
    return replace(
        config,
        upstreams={
            name: replace(upstream, token=SECRETS[2]) for name, upstream in config.upstreams.items()
        },
        credentials_keys=(FernetVault.new_key(),),
    )


async def _dump(config: Configuration) -> str:
    database = PostgresDatabase(config)
    tables = await database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = []
    for table in tables:
        rows = await database.query(f"SELECT * FROM {table['tablename']}")
        dump += [f"{table['tablename']}: {dict(row)}" for row in rows]
    await database.close()
    return "\n".join(dump)
