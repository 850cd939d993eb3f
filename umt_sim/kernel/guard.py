"""
Catches code that reaches for the real machine from inside virtual time, or waits for its clock.

A real socket, process, thread or sleep would make a run depend on the machine,
and usually hang it. Python reports the first two to audit hooks, also from C
code; threads and sleeps only in some versions, so those two are replaced as
well. So is the wait of ``threading.Condition``, which events and queues share:
no other thread runs that could end it, and its time limit is virtual time, which
stands still meanwhile. Only the thread of the run is watched.

A loop that reads the clock until some moment comes, without awaiting anything, would go on
for ever, for the clock stands still within a turn: it is ended after a million readings.

A bare ``threading.Lock`` that nobody releases, ``queue.SimpleQueue`` and an endless loop that
reads no clock are not noticed: nothing of the kernel runs meanwhile. To see the line, start the
system's factory with ``faulthandler.dump_traceback_later(30)``: it prints the stack after 30 real
seconds and disturbs nothing. Two Ctrl-C end such a run, and keep what was recorded.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import wraps
from threading import get_ident
from typing import Any

from umt_sim.errors import KernelError, Livelock, WallClockLeak
from umt_sim.kernel.sources import calling_line
from umt_sim.kernel.tape import Tape
from umt_sim.kernel.wall_clock import PATIENCE

__all__ = ["NO_PROCESSES", "NO_THREADS", "Guard"]

NO_SOCKETS = "connect through asyncio, whose sockets are simulated"
NO_PROCESSES = "there are no processes; replace what it does before the run"
NO_THREADS = "use a task, or asyncio.to_thread, which runs its function in virtual time"

_FORBIDDEN = {
    "socket.__new__": NO_SOCKETS,
    "socket.connect": NO_SOCKETS,
    "socket.bind": NO_SOCKETS,
    "socket.sendto": NO_SOCKETS,
    "socket.getaddrinfo": NO_SOCKETS,
    "socket.gethostbyname": NO_SOCKETS,
    "socket.gethostbyaddr": NO_SOCKETS,
    "subprocess.Popen": NO_PROCESSES,
    "os.exec": NO_PROCESSES,
    "os.fork": NO_PROCESSES,
    "os.forkpty": NO_PROCESSES,
    "os.posix_spawn": NO_PROCESSES,
    "os.spawn": NO_PROCESSES,
    "os.system": NO_PROCESSES,
    "pty.spawn": NO_PROCESSES,
    "_thread.start_new_thread": NO_THREADS,  # 3.12
    "_thread.start_joinable_thread": NO_THREADS,  # since 3.13
    "threading.Thread.start": NO_THREADS,
    "threading.Condition.wait": "wait with asyncio's Event, Condition or Queue",
    "time.sleep": "use `await asyncio.sleep`",  # reported since 3.13
}
"""What must not be called, and what to do instead."""

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

    Args:
        tape: Counts the turns of the loop.

    Attributes:
        leaks: Every leak and every spinning loop so far. Code under test may catch the
            exception, as retry loops do; the run is worthless all the same.
    """

    def __init__(self, tape: Tape) -> None:
        self.leaks: list[KernelError] = []
        self._tape = tape
        self._turn = -1
        self._thread = get_ident()

    def arm(self, undo: ExitStack) -> None:
        """Watch the current thread until *undo* closes."""
        _Hook.install()
        self._thread = get_ident()
        undo.callback(setattr, _Hook, "armed", _Hook.armed)
        _Hook.armed = self
        self._watch(threading.Thread, "start", undo)
        self._watch(threading.Condition, "wait", undo)

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
            leak = WallClockLeak(call, calling_line(), instead=_FORBIDDEN[call])
            self.leaks.append(leak)
            raise leak

    def spinning(self, now: float) -> None:
        """
        Told by the clock whenever it was read another ``PATIENCE`` times, lastly at *now*.

        Raises:
            Livelock: All of these were in one turn; names the line that reads it.
        """
        turn, self._turn = self._turn, self._tape.turns
        if turn == self._turn:
            livelock = Livelock(now, PATIENCE, [calling_line()], unit="readings in one turn")
            self.leaks.append(livelock)
            raise livelock

    def _watch(self, owner: type, name: str, undo: ExitStack) -> None:
        """Check each call of a method until *undo* closes."""
        method = getattr(owner, name)
        call = f"threading.{owner.__name__}.{name}"

        @wraps(method)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.check(call)
            return method(*args, **kwargs)

        undo.callback(setattr, owner, name, method)
        setattr(owner, name, watched)

    def sleep(self, seconds: float) -> None:
        """Stands for ``time.sleep`` while the guard is armed."""
        self.check("time.sleep")
        _real_sleep(seconds)
