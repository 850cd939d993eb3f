"""Workers and a queue on a loop of real time, for servers that only act as if they were slow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING

from umt_sim.distributions.base import Distribution, check_positive
from umt_sim.servers.capacity import QueueFull, Restarted, ServiceTimes

if TYPE_CHECKING:
    from random import Random

__all__ = ["Paced"]


class Paced:
    """
    What ``Station`` is in virtual time: so many workers, one queue, first come, first served.

    Works on any asyncio loop, by its own timers. It keeps no account and has no warm-up.

    Args:
        name: Whose capacity it is, for error messages.
        workers: How many operations are served at once, at least 1.
        service: Service time of each class of operation.
        default: Service time of every other class.
        per_byte: Seconds added for each byte of ``size``.
        queue_limit: Callers that may wait; ``None`` is no limit.
        stream: Its own random numbers.

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(
        self,
        *,
        name: str,
        workers: int,
        service: Mapping[str, Distribution] | None = None,
        default: Distribution,
        per_byte: float = 0.0,
        queue_limit: int | None = None,
        stream: Random,
    ) -> None:
        check_positive("the number of workers", workers)
        self._name = name
        self._free = workers
        self._times = ServiceTimes(
            service=service, default=default, per_byte=per_byte, stream=stream
        )
        self._queue_limit = inf if queue_limit is None else queue_limit
        self._queue: deque[asyncio.Future[None]] = deque()
        self._submitted: dict[asyncio.Task[None], None] = {}
        self._served: dict[asyncio.Future[None], None] = {}

    async def serve(self, operation: str, *, size: int = 0) -> None:
        """
        Wait for a worker, then for the operation to be done.

        Raises:
            QueueFull: There is no room to wait. Nothing was done.
            Restarted: ``restart`` was called meanwhile. Nothing was done.
        """
        seconds = self._times.draw(operation, size)
        await self._take_worker()
        done = asyncio.get_running_loop().create_future()
        timer = done.get_loop().call_later(seconds, _finish, done)
        self._served[done] = None
        try:
            await done
        finally:
            timer.cancel()
            del self._served[done]
            self._give_back_worker()

    def submit(self, operation: str, size: int, done: Callable[[Exception | None], None]) -> None:
        """``serve`` for a protocol that has no task: call *done* in place of returning."""
        task = asyncio.get_running_loop().create_task(self.serve(operation, size=size))
        self._submitted[task] = None
        task.add_done_callback(lambda task: self._submission_done(task, done))

    def _submission_done(
        self, task: asyncio.Task[None], done: Callable[[Exception | None], None]
    ) -> None:
        del self._submitted[task]
        if not task.cancelled():
            error = task.exception()
            if error is None or isinstance(error, QueueFull | Restarted):
                done(error)
            else:
                raise error

    def restart(self) -> None:
        """Drop everybody who waits or is served."""
        for future in [*self._queue, *self._served]:
            if not future.done():
                future.set_exception(Restarted(self._name))
        self._queue.clear()

    async def _take_worker(self) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._queue) >= self._queue_limit:
            raise QueueFull(self._name, len(self._queue))
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._queue:
                self._queue.remove(turn)
            elif turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back_worker()  # it was granted in the instant of the cancellation
            raise

    def _give_back_worker(self) -> None:
        """Hand the worker to the first who waits and is still there."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
