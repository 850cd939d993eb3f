"""
A datagram socket of the simulated network.

Datagrams are lost where a route is cut or loses packets, and arrive in the order sent.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from errno import EDESTADDRREQ, ENOTCONN
from selectors import EVENT_READ, EVENT_WRITE
from typing import TYPE_CHECKING, Any
from zlib import crc32

from umt_sim.kernel.sockets import Address
from umt_sim.network.route import Route
from umt_sim.network.socket import SimSocket

if TYPE_CHECKING:
    from umt_sim.network.site import Site

__all__ = ["DatagramSocket", "Parcel"]

QUEUE = 212_992  # bytes waiting to be read; Linux's default receive buffer


class DatagramSocket(SimSocket):
    """
    Sends and receives datagrams.

    Args:
        site: The host it is on.
        local: Its address.
        remote: The only peer, if it is to have one.
        carry: Takes a datagram and its destination into the network.
    """

    type = socket.SOCK_DGRAM
    proto = socket.IPPROTO_UDP

    def __init__(
        self,
        site: Site,
        local: Address,
        remote: Address | None,
        carry: Callable[[DatagramSocket, bytes, Address], None],
    ) -> None:
        super().__init__(site.sockets, local)
        self.site = site
        self.remote = remote
        self._carry = carry
        self._received: deque[tuple[bytes, Address]] = deque()
        self._unread = 0

    def readiness(self) -> int:
        """Always writable; readable with a datagram."""
        return EVENT_WRITE | (EVENT_READ if self._received else 0)

    def getpeername(self) -> Address:
        """The only peer."""
        if self.remote is None:
            raise OSError(ENOTCONN, "Transport endpoint is not connected")
        return self.remote

    def recvfrom(self, size: int, /) -> tuple[bytes, Address]:
        """The oldest datagram, cut to *size*, and who sent it."""
        self._expect_open()
        if not self._received:
            raise BlockingIOError
        data, sender = self._received.popleft()
        self._unread -= len(data)
        return data[:size], sender

    def recv(self, size: int, /) -> bytes:
        """The oldest datagram, cut to *size*."""
        return self.recvfrom(size)[0]

    def send(self, data: Any, /) -> int:
        """Send to the only peer."""
        if self.remote is None:
            raise OSError(EDESTADDRREQ, "Destination address required")
        return self.sendto(data, self.remote)

    def sendto(self, data: Any, address: Address, /) -> int:
        """Send to *address*."""
        self._expect_open()
        self._carry(self, bytes(data), address)
        return len(data)

    def arrive(self, data: bytes, sender: Address) -> None:
        """A datagram has come; it is dropped if it is not from the only peer, or none fits."""
        if self.closed or (self.remote is not None and sender != self.remote):
            return
        if self._unread + len(data) > QUEUE:
            return
        self.site.tape.note("datagram", self.local[1], len(data), crc32(data))
        self._received.append((data, sender))
        self._unread += len(data)
        self._mark()

    def close(self) -> None:
        """Give the port back."""
        if not self.closed:
            super().close()
            self.site.datagrams.pop(self.local[1], None)


class Parcel:
    """
    A datagram under way.

    Args:
        sender: Who sent it.
        data: What it carries.
        target: The host it goes to.
        port: The port it goes to.
        route: The way there.
    """

    def __init__(
        self, sender: DatagramSocket, data: bytes, target: Site, port: int, route: Route
    ) -> None:
        self._sender = sender
        self._data = data
        self._target = target
        self._port = port
        self._route = route

    def arrive(self) -> None:
        """Reach the end of the route: lost where it is cut, kept where it is held."""
        if self._route.blocked:
            self._route.meet(self._sender, len(self._data))
            if not self._route.is_cut:
                self._route.wait(self)
            return
        receiver = self._target.datagrams.get(self._port)
        if receiver is not None:
            receiver.arrive(self._data, self._sender.local)

    opened = arrive
