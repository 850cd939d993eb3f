"""The ready messages of a queue in delivery order: first in first out, by priority, or quorum."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Protocol

from umt_sim.servers.rabbitmq.core.message import Message

__all__ = ["Backlog", "ByPriority", "Entry", "Fifo", "Return", "Returning"]


class Return(Enum):
    """How a delivery came back."""

    NACKED = "nacked"  # by basic.nack or basic.recover
    REJECTED = "rejected"  # by basic.reject
    ABANDONED = "abandoned"  # its channel is gone


class Entry:
    """
    One message in one queue.

    Attributes:
        position: Order of arrival in the queue; a returned message goes back by it.
        message: What was published.
        shown: The same as consumers get it: quorum queues add a header to what came back.
        arrived: When, in seconds.
        expires: When it becomes too old, in seconds; ``None`` never.
        redelivered: Whether it was handed out before.
        acquired: How often it was handed out and came back.
        failed: How many of those count towards the delivery limit.
    """

    __slots__ = (
        "acquired", "arrived", "expires", "failed", "message", "position", "redelivered", "shown",
    )  # fmt: skip

    def __init__(
        self, position: int, message: Message, arrived: float, expires: float | None
    ) -> None:
        self.position = position
        self.message = message
        self.shown = message
        self.arrived = arrived
        self.expires = expires
        self.redelivered = False
        self.acquired = 0
        self.failed = 0


class Backlog(Protocol):
    """Ready messages, the next one to deliver in front."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Entry]: ...

    def head(self) -> Entry:
        """The next one; there must be one."""
        ...

    def append(self, entry: Entry) -> None:
        """Add a new arrival."""
        ...

    def pop(self) -> Entry:
        """Take the next one out."""
        ...

    def put_back(self, entry: Entry, how: Return) -> None:
        """Return one that was taken out."""
        ...

    def clear(self) -> None:
        """Forget them all."""
        ...


class Fifo:
    """Order of arrival; a returned message goes back to its old place."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def head(self) -> Entry:
        """The oldest."""
        return self._entries[0]

    def append(self, entry: Entry) -> None:
        """Add a new arrival."""
        self._entries.append(entry)

    def pop(self) -> Entry:
        """Take the oldest out."""
        return self._entries.popleft()

    def put_back(self, entry: Entry, how: Return) -> None:  # noqa: ARG002  makes no difference
        """Return *entry* to its place, most often the very front."""
        place = 0
        for other in self._entries:
            if other.position > entry.position:
                break
            place += 1
        self._entries.insert(place, entry)

    def clear(self) -> None:
        """Forget them all."""
        self._entries.clear()


class ByPriority:
    """
    The highest priority first, order of arrival within one.

    Args:
        highest: Priorities above count as this one.
    """

    def __init__(self, highest: int) -> None:
        self._highest = highest
        self._levels = [Fifo() for _ in range(highest + 1)]
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Entry]:
        for level in reversed(self._levels):
            yield from level

    def _level(self, entry: Entry) -> Fifo:
        return self._levels[min(entry.message.properties.priority or 0, self._highest)]

    def _front(self) -> Fifo:
        return next(level for level in reversed(self._levels) if len(level))

    def head(self) -> Entry:
        """The oldest of the highest priority present."""
        return self._front().head()

    def append(self, entry: Entry) -> None:
        """Add a new arrival."""
        self._level(entry).append(entry)
        self._length += 1

    def pop(self) -> Entry:
        """Take the head out."""
        self._length -= 1
        return self._front().pop()

    def put_back(self, entry: Entry, how: Return) -> None:
        """Return *entry* to its place within its priority."""
        self._level(entry).put_back(entry, how)
        self._length += 1

    def clear(self) -> None:
        """Forget them all."""
        for level in self._levels:
            level.clear()
        self._length = 0


class Returning:
    """
    Quorum order: what came back is not put where it was.

    Args:
        limited: Whether there is a delivery limit. With one, returned messages go before all
            others, in the order they came back; without one those that a consumer gave back
            go to the end.
    """

    def __init__(self, *, limited: bool) -> None:
        self._limited = limited
        self._returned: deque[Entry] = deque()
        self._arrived: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._returned) + len(self._arrived)

    def __iter__(self) -> Iterator[Entry]:
        parts: Iterable[deque[Entry]] = (self._returned, self._arrived)
        return (entry for part in parts for entry in part)

    def head(self) -> Entry:
        """The first returned, else the oldest."""
        return (self._returned or self._arrived)[0]

    def append(self, entry: Entry) -> None:
        """Add a new arrival."""
        self._arrived.append(entry)

    def pop(self) -> Entry:
        """Take the head out."""
        return (self._returned or self._arrived).popleft()

    def put_back(self, entry: Entry, how: Return) -> None:
        """Add *entry* behind those returned before, or behind all."""
        first = self._limited or how is Return.ABANDONED
        (self._returned if first else self._arrived).append(entry)

    def clear(self) -> None:
        """Forget them all."""
        self._returned.clear()
        self._arrived.clear()
