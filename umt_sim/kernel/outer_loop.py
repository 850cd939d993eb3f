"""Virtual time inside a running event loop, as in a notebook: the outer loop is set aside."""

from __future__ import annotations

import asyncio
from asyncio import events
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["set_aside"]


@contextmanager
def set_aside(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """
    Hide whichever other loop runs in this thread, and its task, until the block ends.

    The outer loop stands still meanwhile, as it does during any function that
    does not await. If *loop* is running itself nothing is hidden, so that
    asyncio refuses to run it twice.
    """
    outer = events._get_running_loop()
    if outer is None or outer is loop:
        yield
        return
    # From 3.12 on asyncio checks that no task is entered inside another one's step.
    swap = getattr(asyncio.tasks, "_swap_current_task", None)
    task = asyncio.current_task(outer)
    if swap is not None:
        swap(outer, None)
    events._set_running_loop(None)
    try:
        yield
    finally:
        events._set_running_loop(outer)
        if swap is not None:
            swap(outer, task)
