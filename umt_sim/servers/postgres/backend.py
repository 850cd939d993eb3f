"""One session of the engine, over its private Unix socket, with blocking reads."""

from __future__ import annotations

import fcntl
import select
import socket
import termios
from collections.abc import Mapping
from os import sched_yield

from umt_sim.kernel.guard import Guard
from umt_sim.servers.postgres import wire

__all__ = ["NOTHING", "Backend", "EngineRefused"]

CHUNK = 65536
SEND_BUFFER = 8192  # of a backend: a shorter answer comes in one piece
SPINS = 150  # looks at the socket before sleeping; about as many microseconds

NOTHING = -1

SYNC = wire.message(b"S", b"")
READY = b"Z\0\0\0\5"
IDLE = b"I"
IN_TRANSACTION = b"T"
FAILED = b"E"

SLEEP_CODE = b"CUS001\0"  # SQLSTATE of the notice by which our pg_sleep asks to be held

ENDS_ANSWER = frozenset(b"123nTCIsE")
READY_FOR_QUERY = ord("Z")
COPY_IN = ord("G")
COPY_BOTH = ord("W")
ERROR = ord("E")
NOTICE = ord("N")
KEY_DATA = ord("K")


class EngineRefused(Exception):
    """
    The engine did not open the session.

    Attributes:
        said: The messages it sent instead, for the client.
    """

    def __init__(self, said: bytes) -> None:
        self.said = said
        super().__init__(said)


