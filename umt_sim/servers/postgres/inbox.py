"""What a client has sent and nobody has taken yet, cut into what is to be done at once."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from dataclasses import dataclass

from umt_sim.servers.postgres.wire import (
    BIND,
    CLOSE,
    COPY_DATA,
    COPY_DONE,
    COPY_FAIL,
    DESCRIBE,
    EXECUTE,
    FLUSH,
    FUNCTION_CALL,
    LARGEST_MESSAGE,
    PARSE,
    QUERY,
    SYNC,
    TERMINATE,
    ProtocolViolation,
)

__all__ = ["Batch", "Inbox"]

EXTENDED = frozenset((PARSE, BIND, DESCRIBE, EXECUTE, CLOSE))  # answered one by one
ENDS = frozenset((QUERY, FUNCTION_CALL, SYNC, FLUSH, TERMINATE, COPY_DONE, COPY_FAIL))
LARGE = frozenset((QUERY, PARSE, BIND, FUNCTION_CALL, COPY_DATA))
LARGEST_SMALL_MESSAGE = 10000  # as in PostgreSQL
LARGEST_PACKET = 10000


@dataclass(slots=True)
class Batch:
    """
    Messages that the server is to act on together.

    Attributes:
        data: The messages.
        last: Type of the last one, which says what answer ends: Query and Sync end at
            ReadyForQuery, Flush after *answers* answers, COPY data have none.
        answers: Messages that are answered one by one.
        executes: Something is run, not only prepared.
        has_text: There is SQL text in it.
    """

    data: bytes
    last: int
    answers: int
    executes: bool
    has_text: bool


class Inbox:
    """
    A buffer with one reader.

    Args:
        loop: Where the reader waits.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._data = b""
        self._ended = False
        self._waiter: Future[None] | None = None
        self._scanned = 0
        self._answers = 0
        self._executes = False
        self._has_text = False

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """The client sent *data*."""
        self._data = self._data + data if self._data else data
        self._wake()

    def end(self) -> None:
        """The client will send nothing more; what it sent is still to be done."""
        self._ended = True
        self._wake()

    async def packet(self) -> bytes | None:
        """
        The next packet of the opening, its length left out; ``None`` if the client left.

        Raises:
            ProtocolViolation: It cannot be one.
        """
        while True:
            if len(self._data) >= 4:
                size = int.from_bytes(self._data[:4], "big")
                if not 8 <= size <= LARGEST_PACKET:
                    raise ProtocolViolation("invalid length of startup packet")
                if len(self._data) >= size:
                    packet, self._data = self._data[4:size], self._data[size:]
                    return packet
            if self._ended:
                return None
            await self._more()

    async def message(self, kind: bytes) -> bytes:
        """
        The body of the next message, which must be of that kind.

        Raises:
            ProtocolViolation: It is another one, or the client left.
        """
        while True:
            if self._data[:1] not in (kind, b""):
                raise ProtocolViolation(
                    f"expected {kind.decode()!r} message, got message type {self._data[0]}"
                )
            if len(self._data) >= 5:
                size = int.from_bytes(self._data[1:5], "big")
                if not 4 <= size <= LARGEST_PACKET:
                    raise ProtocolViolation("invalid message length")
                if len(self._data) > size:
                    body, self._data = self._data[5 : size + 1], self._data[size + 1 :]
                    return body
            if self._ended:
                raise ProtocolViolation("unexpected EOF on client connection")
            await self._more()

    async def batch(self) -> Batch | None:
        """
        The next batch; ``None`` if the client left.

        Raises:
            ProtocolViolation: What comes next is no message of a client.
        """
        while (batch := self._cut()) is None:
            if self._ended:
                return None
            await self._more()
        return batch

    def _cut(self) -> Batch | None:
        """Take a batch off the buffer, if a whole one is there."""
        data, at, size = self._data, self._scanned, len(self._data)
        while size - at >= 5:
            kind = data[at]
            length = int.from_bytes(data[at + 1 : at + 5], "big")
            end = at + 1 + length
            if end > size or length < 4:
                _check(kind, length)
                break
            at = end
            if kind in EXTENDED:
                self._answers += 1
                if kind == EXECUTE:
                    self._executes = True
                elif kind == PARSE:
                    self._has_text = True
            elif kind in ENDS or (kind == COPY_DATA and not self._answers):
                return self._taken(at, kind)
            else:
                _check(kind, length)
        self._scanned = at
        return None

    def _taken(self, end: int, last: int) -> Batch:
        data = self._data
        batch = Batch(
            data[:end] if end < len(data) else data,
            last,
            self._answers,
            self._executes or last == QUERY,
            self._has_text or last == QUERY,
        )
        self._data = data[end:]
        self._scanned = self._answers = 0
        self._executes = self._has_text = False
        return batch

    async def _more(self) -> None:
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _check(kind: int, length: int) -> None:
    """Refuse at once what could never become a message."""
    if kind not in EXTENDED and kind not in ENDS and kind != COPY_DATA:
        raise ProtocolViolation(f"invalid frontend message type {kind}")
    limit = LARGEST_MESSAGE if kind in LARGE else LARGEST_SMALL_MESSAGE
    if not 4 <= length <= limit:
        raise ProtocolViolation("invalid message length")
