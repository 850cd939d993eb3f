"""One private server: a process, a port and a folder, all written down in the ledger."""

# ruff: noqa: S603 - running programs is what this module is for

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from umt_sim.errors import WorldUnavailable
from umt_sim.worlds.live.ledger import Ledger
from umt_sim.worlds.live.processes import Process, end
from umt_sim.worlds.live.programs.base import LOOPBACK, Program, free_port
from umt_sim.worlds.live.undo import EndProcess, RemoveFolder

__all__ = ["Instance", "unwritable"]

STOPPING = 30.0  # seconds a server may take to stop in good order
TAIL = 1500  # characters of its log that an error shows


class Instance:
    """
    A server of our own on loopback; a context manager.

    Args:
        program: What to run.
        ledger: Where it is written down how all of it is undone.
        home: Its folder, not there yet.
        port: A free one when left out.

    Attributes:
        host: Where it listens.
        port: On which port; the same after a restart.
    """

    host = LOOPBACK

    def __init__(
        self, program: Program, *, ledger: Ledger, home: Path, port: int | None = None
    ) -> None:
        self.program = program
        self.home = home
        self.port = free_port() if port is None else _insist_on(port, program.name)
        self._ledger = ledger
        self._popen: subprocess.Popen[bytes] | None = None
        self._process: Process | None = None
        self._note: int | None = None
        self._frozen: list[Process] = []
        self._folder = ledger.note(RemoveFolder(str(home)))
        try:
            home.mkdir(mode=0o711)
            self._launch = program.prepare(home, self.port)
        except OSError as error:
            raise unwritable(program.name, home.parent, error) from error

    @property
    def pid(self) -> int:
        """Its process id, while it runs."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def start(self) -> None:
        """
        Start it and wait until it answers; again after ``stop`` or ``kill`` on its old data.

        Raises:
            WorldUnavailable: It did not come up; carries the end of its log.
        """
        self.spawn()
        self.wait_ready()

    def spawn(self) -> None:
        """Start it without waiting."""
        launch = self._launch
        identity: dict[str, Any] = {}
        if launch.owner is not None:
            identity = {"user": launch.owner[0], "group": launch.owner[1], "extra_groups": []}
        with (self.home / "output").open("ab") as output:
            self._popen = subprocess.Popen(
                launch.command,
                env=launch.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for us, not for it
                **identity,
            )
        self._process = process = Process.of(self._popen.pid)
        if process is not None:
            # Until here the folder stands for it: it was started there.
            step = EndProcess(process.pid, process.started, self.program.kill_signal)
            self._note = self._ledger.note(step)

    def wait_ready(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + self.program.patience
        while not self.program.answers(self.port):
            if self._ended() or time.monotonic() > deadline:
                raise WorldUnavailable(
                    self.program.name,
                    f"did not start on port {self.port}",
                    remedy="mend what its log tells, or choose another --provider\n" + self._log(),
                )
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it in good order, keeping its data."""
        if self._process is not None and self._popen is not None:
            self._process.send(self.program.stop_signal)
            try:
                self._popen.wait(STOPPING)
            except subprocess.TimeoutExpired:
                self.kill()
            self._gone()

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            end(self._process, self.program.kill_signal)
            self._gone()

    def pause(self) -> None:
        """Freeze it with everything it has started."""
        if self._process is not None:
            self._process.send(signal.SIGSTOP)  # first of all, so that it starts nothing more
            self._frozen = [self._process, *self._process.children()]
            for member in self._frozen:
                member.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        for member in self._frozen:
            member.send(signal.SIGCONT)
        self._frozen = []

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        self._ledger.settle(self._folder)

    def _gone(self) -> None:
        if self._popen is not None:
            self._popen.wait()
        self._popen = self._process = None
        if self._note is not None:
            self._ledger.settle(self._note)
            self._note = None

    def _ended(self) -> bool:
        return self._popen is None or self._popen.poll() is not None

    def _log(self) -> str:
        try:
            return (self.home / "output").read_text(errors="replace")[-TAIL:].strip()
        except OSError:
            return ""


def unwritable(name: str, folder: Path, error: OSError) -> WorldUnavailable:
    """What to say where a server's files have no place."""
    return WorldUnavailable(
        name,
        f"its files cannot be written to {folder} ({error.strerror or error})",
        remedy="make room there, or set TMPDIR to a folder that can be written",
    )


def _insist_on(port: int, name: str) -> int:
    """*port*, if nobody has it."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError as error:
        raise WorldUnavailable(
            name,
            f"port {port} is taken ({error.strerror})",
            remedy="choose another, or none: then a free one is found",
        ) from error
    return port
