"""Keeps what a driver says: a relay between it and the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["recorded"]

HOST = "127.0.0.1"


async def recorded(port: int, drive: Callable[[int], Awaitable[None]]) -> list[bytes]:
    """
    What clients say to the server on *port* in the course of *drive*, a text for each connection.

    Args:
        port: The server's.
        drive: Uses a driver on the port it is given.
    """
    said: list[bytearray] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(HOST, port)
        words = bytearray()
        said.append(words)
        back = asyncio.create_task(_pump(upstream_reader, writer))
        await _pump(reader, upstream_writer, words)
        await back

    server = await asyncio.start_server(relay, HOST, 0)
    try:
        await drive(server.sockets[0].getsockname()[1])
        await asyncio.sleep(1)
    finally:
        server.close()
        await server.wait_closed()
    return [bytes(words) for words in said]


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, copy: bytearray | None = None
) -> None:
    try:
        while data := await reader.read(1 << 16):
            if copy is not None:
                copy += data
            writer.write(data)
    except ConnectionError:
        pass  # as good an end as any
    writer.close()
