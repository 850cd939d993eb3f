"""
A connected stream socket: one end of a simulated TCP connection.

It answers both as ``socket.socket`` does, for asyncio's transports, and as an
``Endpoint``, for proxies, which pays no exception for an empty buffer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from errno import ECONNRESET, ENOTCONN, EPIPE, ETIMEDOUT
from selectors import EVENT_READ, EVENT_WRITE
from socket import SHUT_RD, SHUT_RDWR, SHUT_WR
from typing import TYPE_CHECKING, Any
from zlib import crc32

from umt_sim.kernel.sockets import Address
from umt_sim.network.flow import Flow
from umt_sim.network.routine import Wake, nobody
from umt_sim.network.socket import SimSocket

if TYPE_CHECKING:
    from umt_sim.network.listener import Listener
    from umt_sim.network.site import Site

__all__ = ["StreamSocket"]

TLS_HANDSHAKE = 0x16
TLS_MAJOR = (b"", b"\x03")


class StreamSocket(SimSocket):
    """
    One end of a connection.

    Args:
        site: The host it is on.
        local, remote: Addresses of this end and of the other.
        label: Names what arrives here on the tape.
    """

    def __init__(self, site: Site, local: Address, remote: Address, label: str) -> None:
        super().__init__(site.sockets, local)
        self.site = site
        self.remote = remote
        self.label = label
        self.accepted_by: Listener | None = None
        """The listener of a server's end; a client's has none."""

        self.outgoing: Flow
        self.incoming: Flow
        self._note = site.tape.note
        self._received: deque[bytes] = deque()
        self._unread = 0
        self._ended = False  # the peer sends no more
        self._finished = False  # this end sends no more
        self._dead = False  # the connection is gone: reset, timed out, or never told
        self._opaque = False  # ciphertext, which differs from run to run
        self._readable: Wake = nobody
        self._writable: Wake = nobody

    # As an endpoint

    def read(self, limit: int) -> bytes | None:
        """Up to *limit* bytes; empty at the end of the stream; ``None`` if there is nothing yet."""
        received = self._received
        if not received:
            return self._nothing_to_read()
        data = received[0]
        if len(data) <= limit and len(received) == 1:
            received.clear()
        else:
            data = self._gather(limit)
        self._unread -= len(data)
        self.incoming.freed(len(data))
        return data

    def write(self, data: bytes) -> int:
        """Send what fits into the window and return its length."""
        if self._finished or self._dead or self.closed or self.error is not None:
            self._refuse_write()
        return self.outgoing.write(data)

    def when_readable(self, wake: Wake) -> None:
        """Call *wake* once when something arrives or breaks."""
        self._readable = wake

    def when_writable(self, wake: Wake) -> None:
        """Call *wake* once when there is room again or something breaks."""
        self._writable = wake

    def reset_on_close(self) -> None:
        """From now on ``close`` resets the connection."""
        self.resets_on_close = True

    def close(self) -> None:
        """Close both directions: in good order, or by a reset if there is unread data."""
        if self.closed:
            return
        super().close()
        self.site.forget(self)
        if not self._dead:
            if self.resets_on_close or self._unread:
                self._dead = True
                self.outgoing.reset()
            elif not self._finished:
                self._finished = True
                self.outgoing.end()
        self._received.clear()
        self._unread = 0
        self._wake()

    # As a socket

    def readiness(self) -> int:
        """Readable with data, at the end and on an error; writable with room and on an error."""
        events = 0
        if self._received or self._ended or self._dead or self.error is not None:
            events = EVENT_READ
        if self.outgoing.room > 0 or self._dead or self.error is not None:
            events |= EVENT_WRITE
        return events

    def getpeername(self) -> Address:
        """Address of the other end."""
        self._expect_open()
        if self._dead:
            raise OSError(ENOTCONN, "Transport endpoint is not connected")
        return self.remote

    def recv(self, size: int, /) -> bytes:
        """As ``socket.recv``."""
        data = self.read(size)
        if data is None:
            raise BlockingIOError
        return data

    def recv_into(self, buffer: Any, size: int = 0, /) -> int:
        """As ``socket.recv_into``."""
        data = self.recv(size or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def send(self, data: Any, /) -> int:
        """As ``socket.send``."""
        sent = self.write(data if data.__class__ is bytes else bytes(data))
        if not sent and len(data):
            raise BlockingIOError
        return sent

    def sendmsg(self, buffers: Iterable[Any], /) -> int:
        """As ``socket.sendmsg`` without ancillary data."""
        return self.send(b"".join(buffers))

    def shutdown(self, how: int, /) -> None:
        """Send no more (SHUT_WR), receive no more (SHUT_RD), or both."""
        self._expect_open()
        if self._dead:
            raise OSError(ENOTCONN, "Transport endpoint is not connected")
        if how in (SHUT_RD, SHUT_RDWR):
            self._ended = True
            self._mark()
        if how in (SHUT_WR, SHUT_RDWR) and not self._finished:
            self._finished = True
            self.outgoing.end()

    # What its flows tell it

    def established(self) -> None:
        """The client knows that the connection is there: it can be accepted."""
        assert self.accepted_by is not None
        self.accepted_by.admit(self)

    def arrive(self, data: bytes) -> None:
        """*data* has come from the peer."""
        self._note_arrival(data)
        if self.closed or self._dead:
            self.outgoing.reset()  # nobody here knows of this connection
            return
        self._received.append(data)
        self._unread += len(data)
        if self._readable is nobody:
            self._mark()
        else:
            wake, self._readable = self._readable, nobody
            wake()

    def end_of_stream(self) -> None:
        """The peer sends no more."""
        self._note("end", self.label)
        self._ended = True
        self._mark()
        self._wake_reader()

    def was_reset(self) -> None:
        """The peer has broken the connection. What was received can still be read."""
        self._note("reset", self.label)
        # Linux tells EPIPE instead to an end that knows the peer has finished.
        code, text = (
            (EPIPE, "Broken pipe") if self._ended else (ECONNRESET, "Connection reset by peer")
        )
        self.fail(OSError(code, text))

    def gave_up(self) -> None:
        """Retransmission has failed for too long."""
        self.fail(OSError(ETIMEDOUT, "Connection timed out"))

    def writable(self) -> None:
        """There is room in the window again."""
        self._mark()
        wake, self._writable = self._writable, nobody
        wake()

    # What can be done to it

    def fail(self, error: OSError) -> None:
        """Break this end with *error*; the peer is told nothing."""
        if self.closed or self._dead:
            return
        self._dead = True
        self.error = error
        self.outgoing.abandon()
        self._wake()

    def vanish(self) -> None:
        """Stop to exist without a word to anyone, as when the power fails."""
        self._dead = True
        self.outgoing.abandon()
        self.close()

    @property
    def unread(self) -> int:
        """Bytes received and not read."""
        return self._unread

    @property
    def alive(self) -> bool:
        """Whether the connection is, as far as this end knows."""
        return not (self.closed or self._dead)

    # Machinery

    def _nothing_to_read(self) -> bytes | None:
        self._expect_open()
        if self._ended:  # the end comes before any later error, which a write will tell
            return b""
        error = self._take_error()
        if error is not None:
            raise error
        return b"" if self._dead else None

    def _refuse_write(self) -> None:
        self._expect_open()
        raise self._take_error() or OSError(EPIPE, "Broken pipe")

    def _gather(self, limit: int) -> bytes:
        """Take up to *limit* bytes out of several arrivals."""
        parts, size = [], 0
        received = self._received
        while received and size < limit:
            part = received.popleft()
            if size + len(part) > limit:
                room = limit - size
                received.appendleft(part[room:])
                part = part[:room]
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def _note_arrival(self, data: bytes) -> None:
        """
        Put an arrival on the tape.

        Ciphertext and its length (signatures vary) differ between runs of one
        seed, so from the first TLS record on only the time is noted.
        """
        if not self._opaque and data[0] == TLS_HANDSHAKE and data[1:2] in TLS_MAJOR:
            self._opaque = True
        if self._opaque:
            self._note("tls", self.label)
        else:
            self._note("bytes", self.label, len(data), crc32(data))

    def _wake(self) -> None:
        self._mark()
        self._wake_reader()
        wake, self._writable = self._writable, nobody
        wake()

    def _wake_reader(self) -> None:
        wake, self._readable = self._readable, nobody
        wake()
