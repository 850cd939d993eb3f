"""A listening socket of the simulated network."""

from __future__ import annotations

from collections import deque
from selectors import EVENT_READ
from typing import TYPE_CHECKING

from umt_sim.kernel.sockets import Address
from umt_sim.network.routine import Wake, nobody
from umt_sim.network.socket import SimSocket
from umt_sim.network.stream import StreamSocket

if TYPE_CHECKING:
    from umt_sim.network.site import Site

__all__ = ["Listener"]


class Listener(SimSocket):
    """
    Queues connections until they are accepted.

    Args:
        site: The host it is on.
        local: Where it listens.
        backlog: Connections that may wait; further attempts go unanswered.
        own_host_only: It listens on the loopback address.
    """

    def __init__(self, site: Site, local: Address, backlog: int, *, own_host_only: bool) -> None:
        super().__init__(site.sockets, local)
        self.site = site
        self.own_host_only = own_host_only
        self._backlog = backlog
        self._waiting: deque[StreamSocket] = deque()
        self._readable: Wake = nobody

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.local[0], self.local[1]

    @property
    def full(self) -> bool:
        """Whether no further connection can wait."""
        return len(self._waiting) > self._backlog  # Linux admits one more than asked

    def admit(self, connection: StreamSocket) -> None:
        """Queue a connection whose handshake is over; one that comes too late is reset."""
        if self.closed:
            connection.reset_on_close()
            connection.close()
            return
        self._waiting.append(connection)
        self._mark()
        wake, self._readable = self._readable, nobody
        wake()

    def take(self) -> StreamSocket | None:
        """The connection that has waited longest."""
        return self._waiting.popleft() if self._waiting else None

    def when_readable(self, wake: Wake) -> None:
        """Call *wake* once when a connection waits."""
        self._readable = wake

    def readiness(self) -> int:
        """Readable when a connection waits."""
        return EVENT_READ if self._waiting else 0

    def listen(self, backlog: int, /) -> None:
        """Change the backlog."""
        self._backlog = backlog

    def accept(self) -> tuple[StreamSocket, Address]:
        """As ``socket.accept``."""
        self._expect_open()
        connection = self.take()
        if connection is None:
            raise BlockingIOError
        return connection, connection.remote

    def close(self) -> None:
        """Refuse connections from now on; those that wait are reset."""
        if self.closed:
            return
        super().close()
        self.site.forget_listener(self)
        while (connection := self.take()) is not None:
            connection.reset_on_close()
            connection.close()
        wake, self._readable = self._readable, nobody
        wake()

    def vanish(self) -> None:
        """Stop to exist without a word to anyone."""
        while (connection := self.take()) is not None:
            connection.vanish()
        self.close()
