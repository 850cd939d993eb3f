"""Limits how many calls run at once, so that one slow callee cannot take all there is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, ParamSpec, TypeVar

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.resilience.errors import BulkheadFull
from umt_sim.platform.resilience.listeners import Listener, Publisher, Report, log_failure

__all__ = ["Bulkhead", "BulkheadRefused"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class BulkheadRefused:
    """A call found no place: the queue was full, or it waited too long."""

    kind: ClassVar[str] = "bulkhead_refused"
    at: float
    policy: str
    running: int
    waiting: int


class Bulkhead:
    """
    Lets *limit* calls run and *queue* more wait, in the order they came.

    Args:
        name: Appears in errors and events.
        limit: Calls running at once.
        queue: Calls waiting at most; 0 refuses at once.
        max_wait_seconds: How long a call waits for its turn; ``None`` for as long as it takes.
    """

    def __init__(
        self,
        name: str,
        limit: int,
        queue: int = 0,
        max_wait_seconds: float | None = None,
        *,
        clock: Clock,
        listeners: Iterable[Listener[BulkheadRefused]] = (),
        report: Report = log_failure,
    ) -> None:
        if limit < 1:
            raise ValueError(f"bulkhead {name!r} lets {limit} calls run; write 1 or more")
        if queue < 0:
            raise ValueError(f"bulkhead {name!r} lets {queue} calls wait; write 0 or more")
        if max_wait_seconds is not None and not max_wait_seconds > 0:
            raise ValueError(
                f"bulkhead {name!r} lets calls wait {max_wait_seconds} s; write a positive "
                "number of seconds, or queue=0 for no waiting"
            )
        self.name = name
        self.limit = limit
        self.queue = queue
        self.max_wait_seconds = max_wait_seconds
        self._clock = clock
        self._publisher: Publisher[BulkheadRefused] = Publisher(tuple(listeners), report)
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def running(self) -> int:
        """Calls running now."""
        return self._running

    @property
    def waiting(self) -> int:
        """Calls waiting now."""
        return len(self._waiting)

    async def call(
        self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """
        Await ``function(*args, **kwargs)`` when it has a place.

        Raises:
            BulkheadFull: It got none; the call did not happen.
        """
        await self._enter()
        try:
            return await function(*args, **kwargs)
        finally:
            self._leave()

    async def _enter(self) -> None:
        if self._running < self.limit:
            self._running += 1
            return
        if len(self._waiting) >= self.queue:
            raise self._refusal()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self.max_wait_seconds):
                await turn
        except BaseException as error:
            self._give_up(turn)
            if isinstance(error, TimeoutError):
                raise self._refusal() from error
            raise

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        """The place may have been handed over in the very moment the caller stopped waiting."""
        if turn.done() and not turn.cancelled():
            self._leave()
        else:
            self._waiting.remove(turn)

    def _leave(self) -> None:
        """Hand the place to the next in the queue, or free it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1

    def _refusal(self) -> BulkheadFull:
        running, waiting = self._running, len(self._waiting)
        self._publisher.put(BulkheadRefused(self._clock.monotonic(), self.name, running, waiting))
        self._publisher.deliver()
        return BulkheadFull(self.name, running, waiting)
