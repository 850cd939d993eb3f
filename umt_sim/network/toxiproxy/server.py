"""Starts and stops the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from umt_sim.network.toxiproxy.api import application
from umt_sim.network.toxiproxy.machine import MachineGround
from umt_sim.network.toxiproxy.population import Population

if TYPE_CHECKING:
    from random import Random

__all__ = ["PORT", "serve", "serving"]

PORT = 8474
"""Toxiproxy's default."""


@asynccontextmanager
async def serving(host: str, port: int, *, stream: Callable[[str], Random]) -> AsyncIterator[int]:
    """
    Run the stand-in while the context lasts; gives the port it listens on.

    Args:
        host: Where the API listens.
        port: 0 picks a free one.
        stream: Makes the random stream of one concern, for the draws of toxicity,
            jitter and variation. The real server's cannot be seeded.

    Raises:
        OSError: The address cannot be used.
    """
    population = Population(MachineGround(asyncio.get_running_loop(), stream))
    runner = web.AppRunner(application(population), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await population.stop()
        await runner.cleanup()


async def serve(
    host: str,
    port: int,
    *,
    stream: Callable[[str], Random],
    started: Callable[[int], None] = lambda _port: None,
) -> None:
    """
    Run the stand-in until cancelled.

    Args:
        host: Where the API listens.
        port: 0 picks a free one.
        stream: Makes the random stream of one concern.
        started: Told the port once the API answers.

    Raises:
        OSError: The address cannot be used.
    """
    async with serving(host, port, stream=stream) as bound:
        started(bound)
        await asyncio.Event().wait()
