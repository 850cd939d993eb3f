"""
Catches code that reaches for the real machine from inside virtual time.

A real socket, process, thread or sleep would make a run depend on the machine,
and usually hang it. Python reports the first two to audit hooks, also from C
code; threads and sleeps only in some versions, so those two are replaced as
well. Only the thread of the run is watched.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from threading import get_ident
from typing import Any

from umt_sim.errors import WallClockLeak
from umt_sim.kernel.sources import calling_line

__all__ = ["Guard"]

_FORBIDDEN = frozenset(
    {
        "socket.__new__",
        "socket.connect",
        "socket.bind",
        "socket.sendto",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "subprocess.Popen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "pty.spawn",
        "_thread.start_new_thread",  # 3.12
        "_thread.start_joinable_thread",  # since 3.13
        "time.sleep",  # since 3.13
    }
)
_real_sleep = time.sleep
_opened: ContextVar[bool] = ContextVar("umt_sim_guard_opened", default=False)


class _Hook:
    """
    The audit hook of this process.

    Python has no way to remove one, so there is one, which asks the guard that is
    armed, if any.
    """

    armed: Guard | None = None
    installed = False

    @classmethod
    def install(cls) -> None:
        if not cls.installed:
            cls.installed = True
            sys.addaudithook(cls.audit)

    @classmethod
    def audit(cls, event: str, args: tuple[Any, ...]) -> None:  # noqa: ARG003 - Python's signature
        if cls.armed is not None and event in _FORBIDDEN:
            cls.armed.check(event)


class Guard:
    """
    Raises ``WallClockLeak`` at the call that leaves virtual time.

    Attributes:
        leaks: Every leak so far. Code under test may catch the exception, as retry
            loops do; the run is worthless all the same.
    """

    def __init__(self) -> None:
        self.leaks: list[WallClockLeak] = []
        self._thread = get_ident()

    def arm(self, undo: ExitStack) -> None:
        """Watch the current thread until *undo* closes."""
        _Hook.install()
        self._thread = get_ident()
        undo.callback(setattr, _Hook, "armed", _Hook.armed)
        _Hook.armed = self
        start = threading.Thread.start

        def guarded_start(thread: threading.Thread) -> None:
            self.check("threading.Thread.start")
            start(thread)

        undo.callback(setattr, threading.Thread, "start", start)
        threading.Thread.start = guarded_start  # type: ignore[method-assign, assignment]

    @staticmethod
    @contextmanager
    def opened() -> Iterator[None]:
        """Let the harness's own code through, such as the channel to a real database."""
        token = _opened.set(True)
        try:
            yield
        finally:
            _opened.reset(token)

    def check(self, call: str) -> None:
        """
        Object to *call*, unless the guard is open or another thread makes it.

        Raises:
            WallClockLeak: With the line of the code under test.
        """
        if get_ident() == self._thread and not _opened.get():
            leak = WallClockLeak(call, calling_line())
            self.leaks.append(leak)
            raise leak

    def sleep(self, seconds: float) -> None:
        """Stands for ``time.sleep`` while the guard is armed."""
        self.check("time.sleep")
        _real_sleep(seconds)
