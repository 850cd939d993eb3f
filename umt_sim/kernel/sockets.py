"""
What the loop asks of a network, and what a network's sockets must answer.

The kernel knows no network. A network implements ``SocketSource``, gives it to
``SimLoop.attach``, and registers each of its sockets in ``SimLoop.sockets``.
asyncio's stock transports then drive those sockets as they drive the
operating system's, without knowing the difference.
"""

# ruff: noqa: D102 - these methods are those of `socket.socket`, documented there

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

__all__ = [
    "FIRST_FD",
    "Address",
    "AddressInfo",
    "DatagramSocket",
    "Listener",
    "Pollable",
    "SocketSource",
    "StreamSocket",
]

Address = tuple[Any, ...]
"""As in ``socket``: ``(host, port)`` for IPv4, ``(host, port, flow, scope)`` for IPv6."""

AddressInfo = tuple[Any, Any, int, str, Address]
"""A row of ``socket.getaddrinfo``: family, type, protocol, canonical name, address."""

FIRST_FD = 1 << 20
"""Descriptors of simulated sockets start here, above any the operating system hands out."""


class Pollable(Protocol):
    """A simulated socket as the selector sees it."""

    def fileno(self) -> int:
        """The descriptor: from ``SimLoop.sockets.new_fd()``; -1 once closed, as in ``socket``."""
        ...

    def readiness(self) -> int:
        """What would not block right now: ``selectors.EVENT_READ | selectors.EVENT_WRITE``."""
        ...


class _Socket(Pollable, Protocol):
    """What every kind of simulated socket answers. Never blocks."""

    family: Any
    type: Any
    proto: int

    def getsockname(self) -> Address: ...
    def getsockopt(self, level: int, option: int, length: int = 0, /) -> Any: ...
    def setsockopt(self, level: int, option: int, value: Any, /) -> None: ...
    def setblocking(self, blocking: bool, /) -> None: ...
    def gettimeout(self) -> float | None: ...
    def close(self) -> None: ...


class StreamSocket(_Socket, Protocol):
    """
    A connected stream. Raises ``BlockingIOError`` where the system's socket would.

    ``sendmsg`` is called by Python 3.12 and later, ``recv_into`` by TLS and
    buffered protocols.
    """

    def getpeername(self) -> Address: ...
    def recv(self, size: int, /) -> bytes: ...
    def recv_into(self, buffer: Any, /) -> int: ...
    def send(self, data: Any, /) -> int: ...
    def sendmsg(self, buffers: Iterable[Any], /) -> int: ...
    def shutdown(self, how: int, /) -> None: ...


class Listener(_Socket, Protocol):
    """A listening socket."""

    def listen(self, backlog: int, /) -> None: ...
    def accept(self) -> tuple[StreamSocket, Address]: ...


class DatagramSocket(_Socket, Protocol):
    """A datagram socket. ``getpeername`` raises ``OSError`` unless it has a fixed remote."""

    def getpeername(self) -> Address: ...
    def recvfrom(self, size: int, /) -> tuple[bytes, Address]: ...
    def send(self, data: Any, /) -> int: ...
    def sendto(self, data: Any, address: Address, /) -> int: ...


class SocketSource(Protocol):
    """
    A network, as the loop sees it.

    Who asks is known from the context: see ``umt_sim.kernel.hosts.current_host``.
    Failures are the ``OSError`` a real system would raise.
    """

    async def connect(self, host: str, port: int, *, local: Address | None) -> StreamSocket:
        """Open a stream to an address that ``resolve`` gave, in virtual time."""
        ...

    def listen(self, host: str | None, port: int, *, backlog: int) -> Listener:
        """Bind and listen. ``None`` is every address of the host; port 0 picks a free one."""
        ...

    def datagram(self, local: Address | None, remote: Address | None) -> DatagramSocket:
        """Bind a datagram socket, with a fixed peer if *remote* is given."""
        ...

    async def resolve(
        self, host: str | None, port: int | str | None, *, family: int, kind: int, flags: int
    ) -> Sequence[AddressInfo]:
        """Look a name up, as ``getaddrinfo`` does; takes virtual time if the network says so."""
        ...
