"""SIGTERM and SIGHUP as Ctrl-C: what was begun is undone before the process ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["terminated_like_interrupted"]

ENDINGS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """
    Let SIGTERM and SIGHUP do what Ctrl-C does, where nobody has decided otherwise.

    Signals belong to the main thread; in others this does nothing.
    """
    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [n for n in ENDINGS if signal.getsignal(n) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(*_: object) -> None:
    """Ctrl-C, also where it is ignored, as in the jobs that a shell starts by &."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)
