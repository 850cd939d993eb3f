"""
Counts what crosses the proxies, as the sockets of this process tell it.

Toxiproxy counts a connection's bytes only when it has ended. The drivers run in this
process, so the operating system is asked about their own sockets: who is connected to
a proxy, and how many bytes went each way.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator

from umt_sim.worlds.base import Touched

__all__ = ["Tally"]

EVERY = 0.2  # seconds; a connection that lives shorter may be missed
# Linux's struct tcp_info: tcpi_bytes_acked and tcpi_bytes_received, 64 bits each.
BYTES_ACKED, BYTES_RECEIVED = 120, 128
TCP_INFO_SIZE = 136


class Tally:
    """
    What a fault meets at one proxy, from ``begin`` to ``end``.

    On systems that keep no count of a socket's bytes, only connections are counted.

    Args:
        port: The proxy's, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._before: dict[int, int] = {}
        self._met: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Take the count that all others are compared with."""
        self._before = dict(self._connections())
        self._met = dict(self._before)
        self._task = asyncio.get_running_loop().create_task(self._watch(), name="tally")

    async def end(self) -> Touched:
        """Take the last count; everything that was met."""
        self._look()
        if self._task is not None:
            self._task.cancel()
            # Not a suppressed cancellation: that could be the caller's own.
            (ended,) = await asyncio.gather(self._task, return_exceptions=True)
            if isinstance(ended, Exception):
                raise ended
        crossed = sum(count - self._before.get(key, 0) for key, count in self._met.items())
        return Touched(crossed, len(self._met))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self._look()

    def _look(self) -> None:
        for key, count in self._connections():
            # A port that was given to a new connection begins to count again.
            self._met[key] = max(count, self._met.get(key, 0))

    def _connections(self) -> Iterator[tuple[int, int]]:
        """Our connections to the proxy: local port, and bytes that went through."""
        for number in _sockets():
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as sock:
                if sock.type == socket.SOCK_STREAM and sock.getpeername()[1:2] == (self._port,):
                    yield sock.getsockname()[1], _bytes(sock)


def _sockets() -> Iterator[int]:
    """The open sockets of this process."""
    folder = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    for number in map(int, filter(str.isdigit, os.listdir(folder))):  # noqa: PTH208 - names only
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number


def _bytes(sock: socket.socket) -> int:
    if sys.platform != "linux":
        return 0
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
    if len(info) < TCP_INFO_SIZE:
        return 0
    (acked,) = struct.unpack_from("=Q", info, BYTES_ACKED)
    (received,) = struct.unpack_from("=Q", info, BYTES_RECEIVED)
    return max(0, int(acked) - 1) + int(received)  # the handshake is acknowledged as one byte
