"""Logs in to each server once, through its proxy, before a run relies on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import asyncpg
from redis.asyncio import Redis

from umt_sim.errors import WorldUnavailable
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.connecting import connected

__all__ = ["insist_on_entry"]

PATIENCE = 10.0  # seconds for a login


async def insist_on_entry(endpoint: Endpoint, upstream: str) -> None:
    """
    Make sure that a server of the right kind is behind *endpoint* and takes its account.

    Args:
        endpoint: As the system under test gets it.
        upstream: ``host:port`` of the server itself, for the message.

    Raises:
        WorldUnavailable: Nobody is there, or somebody else, or the account is wrong.
    """
    login = LOGINS.get(endpoint.kind)
    if login is None:
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await login(endpoint.url)
    except Exception as error:  # drivers have many ways to say no
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        if isinstance(error, TimeoutError):
            said = f"no answer within {PATIENCE:g} s"
        raise WorldUnavailable(
            endpoint.service,
            f"no {endpoint.kind} at {upstream} lets us in ({said})",
            remedy="check address and account; those of an external server are given by"
            f" --endpoint {endpoint.service}=[user:password@]host:port[/database]",
        ) from error


async def _rabbitmq(url: str) -> None:
    async with connected(url):
        pass


async def _postgres(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=PATIENCE)
    await connection.close()


async def _redis(url: str) -> None:
    async with Redis.from_url(url) as client:
        await client.ping()


LOGINS: Mapping[str, Callable[[str], Awaitable[None]]] = {
    "rabbitmq": _rabbitmq,
    "postgres": _postgres,
    "redis": _redis,
}
