from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo:
    """A server on a host of its own that sends everything back, and clients of it."""

    def __init__(self, network: Network, host: str = "server", port: int = 7) -> None:
        self.host = network.host(host)
        self.address = (host, port)
        self.connections = 0

    async def start(self) -> asyncio.Server:
        return await self.host.run(asyncio.start_server(self._serve, *self.address))

    @asynccontextmanager
    async def client(self, address: tuple[str, int] | None = None) -> AsyncIterator[Ends]:
        """A connection to it, or to the proxy at *address*; closed at the end."""
        reader, writer = await asyncio.open_connection(*(address or self.address))
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    with Kernel(seed=1) as kernel:
        yield kernel


@pytest.fixture
def network(kernel: Kernel) -> Network:
    network = Network(kernel)
    network.host("client")
    return network


@pytest.fixture
def echo(network: Network) -> Echo:
    """Not started yet: ``await echo.start()``."""
    return Echo(network)


async def exchange(client: Ends, data: bytes) -> bytes:
    """Send *data* and wait for as much of an answer."""
    client[1].write(data)
    return await client[0].readexactly(len(data))
