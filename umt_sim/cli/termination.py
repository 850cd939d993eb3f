"""SIGTERM ends a command as Ctrl-C does, in good order, but with the exit code for it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["terminated"]

TERMINATED = 128 + signal.SIGTERM


@contextmanager
def terminated() -> Iterator[None]:
    """Interrupt what runs inside when SIGTERM comes; then exit with 143."""
    asked: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        asked.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so do the jobs a shell starts by &
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if asked:
            sys.exit(TERMINATED)
