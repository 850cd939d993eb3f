"""The smallest network the loop can work with: sockets in memory, without delay or limits."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from errno import ECONNREFUSED, ENOTCONN


class Socket:
    """One socket; connected ones are pairs that hold each other's incoming bytes."""

    family, type, proto = socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP

    def __init__(self, sockets, local, remote=None):
        self.sockets, self.local, self.remote = sockets, local, remote
        self.peer, self.incoming, self.ended, self.queue = None, bytearray(), False, deque()
        self.fd = sockets.new_fd()
        sockets.add(self)

    def fileno(self):
        return self.fd

    def readiness(self):
        readable = self.incoming or self.ended or self.queue
        return (selectors.EVENT_READ if readable else 0) | selectors.EVENT_WRITE

    def changed(self):
        self.sockets.mark(self.fd)

    def recv(self, size):
        if not self.incoming:
            if self.ended:
                return b""
            raise BlockingIOError
        data = bytes(self.incoming[:size])
        del self.incoming[:size]
        return data

    def recv_into(self, buffer):
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def send(self, data):
        self.peer.incoming += data
        self.peer.changed()
        return len(data)

    def sendmsg(self, buffers):
        return self.send(b"".join(buffers))

    def shutdown(self, how):
        self.peer.ended = True
        self.peer.changed()

    def close(self):
        if self.peer is not None:
            self.shutdown(socket.SHUT_RDWR)
        self.sockets.forget(self.fd)
        self.fd = -1

    def accept(self):
        if not self.queue:
            raise BlockingIOError
        accepted = self.queue.popleft()
        return accepted, accepted.remote

    def getsockname(self):
        return self.local

    def getpeername(self):
        if self.remote is None:
            raise OSError(ENOTCONN, "not connected")
        return self.remote

    def setblocking(self, blocking):
        assert not blocking

    def gettimeout(self):
        return 0.0

    def listen(self, backlog):
        pass

    def setsockopt(self, *_):
        pass

    def getsockopt(self, *_):
        return 0


class Datagram(Socket):
    """A socket of which each message is one datagram."""

    type = socket.SOCK_DGRAM

    def __init__(self, network, local, remote):
        super().__init__(network.sockets, local, remote)
        self.network = network

    def recvfrom(self, size):
        if not self.queue:
            raise BlockingIOError
        return self.queue.popleft()

    def sendto(self, data, address):
        target = self.network.bound[address]
        target.queue.append((bytes(data), self.local))
        target.changed()
        return len(data)

    def send(self, data):
        return self.sendto(data, self.remote)


class Loopback:
    """A ``SocketSource`` on which connecting takes one second."""

    def __init__(self, loop):
        self.loop, self.sockets, self.bound, self.port = loop, loop.sockets, {}, 40_000
        loop.attach(self)

    def next_port(self):
        self.port += 1
        return self.port

    async def resolve(self, host, port, *, family, kind, flags):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host or "here", int(port or 0)))]

    async def connect(self, host, port, *, local):
        await self.loop.env.timeout(1)
        listener = self.bound.get((host, port))
        if listener is None:
            raise ConnectionRefusedError(ECONNREFUSED, f"nobody listens on {host}:{port}")
        mine = local or ("client", self.next_port())
        client = Socket(self.sockets, mine, (host, port))
        server = Socket(self.sockets, (host, port), mine)
        client.peer, server.peer = server, client
        listener.queue.append(server)
        listener.changed()
        return client

    def listen(self, host, port, *, backlog):
        address = (host or "here", port or self.next_port())
        self.bound[address] = Socket(self.sockets, address)
        return self.bound[address]

    def datagram(self, local, remote):
        address = local or ("client", self.next_port())
        self.bound[address] = Datagram(self, address, remote)
        return self.bound[address]
