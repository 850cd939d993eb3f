"""
Writers who want to change one document at the same moment, each on top of the last version.

One ``contest`` is one new document and so many writers (``policies.writer.settings.writers``)
who all read it and write it back with the version they saw. One of them wins, the others
start over after the pause that their policy says, until everybody has written once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from umt_sim.platform.errors import UpstreamRefused, VersionConflict
from umt_sim.platform.resilience import ResiliencePolicy
from umt_sim.systems.base import Setting
from umt_sim.systems.lab.gateway import StreamGateway
from umt_sim.systems.lab.guards import guards, option
from umt_sim.workload.operations import Arrival, Operations

__all__ = ["start"]

CMS, WRITER = "cms", "writer"
DEFAULT_WRITERS = 10
PRECONDITION_FAILED = "412"


@asynccontextmanager
async def start(setting: Setting) -> AsyncIterator[Operations]:
    """Open a gateway to the documents; leaving closes it."""
    gateway = StreamGateway(setting.endpoints[CMS])
    policy = guards(setting).get(WRITER) or ResiliencePolicy(WRITER)
    writers = option(setting, WRITER, "writers", DEFAULT_WRITERS)

    async def write(path: str) -> None:
        seen = (await gateway.request("GET", path)).body
        try:
            await gateway.request(
                "PUT",
                path,
                json={"title": seen["title"]},
                headers={"If-Match": str(seen["version"])},
            )
        except UpstreamRefused as refused:
            if refused.code == PRECONDITION_FAILED:
                raise VersionConflict(path, seen["version"], None) from refused
            raise

    async def contest(arrival: Arrival) -> None:
        title = f"Contest {arrival.number}"
        made = await gateway.request("POST", "/documents", json={"title": title})
        path = f"/documents/{made.body['id']}"
        async with asyncio.TaskGroup() as group:
            for number in range(writers):
                group.create_task(policy.call(write, path), name=f"writer {number} of {title}")

    yield Operations({"contest": contest})
    await gateway.close()
