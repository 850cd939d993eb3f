"""Operations in order, each one held up by the broker's capacity before it has its effect."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from umt_sim.servers.capacity import QueueFull, Restarted

if TYPE_CHECKING:
    from umt_sim.servers.capacity import Capacity

__all__ = ["Line", "Workers"]


class Workers:
    """
    The tasks of all lines, so that none is left alone.

    Args:
        capacity: What holds operations up.
    """

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self._tasks: dict[asyncio.Task[None], None] = {}

    def start(self, line: Line) -> None:
        """Let *line* work until it is empty."""
        task = asyncio.get_running_loop().create_task(line.work())
        self._tasks[task] = None
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and task.exception() is not None:
            task.get_loop().call_exception_handler(
                {"message": "the broker failed", "exception": task.exception(), "task": task}
            )

    def cancel(self) -> None:
        """Drop what is under way; its effects do not happen."""
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        """The same, and wait until it is so."""
        tasks = list(self._tasks)
        self.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Line:
    """
    One direction of one channel.

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
        self._waiting: deque[tuple[str, int, Callable[[], None]]] = deque()
        self._working = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self._working

    def submit(self, operation: str, size: int, effect: Callable[[], None]) -> None:
        """
        Line up one operation; an empty name takes its turn without asking for capacity.

        Args:
            operation: Its class: ``publish``, ``deliver``, ``get``, ``ack``, ``declare``.
            size: Bytes of payload.
            effect: What happens when it is served.
        """
        self._waiting.append((operation, size, effect))
        if not self._working:
            self._working = True
            self._workers.start(self)

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    async def work(self) -> None:
        """Serve until nobody waits."""
        try:
            while self._waiting:
                operation, size, effect = self._waiting.popleft()
                if operation:
                    try:
                        await self._workers.capacity.serve(operation, size=size)
                    except QueueFull as full:
                        self._refused(operation, full)
                        continue
                    except Restarted:
                        return
                effect()
                self._served()
        finally:
            self._working = False