class Backend:
    """
    A session of the engine.

    ``send`` and ``reply`` are the whole of it. A reply is complete at ReadyForQuery, after
    as many answers as a Flush asked for, when the engine wants COPY data, or at the end of
    the session.

    Args:
        path: Unix socket of the engine.
        parameters: Of the StartupMessage.
        protocol: Protocol version the client asked for.

    Attributes:
        pid: Process of the engine that serves this session.
        status: Transaction status: ``I`` idle, ``T`` in a transaction, ``E`` in a failed one.
        greeting: What the engine said when the session was opened, key data left out.
        nap: Seconds for which the statement wants to be held; None if it does not.
        copying: The engine waits for COPY data.
        unsynced: The client has begun a batch that no Sync has ended yet.
        closed: The engine ended the session.
        failed: An error came before a Sync; the engine ignores everything up to that.
    """

    __slots__ = (
        "_answers",
        "_got",
        "_socket",
        "_unsent",
        "_walked",
        "closed",
        "copying",
        "failed",
        "greeting",
        "nap",
        "pid",
        "status",
        "unsynced",
    )

    def __init__(
        self, path: str, parameters: Mapping[str, str], protocol: int = wire.PROTOCOL_3
    ) -> None:
        with Guard.opened():
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(path)
        self._socket.setblocking(False)  # noqa: FBT003  the standard library's signature
        self._got = bytearray()
        self._walked = 0
        self._answers = 0
        self._unsent: bytes | memoryview = b""
        self.pid = 0
        self.status = IDLE
        self.nap: float | None = None
        self.copying = self.unsynced = False
        self.closed = False
        self.failed = False
        self._socket.sendall(wire.startup(parameters, protocol))
        self.greeting = self._open()

    def send(self, data: bytes, answers: int = 0) -> None:
        """
        Hand messages to the engine; what it does not take at once goes along with ``reply``.

        Args:
            data: Whole messages.
            answers: How many of them are to be answered before ReadyForQuery comes. 0: the
                reply ends at ReadyForQuery. ``NOTHING``: at once when all is sent.
        """
        self._answers = answers
        self.unsynced = answers != 0
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # it has ended the session; the reply says why
        if sent < len(data):
            self._unsent = memoryview(data)[sent:]

    def reply(self, patience: float) -> bytes | None:
        """
        What the engine answers, or ``None`` if it is not complete yet.

        Args:
            patience: Seconds of the real clock to wait for the next piece.
        """
        if self._unsent:
            self._push(patience)
        if self._answers == NOTHING:
            return None if self._unsent else b""
        if self._got and (early := self._take()) is not None:
            return early
        while (chunk := self._receive(patience)) is not None:
            if not self._got and len(chunk) < SEND_BUFFER and chunk[-6:-1] == READY:
                self.status = chunk[-1:]
                self.copying = self.failed = False
                return chunk
            self._append(chunk)
            reply = self._take()
            if reply is not None or self.nap is not None:
                return reply
        return None

    def _receive(self, patience: float) -> bytes | None:
        """The next piece, empty at the end; ``None`` if none comes for that long."""
        receive = self._socket.recv
        try:
            for _ in range(SPINS):
                try:
                    return receive(CHUNK)
                except BlockingIOError:
                    sched_yield()
            if select.select([self._socket], [], [], patience)[0]:
                return receive(CHUNK)
        except ConnectionError:
            return b""
        return None

    def heard_all(self) -> bool | None:
        """Whether the engine has taken in all that was sent; ``None`` if there is no telling."""
        unread = bytearray(4)
        try:
            fcntl.ioctl(self._socket, termios.TIOCOUTQ, unread)
        except OSError:
            return None  # macOS does not say so of Unix sockets
        return not self._unsent and not any(unread)

    def so_far(self) -> bytes:
        """
        What the engine has said, if it waits for more before it says the rest.

        That happens to clients that do not keep to the protocol's order, as by a Sync in
        the middle of COPY data, which the engine passes over.
        """
        while not self.closed and self._read():
            pass
        complete = self._take()
        if complete is not None:
            return complete
        words = bytes(self._got[: self._walked])
        del self._got[: self._walked]
        self._walked = 0
        return words

    @property
    def at_rest(self) -> bool:
        """Whether it waits for a new batch outside of a transaction: there it hears the others."""
        return self.status == IDLE and not (self.copying or self.unsynced)

    def ask(self, text: str) -> bytes:
        """Run a statement of our own that never waits; its whole reply."""
        self.send(wire.message(b"Q", text.encode() + b"\0"))
        while (reply := self.reply(1.0)) is None:
            pass
        return reply

    def pending(self) -> bytes:
        """What the engine has sent of its own accord, by an empty round trip while idle."""
        self.send(SYNC)
        while (reply := self.reply(1.0)) is None:
            pass
        return reply if self.closed else reply[: -len(READY) - 1]

    def close(self) -> None:
        """End the session and wait until its process has rolled back and is gone."""
        self.hang_up()
        while not self.closed:
            select.select([self._socket], [], [])
            self._read()
        self._socket.close()

    def drop(self) -> None:
        """Close our end and wait for nothing: the engine is going down."""
        self._socket.close()

    def hang_up(self) -> None:
        """Say that nothing more will be sent; a blocked statement goes on all the same."""
        try:
            self._socket.send(wire.message(b"X", b""))
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it is gone already

    def _push(self, patience: float) -> None:
        """Send on while the engine takes it, reading along: it may want to be read first."""
        link = [self._socket]
        while self._unsent and not self.closed:
            readable, writable, _ = select.select(link, link, [], patience)
            if not readable and not writable:
                return
            if readable:
                self._read()
            if writable:
                try:
                    self._unsent = self._unsent[self._socket.send(self._unsent) :]
                except OSError:
                    return
        self._unsent = b""

    def _read(self) -> bool:
        """Take what has arrived; False if nothing has."""
        try:
            self._append(self._socket.recv(CHUNK))
        except BlockingIOError:
            return False
        except ConnectionError:
            self._append(b"")
        return True

    def _append(self, chunk: bytes) -> None:
        self._got += chunk
        self.closed = not chunk

    def _take(self) -> bytes | None:
        """Look at the messages that came since the last look; the reply if it is complete."""
        got = self._got
        complete = self.closed
        for kind, begin, end in wire.frames(got, self._walked):
            self._walked = end
            if kind == READY_FOR_QUERY:
                self.status = bytes(got[end - 1 : end])
                self.copying = self.failed = False
                complete = end == len(got)
            elif kind in (COPY_IN, COPY_BOTH):
                self.copying = complete = True
            elif kind == NOTICE and SLEEP_CODE in got[begin:end]:
                self.nap = float(wire.fields_of(bytes(got[begin:end]))["M"])
                del got[begin:end]
                self._walked = begin
                return None
            elif self._answers > 0 and kind in ENDS_ANSWER:
                self._answers -= 1
                if kind == ERROR:
                    self.failed = True
                    self._answers = 0
                complete = self._answers == 0 and end == len(got)
        if not complete:
            return None
        reply = bytes(got)
        got.clear()
        self._walked = 0
        return reply

    def _open(self) -> bytes:
        """Wait for the first ReadyForQuery, and learn the process id."""
        while (said := self.reply(1.0)) is None:
            pass
        greeting = b""
        for kind, begin, end in wire.frames(said):
            if kind == KEY_DATA:
                self.pid = int.from_bytes(said[begin + 5 : begin + 9], "big")
            else:
                greeting += said[begin:end]
        if not self.pid:
            self._socket.close()
            raise EngineRefused(said)
        return greeting
