"""Chunks of bytes, and the channels that carry them between the stages of a link."""

from __future__ import annotations

from collections import deque

from umt_sim.network.routine import Wake, nobody

__all__ = ["Channel", "Chunk", "Silence"]


class Silence(Exception):
    """Nothing came through a channel for as long as its reader was ready to wait."""


class Chunk:
    """
    What one read of the source socket gave.

    Attributes:
        data: Its bytes.
        read_at: When it was read, in seconds. ``latency`` moves this on.
    """

    __slots__ = ("data", "read_at")

    def __init__(self, data: bytes, read_at: float) -> None:
        self.data = data
        self.read_at = read_at


class Channel:
    """
    A queue whose sender waits while more than *capacity* chunks are in it.

    With a capacity of 0 the sender waits until its chunk was taken: a rendezvous.

    Attributes:
        wake_reader: Called when there is something to take, or the end.
        wake_sender: Called when a chunk was taken.
        closed: Nothing will be added; what is queued can still be taken.
        abandoned: Nothing will be taken; what is added is lost.
    """

    __slots__ = ("abandoned", "capacity", "closed", "queue", "wake_reader", "wake_sender")

    def __init__(self, capacity: int = 0) -> None:
        self.capacity = capacity
        self.queue: deque[Chunk] = deque()
        self.closed = False
        self.abandoned = False
        self.wake_reader: Wake = nobody
        self.wake_sender: Wake = nobody

    @property
    def full(self) -> bool:
        """Whether whoever sent last has to wait."""
        return len(self.queue) > self.capacity

    def put(self, chunk: Chunk) -> None:
        """Add *chunk* and wake the reader. The sender then waits while ``full``."""
        if not self.abandoned:
            self.queue.append(chunk)
            self.wake_reader()

    def take(self) -> Chunk:
        """Remove the oldest chunk and wake the sender."""
        chunk = self.queue.popleft()
        self.wake_sender()
        return chunk

    def close(self) -> None:
        """Add nothing more."""
        self.closed = True
        self.wake_reader()

    def abandon(self) -> None:
        """Take nothing more; the sender need not wait."""
        self.abandoned = True
        self.queue.clear()
        self.wake_sender()
