"""An upstream in virtual time, and a client for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import httpx

from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Station
from umt_sim.servers.http import APPLICATIONS, HttpUpstream

__all__ = ["KEY", "Setting", "simulate"]

Body = Callable[["Setting"], Awaitable[None]]
KEY = {"Idempotency-Key": "one"}


class Setting:
    """An upstream in a simulation, and a client for it."""

    def __init__(self, kernel: Kernel, server: HttpUpstream) -> None:
        self.loop = kernel.loop
        self.server = server
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=None)

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return self.loop.time()

    async def post(self, path: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
        """POST a JSON object."""
        return await self.http.post(path, json=body, headers=headers)


def simulate(
    body: Body,
    application: str = "social",
    *,
    workers: int = 1,
    seconds: float = 0.1,
    queue_limit: int | None = None,
    **settings: Any,
) -> None:
    """Run *body* with an upstream whose workers take *seconds* for each request."""
    with Kernel(seed=1) as kernel:
        Network(kernel)
        capacity = Station(
            kernel.env,
            name=application,
            workers=workers,
            default=Constant(seconds),
            service={"token": Constant(0.01)},
            queue_limit=queue_limit,
            stream=Random(1),
            recorder=Recorder(kernel.loop.time),
        )

        async def main() -> None:
            server = HttpUpstream(
                application=APPLICATIONS[application](Random(7)),
                capacity=capacity,
                stream=Random("errors"),
                **settings,
            )
            await server.start("127.0.0.1", 0)
            setting = Setting(kernel, server)
            async with setting.http:
                await body(setting)
            await server.stop()

        kernel.run(main())
