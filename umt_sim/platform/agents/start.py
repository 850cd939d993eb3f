"""The handle that ``agent.start()`` returns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

__all__ = ["Start"]


class Start:
    """
    An agent that is starting. Awaiting it waits until the agent takes messages.

    With a running event loop the start begins at once, without one when it is awaited.
    """

    def __init__(
        self,
        subscribe: Callable[[], Coroutine[Any, Any, None]],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._subscribe = subscribe
        self._on_error = on_error
        self._awaited = False
        self._task: asyncio.Task[None] | None = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._begin(loop)

    def __await__(self) -> Generator[Any, None, None]:
        self._awaited = True
        return self._wait().__await__()

    async def cancelled(self) -> None:
        """Stop starting, if that still goes on."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _wait(self) -> None:
        await (self._task or self._begin(asyncio.get_running_loop()))

    def _begin(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
        self._task = loop.create_task(self._subscribe())
        self._task.add_done_callback(self._ended)
        return self._task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) and not self._awaited:
            self._on_error(error)
