"""Operations in order, each one held up by the broker's capacity before it has its effect."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING

from umt_sim.servers.capacity import QueueFull

if TYPE_CHECKING:
    from umt_sim.servers.capacity import Capacity

__all__ = ["Line", "Workers"]

Effect = Callable[[], None]


class Workers:
    """
    What holds the operations of all lines up.

    Args:
        capacity: Asked for each of them.
    """

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self.lines: dict[Line, None] = {}
        """Those that have something to do."""

    def drop(self) -> None:
        """Forget what is under way and what waits; its effects do not happen."""
        for line in [*self.lines]:
            line.drop()


class Line:
    """
    One direction of one channel.

    It has no task: an effect takes a turn of the loop, in the context that the line was
    made in, when its operation has been served.

    Args:
        workers: Who does the work.
        served: Called after each operation.
        refused: Called with the operation when capacity has no room for it.
    """

    def __init__(
        self,
        workers: Workers,
        served: Callable[[], None],
        refused: Callable[[str, QueueFull], None],
    ) -> None:
        self._workers = workers
        self._served = served
        self._refused = refused
        self._waiting: deque[tuple[str, int, Effect]] = deque()
        self._under_way: tuple[str, int, Effect] | None = None
        self._asking = False
        self._context = copy_context()  # of the server's host, where every step belongs
        self._loop = asyncio.get_running_loop()

    def __len__(self) -> int:
        return len(self._waiting) + (self._under_way is not None)

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self in self._workers.lines

    def submit(self, operation: str, size: int, effect: Effect) -> None:
        """
        Line up one operation; an empty name takes its turn without asking for capacity.

        Args:
            operation: Its class: ``publish``, ``deliver``, ``get``, ``ack``, ``declare``.
            size: Bytes of payload.
            effect: What happens when it is served.
        """
        self._waiting.append((operation, size, effect))
        if self not in self._workers.lines:
            self._workers.lines[self] = None
            self._advance()

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    def drop(self) -> None:
        """Forget what is under way, too."""
        self.clear()
        self._under_way = None
        self._workers.lines.pop(self, None)

    def _advance(self) -> None:
        """Ask capacity for one operation after the other, until it holds one up."""
        waiting = self._waiting
        while waiting:
            operation, size, _ = self._under_way = waiting.popleft()
            if not operation:
                self._finish(None)
                continue
            self._asking = True
            self._workers.capacity.submit(operation, size, self._answered)
            self._asking = False
            if self._under_way is not None:
                return
        self._workers.lines.pop(self, None)

    def _answered(self, error: Exception | None) -> None:
        """Capacity is done with the operation: at once, or in a turn of its own."""
        if self._asking:
            self._finish(error)
        else:
            self._loop.call_soon(self._go_on, error, context=self._context)

    def _go_on(self, error: Exception | None) -> None:
        self._finish(error)
        self._advance()

    def _finish(self, error: Exception | None) -> None:
        """Let what is under way have its effect, unless it was not served or was dropped."""
        if self._under_way is None:
            return
        operation, _, effect = self._under_way
        self._under_way = None
        if error is None:
            effect()
            self._served()
        elif isinstance(error, QueueFull):
            self._refused(operation, error)
        else:  # the broker has restarted
            self.clear()
