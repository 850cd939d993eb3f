"""A host as the network sees it: its address, its ports, its sockets."""

from __future__ import annotations

from dataclasses import dataclass
from errno import EADDRINUSE, EADDRNOTAVAIL
from typing import TYPE_CHECKING

from umt_sim.kernel.sockets import Address
from umt_sim.network.datagram import DatagramSocket
from umt_sim.network.listener import Listener
from umt_sim.network.stream import StreamSocket
from umt_sim.network.touched import Touched

if TYPE_CHECKING:
    from umt_sim.kernel.selector import Sockets
    from umt_sim.kernel.tape import Tape

__all__ = ["LOOPBACK", "Obstacle", "Site"]

LOOPBACK = "127.0.0.1"
EPHEMERAL = range(32768, 61000)  # Linux's default


@dataclass(frozen=True, slots=True, eq=False)
class Obstacle:
    """
    A fault in the way of new connections.

    Attributes:
        touched: Counts the attempts that met it.
        port: The port it stands before; ``None`` for all of the host's.
        answers: Whether attempts are refused. Otherwise nobody answers them.
    """

    touched: Touched
    port: int | None
    answers: bool


class Site:
    """
    A host's place in the network.

    Args:
        name: The host's name.
        ip: Its address.
        sockets: The loop's table of sockets.
        tape: Where arrivals are noted.

    Attributes:
        obstacles: What is in the way of new connections to it, oldest first.
    """

    def __init__(self, name: str, ip: str, sockets: Sockets, tape: Tape) -> None:
        self.name = name
        self.ip = ip
        self.sockets = sockets
        self.tape = tape
        self.obstacles: list[Obstacle] = []
        self.listeners: dict[int, Listener] = {}
        self.connections: dict[StreamSocket, None] = {}
        self.datagrams: dict[int, DatagramSocket] = {}
        self._next_port = EPHEMERAL.start

    def __repr__(self) -> str:
        return f"<Site {self.name} {self.ip}>"

    def listen(self, ip: str, port: int, backlog: int) -> Listener:
        """
        Bind and listen; port 0 picks a free one.

        Raises:
            OSError: Another socket listens there.
        """
        if port in self.listeners:
            raise OSError(
                EADDRINUSE,
                f"cannot listen on ({ip!r}, {port}): address already in use",
            )
        port = port or self.free_port()
        listener = Listener(self, (ip, port), backlog, own_host_only=ip == LOOPBACK)
        self.listeners[port] = listener
        return listener

    def obstacle(self, port: int) -> Obstacle | None:
        """What is in the way of a new connection to *port*."""
        for obstacle in self.obstacles:
            if obstacle.port in (None, port):
                return obstacle
        return None

    def connection(self, local: Address, remote: Address, label: str) -> StreamSocket:
        """A new end of a connection on this host; its flows are the caller's to add."""
        end = StreamSocket(self, local, remote, label)
        self.connections[end] = None
        return end

    def forget(self, connection: StreamSocket) -> None:
        """A connection's end was closed."""
        self.connections.pop(connection, None)

    def forget_listener(self, listener: Listener) -> None:
        """A listener was closed."""
        if self.listeners.get(listener.local[1]) is listener:
            del self.listeners[listener.local[1]]

    def free_port(self) -> int:
        """A port that no socket here listens on, in turn, as Linux hands them out."""
        for _ in EPHEMERAL:
            port = self._next_port
            self._next_port += 1
            if self._next_port == EPHEMERAL.stop:
                self._next_port = EPHEMERAL.start
            if port not in self.listeners and port not in self.datagrams:
                return port
        raise OSError(EADDRNOTAVAIL, "Cannot assign requested address")

    def lose_everything(self) -> None:
        """The power is cut: every socket stops to exist and nobody is told."""
        for listener in list(self.listeners.values()):
            listener.vanish()
        for connection in list(self.connections):
            connection.vanish()
        for datagram in list(self.datagrams.values()):
            datagram.close()

    def close_everything(self) -> None:
        """Every program is killed: the system closes their sockets and resets connections."""
        for listener in list(self.listeners.values()):
            listener.close()
        for connection in list(self.connections):
            connection.reset_on_close()
            connection.close()
        for datagram in list(self.datagrams.values()):
            datagram.close()
