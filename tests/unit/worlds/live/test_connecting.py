"""The live world's own connections leave nothing to the garbage collector."""

from __future__ import annotations

import asyncio
import gc

from aio_pika.exceptions import AMQPError

from umt_sim.worlds.live.connecting import connected


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.close()
    await writer.wait_closed()


async def _failure(url: str) -> str:
    """In words: the exception itself would hold the connection."""
    try:
        async with connected(url):
            return ""
    except (OSError, AMQPError) as error:
        return str(error)


def test_a_connection_that_fails_is_closed() -> None:
    """
    The collector finds nothing to finish, in whatever thread it runs.

    A finaliser that looks for an event loop in a thread that has none leaves a coroutine which
    is never awaited; that warning fails the test.
    """

    async def main() -> None:
        async with await asyncio.start_server(_hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            assert "closed" in await _failure(f"amqp://127.0.0.1:{port}/")
            await asyncio.sleep(0.05)  # the driver's last callbacks
            await asyncio.to_thread(gc.collect)

    asyncio.run(main())
