"""The machine's clock and sockets, for proxies to stand on."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from umt_sim.network.ground import Alarm
from umt_sim.network.routine import Wake, nobody
from umt_sim.network.toxiproxy.addresses import joined

if TYPE_CHECKING:
    from random import Random

__all__ = ["MachineGround"]

BACKLOG = 4096
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time


class MachineEndpoint:
    """
    A connected socket that never blocks.

    Args:
        loop: Watches it.
        sock: Closed with this.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = loop
        self._sock = sock
        self._readable: Wake = nobody
        self._writable: Wake = nobody

    def read(self, limit: int) -> bytes | None:
        """Up to *limit* bytes; empty at the end; ``None`` if nothing is there yet."""
        try:
            return self._sock.recv(limit)
        except BlockingIOError:
            return None

    def write(self, data: bytes) -> int:
        """Send what fits and return its length."""
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0

    def when_readable(self, wake: Wake) -> None:
        """Call *wake* once when there is something to read."""
        self._readable = wake
        if self._sock.fileno() < 0:
            self._loop.call_soon(self._woken_readable)
        else:
            self._loop.add_reader(self._sock, self._woken_readable)

    def when_writable(self, wake: Wake) -> None:
        """Call *wake* once when there is room."""
        self._writable = wake
        if self._sock.fileno() < 0:
            self._loop.call_soon(self._woken_writable)
        else:
            self._loop.add_writer(self._sock, self._woken_writable)

    def reset_on_close(self) -> None:
        """From now on ``close`` resets the connection."""
        with suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def close(self) -> None:
        """Close both directions; waiters are woken."""
        if self._sock.fileno() < 0:
            return
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        self._woken_readable()
        self._woken_writable()

    def _woken_readable(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
        wake, self._readable = self._readable, nobody
        wake()

    def _woken_writable(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.remove_writer(self._sock)
        wake, self._writable = self._writable, nobody
        wake()


class MachineListening:
    """
    A listening socket.

    Args:
        loop: Watches it.
        sock: Bound and listening; closed with this.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self._loop = loop
        self._sock = sock
        self._readable: Wake = nobody
        name = sock.getsockname()
        self.address: tuple[str, int] = (name[0], name[1])

    def take(self) -> MachineEndpoint | None:
        """The next client, if one waits."""
        try:
            sock, _ = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        return MachineEndpoint(self._loop, sock)

    def when_readable(self, wake: Wake) -> None:
        """Call *wake* once when a client waits."""
        self._readable = wake
        self._loop.add_reader(self._sock, self._woken)

    def close(self) -> None:
        """Refuse clients from now on."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
            self._sock.close()
            self._woken()

    def _woken(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
        wake, self._readable = self._readable, nobody
        wake()


class MachineDialing:
    """A connection being opened, by a task."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, address: tuple[str, int], wake: Wake
    ) -> None:
        self.outcome: MachineEndpoint | OSError | None = None
        self._loop = loop
        self._address = address
        self._wake = wake
        self.task = loop.create_task(self._dial(), name=f"dial {joined(address)}")

    async def _dial(self) -> None:
        try:
            self.outcome = await self._connected()
        except OSError as error:
            self.outcome = error
        self._wake()

    async def _connected(self) -> MachineEndpoint:
        """Try each address that the name has."""
        host, port = self._address
        failure = OSError(f"no address for {joined(self._address)}")
        for row in await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(row[0], socket.SOCK_STREAM)
            sock.settimeout(0)
            try:
                await self._loop.sock_connect(sock, row[4])
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return MachineEndpoint(self._loop, sock)
        raise failure


class MachineGround:
    """
    What a proxy of the stand-in stands on.

    Args:
        loop: The running event loop.
        stream: Gives the random stream of one concern.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, stream: Callable[[str], Random]) -> None:
        self._loop = loop
        self._dialing: dict[asyncio.Task[None], None] = {}
        self.now = loop.time
        self.stream = stream

    def call_at(self, when: float, callback: Wake) -> Alarm:
        """Call *callback* at *when*."""
        return self._loop.call_at(when, callback)

    ring_at = call_at

    def listen(self, address: tuple[str, int]) -> MachineListening:
        """Listen on *address*; without a host, on every address of the machine."""
        host, port = address
        if not host and socket.has_dualstack_ipv6():
            sock = socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
            )
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
        sock.settimeout(0)
        return MachineListening(self._loop, sock)

    def dial(self, address: tuple[str, int], wake: Wake) -> MachineDialing:
        """Connect to *address*."""
        dialing = MachineDialing(self._loop, address, wake)
        self._dialing[dialing.task] = None
        dialing.task.add_done_callback(self._dialed)
        return dialing

    async def stop(self) -> None:
        """Give up every connection that is being opened."""
        for task in list(self._dialing):
            task.cancel()
        await asyncio.gather(*self._dialing, return_exceptions=True)

    def _dialed(self, task: asyncio.Task[Any]) -> None:
        self._dialing.pop(task, None)
