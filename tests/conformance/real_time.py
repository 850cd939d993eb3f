"""Runs what is measured in real time with as little as possible in its way."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

__all__ = ["precedence", "run"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` before other processes, and without collections of garbage in between."""
    gc.disable()
    try:
        with precedence():
            return asyncio.run(main)
    finally:
        gc.enable()


@contextmanager
def precedence() -> Iterator[None]:
    """Go before other processes, if the system lets us: timers are late on a busy machine."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, before - 10)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)
