"""Runs a coroutine to its end in real time, also where an event loop runs already."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

__all__ = ["run_to_end"]

T = TypeVar("T")


def run_to_end(main: Coroutine[Any, Any, T]) -> T:
    """
    ``asyncio.run``; in a notebook, whose loop runs already, in a thread of its own.

    Raises:
        KeyboardInterrupt: Ctrl-C, or the notebook's Interrupt; *main* was cancelled and has ended.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main)
    return _run_beside(main)


def _run_beside(main: Coroutine[Any, Any, T]) -> T:
    task: Future[asyncio.Task[Any]] = Future()

    async def announced() -> T:
        current = asyncio.current_task()
        assert current is not None
        task.set_result(current)
        return await main

    with ThreadPoolExecutor(1, thread_name_prefix="live world") as threads:
        running = threads.submit(asyncio.run, announced())
        try:
            return running.result()
        except KeyboardInterrupt:
            begun = task.result()
            begun.get_loop().call_soon_threadsafe(begun.cancel)
            wait([running])
            raise
