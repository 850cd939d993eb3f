"""The live world's own connections to a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.connection import make_url

__all__ = ["connected"]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AbstractConnection]:
    """
    A connection to the broker at *url*, closed whether or not it could be opened.

    ``aio_pika.connect`` leaves one that fails to the garbage collector, and its finaliser wants
    an event loop to close it in. Where the collector happens to run in a worker thread there is
    none, and Python warns of a ``Connection.close`` that was never awaited.

    Raises:
        OSError: Nobody is there.
        aio_pika.exceptions.AMQPError: The broker refuses.
    """
    connection = aio_pika.Connection(make_url(url))
    try:
        await connection.connect()
        yield connection
    finally:
        await connection.close()
