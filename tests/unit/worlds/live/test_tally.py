"""What a fault met, as the sockets of this process tell it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from umt_sim.worlds.base import Touched
from umt_sim.worlds.live.tally import Tally


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _exchange(port: int, times: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(times):
        writer.write(b"x" * 10)
        await reader.readexactly(10)
    return reader, writer


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep no count of bytes")
def test_bytes_are_those_of_the_time_between() -> None:
    """Not what a connection carried before; a connection that came later counts whole."""

    async def main() -> Touched:
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        other = await asyncio.start_server(_echo, "127.0.0.1", 0)
        reader, writer = await _exchange(port, 5)
        tally = Tally(port)
        tally.begin()
        writer.write(b"y" * 30)
        await reader.readexactly(30)
        _, second = await _exchange(port, 2)
        _, elsewhere = await _exchange(other.sockets[0].getsockname()[1], 9)
        touched = await tally.end()
        for each in (writer, second, elsewhere):
            each.close()
            await each.wait_closed()
        for each in (server, other):
            each.close()
            await each.wait_closed()
        return touched

    assert Touched(bytes=2 * 30 + 2 * 2 * 10, connections=2) == asyncio.run(main())


def test_nothing_is_met_where_nobody_is_connected() -> None:
    """Which makes the run inconclusive."""

    async def main() -> Touched:
        tally = Tally(1)
        tally.begin()
        return await tally.end()

    assert Touched(0, 0) == asyncio.run(main())
