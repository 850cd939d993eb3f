"""
Processes of this machine: which one it is, whether it lives, how it is stopped.

A process id is given again to somebody else when its process has ended. So a process
is known by its id *and* the time it was started, and nothing is ever done to another.
"""

# ruff: noqa: S603, S607 - looking at processes is what this module is for

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Process", "end", "inhabitants"]

PATIENCE = 3.0  # seconds a process gets to end by itself before it is killed
PROC = Path("/proc")
NO_TERMINAL = "0"


@dataclass(frozen=True, slots=True)
class Process:
    """
    One process, told from a later one with the same id.

    Attributes:
        pid: Process id.
        started: When it was started, as the operating system writes it.
    """

    pid: int
    started: str

    @staticmethod
    def of(pid: int) -> Process | None:
        """The process that has *pid* now, if one does and it has not ended."""
        started = _started(pid)
        return Process(pid, started) if started else None

    @property
    def alive(self) -> bool:
        """Whether it still runs, and is still the same."""
        return _started(self.pid) == self.started

    def send(self, number: int) -> None:
        """Signal it, if it is alive."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def children(self) -> list[Process]:
        """The processes it has started itself."""
        if not self.alive:
            return []
        found = (Process.of(pid) for pid in _children(self.pid))
        return [child for child in found if child is not None]


def end(process: Process, number: int = signal.SIGKILL) -> None:
    """
    End *process* for good: by signal *number*, and by SIGKILL if that is not enough.

    A frozen process is let go, so that it can hear; its children as well.
    """
    family = [process, *process.children()]
    process.send(number)
    for member in family:
        member.send(signal.SIGCONT)
    if not process.wait(PATIENCE):
        for member in family:
            member.send(signal.SIGKILL)
        process.wait(PATIENCE)


def inhabitants(folder: Path) -> list[Process]:
    """
    Whoever works in *folder* or has it in the environment, unless at a terminal.

    Servers leave processes behind that nobody wrote down, such as Erlang's port mapper.
    Somebody who reads a log there sits at a terminal; no server does.
    """
    found = (Process.of(pid) for pid in _told_of(str(folder)) if pid != os.getpid())
    return [process for process in found if process is not None]


def _started(pid: int) -> str:
    """When *pid* was started; empty if there is none, or it has ended and waits to be seen."""
    if sys.platform == "linux":
        fields = _stat(pid)
        return "" if not fields or fields[0] in "ZX" else fields[19]
    state, _, started = _ps("-p", str(pid), "-o", "stat=,lstart=").strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()


def _stat(pid: int) -> list[str]:
    """Linux's account of a process, from its state on; empty if there is none."""
    try:
        _, _, rest = (PROC / str(pid) / "stat").read_text().rpartition(")")
    except OSError:
        return []
    return rest.split()


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
    pairs = (line.split() for line in _ps("-A", "-o", "ppid=,pid=").splitlines())
    return [int(child) for parent, child in pairs if int(parent) == pid]


def _told_of(folder: str) -> Iterator[int]:
    """Ids of the processes that *folder* is home to; those of other users may stay unseen."""
    if sys.platform != "linux":
        lines = _ps("-A", "-ww", "-E", "-o", "tty=,pid=,command=").splitlines()
        rows = (line.split(None, 2) for line in lines if folder in line)
        yield from (int(pid) for tty, pid, _ in rows if tty.startswith("?"))
        return
    for pid in map(int, filter(str.isdigit, os.listdir(PROC))):  # noqa: PTH208 - names only
        fields = _stat(pid)
        if fields and fields[4] == NO_TERMINAL and _at_home(PROC / str(pid), folder):
            yield pid


def _at_home(place: Path, folder: str) -> bool:
    with contextlib.suppress(OSError):
        if os.readlink(place / "cwd").startswith(folder):  # noqa: PTH115 - also when removed
            return True
    with contextlib.suppress(OSError):
        return os.fsencode(folder) in (place / "environ").read_bytes()
    return False


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout
