"""Where blocking calls may block: in a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["Outside", "directly", "in_thread"]

T = TypeVar("T")


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Call *function* in a thread, and wait without blocking the loop."""
    return await asyncio.to_thread(function, *args)


async def directly(function: Callable[..., T], *args: Any) -> T:
    """Call *function* here and now: for what does not block."""
    return function(*args)


class Outside:
    """
    Lets synchronous code in other threads use coroutines of this loop.

    Made on the loop; its ``wait`` is called from anywhere else.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def wait(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """
        Run *coroutine* on the loop and block until it is done.

        Raises:
            RuntimeError: Called on the loop itself, which would wait for itself for ever.
        """
        try:
            if asyncio.get_running_loop() is self._loop:
                coroutine.close()
                raise RuntimeError("called on its own loop: await the coroutine instead")
        except RuntimeError as error:
            if "own loop" in str(error):
                raise
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    def call(self, function: Callable[..., Any], *args: Any) -> None:
        """Have *function* called on the loop, soon."""
        self._loop.call_soon_threadsafe(function, *args)
