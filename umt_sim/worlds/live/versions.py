"""Whether a real broker is of the version that a scenario asks for."""

from __future__ import annotations

import aiormq

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.specs import Version
from umt_sim.worlds.base import Endpoint

__all__ = ["insist_on_version"]


async def insist_on_version(endpoint: Endpoint, asked: Version) -> None:
    """
    Make sure that the broker behind *endpoint* says it is RabbitMQ *asked*.

    A scenario that names a version does so because another one would end differently, so a run
    against another would say nothing about it.

    Raises:
        WorldUnavailable: It is another version.
    """
    connection = await aiormq.connect(endpoint.url)
    found = str(connection.server_properties.get("version", "unknown"))
    await connection.close()
    if f"{found}.".startswith(f"{asked}."):
        return
    service = endpoint.service
    raise WorldUnavailable(
        service,
        f"the scenario asks for RabbitMQ {asked}, and this one is {found}",
        remedy=f"install {asked}, use --provider compose, or take any with"
        f" --set services.{service}.version=null",
    )
