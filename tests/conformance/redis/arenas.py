"""Where a test body meets a Redis: ours on a stock loop, ours in virtual time, the real one."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from random import Random
from typing import Any

from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.conformance import real_time
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Instant
from umt_sim.servers.redis import Redis

__all__ = ["Arena", "RealArena", "SimArena", "StockArena"]


class Arena(ABC):
    """
    A Redis to talk to.

    Args:
        protocol: RESP version the clients speak.
    """

    def __init__(self, protocol: int) -> None:
        self.protocol = protocol
        self.host = "127.0.0.1"
        self.port = 0
        self._closing = AsyncExitStack()

    @abstractmethod
    def run(self, body: Coroutine[Any, Any, None]) -> None:
        """Run a test body while the server is up and empty."""

    async def client(self, **settings: Any) -> Any:
        """
        A client with one connection that never retries; closed when the test ends.

        Typed as ``Any``: redis-py's annotations do not tell its two kinds of client apart.
        """
        settings.setdefault("protocol", self.protocol)
        client = Client(
            host=self.host,
            port=self.port,
            single_connection_client=True,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            **settings,
        )
        self._closing.push_async_callback(client.aclose)
        return client

    async def wire(self) -> Wire:
        """A connection for bytes; closed when the test ends."""
        wire = Wire(*await asyncio.open_connection(self.host, self.port))
        self._closing.push_async_callback(wire.close)
        return wire


class Wire:
    """Bytes to a server and back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes, length: int) -> bytes:
        """Send *request* and return the next *length* bytes."""
        self.writer.write(request)
        return await asyncio.wait_for(self.reader.readexactly(length), 2)

    async def rest(self, request: bytes) -> bytes:
        """Send *request* and return everything until the server closes the connection."""
        self.writer.write(request)
        return await asyncio.wait_for(self.reader.read(), 2)

    async def close(self) -> None:
        """End the connection."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return  # the server was first


class OurArena(Arena):
    """Our server, wherever it runs."""

    async def _around(self, body: Coroutine[Any, Any, None]) -> None:
        server = Redis(capacity=Instant(), clock=time.time, stream=Random(1))
        await server.start(self.host, 0)
        self.port = server.port
        try:
            async with self._closing:
                await body
        finally:
            await server.stop()


class StockArena(OurArena):
    """On asyncio's own loop and the machine's loopback."""

    def run(self, body: Coroutine[Any, Any, None]) -> None:
        """Run a test body in real time."""
        real_time.run(self._around(body))


class SimArena(OurArena):
    """On the kernel's loop and the simulated network."""

    def run(self, body: Coroutine[Any, Any, None]) -> None:
        """Run a test body in virtual time."""
        with Kernel(seed=1) as kernel:
            Network(kernel)
            kernel.run(self._around(body))


class RealArena(Arena):
    """The real Redis."""

    def __init__(self, protocol: int, port: int) -> None:
        super().__init__(protocol)
        self.port = port

    def run(self, body: Coroutine[Any, Any, None]) -> None:
        """Run a test body against the real server, emptied first."""
        real_time.run(self._around(body))

    async def _around(self, body: Coroutine[Any, Any, None]) -> None:
        async with self._closing:
            client = await self.client()
            await client.flushall()
            await client.script_flush()
            await body
