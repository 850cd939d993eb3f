"""What an instance asks of a server program: how it is started, and whether it answers."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["LOOPBACK", "Launch", "Program", "asked", "free_port", "output_of", "which"]

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Launch:
    """
    How a process is started.

    Attributes:
        command: Program and arguments.
        environment: Its whole environment; ``None`` inherits ours.
        owner: User and group to run it as; ``None`` for our own.
    """

    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    owner: tuple[int, int] | None = None


class Program(Protocol):
    """A server program that is installed here."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def place(self) -> str:
        """Where it is installed."""
        ...

    @property
    def patience(self) -> float:
        """Seconds until it must answer."""
        ...

    @property
    def stop_signal(self) -> int:
        """Ends it in good order, data kept."""
        ...

    @property
    def kill_signal(self) -> int:
        """Ends it at once, as a crash does; its data may need recovery."""
        ...

    def version(self) -> str:
        """Its release."""
        ...

    def prepare(self, home: Path, port: int) -> Launch:
        """Write what it needs into its folder, and say how it is started there."""
        ...

    def answers(self, port: int) -> bool:
        """Whether it does its work on *port* now."""
        ...


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def asked(port: int, request: bytes, size: int = 16) -> bytes:
    """The beginning of what a server on loopback answers; empty if it does not."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as client:
            client.sendall(request)
            return client.recv(size)
    except OSError:
        return b""


def which(*names: str, folders: Sequence[str | Path] = ()) -> str | None:
    """The first of the programs *names* on PATH or in *folders*."""
    for name in names:
        for folder in (None, *folders):
            found = shutil.which(name, path=str(folder) if folder is not None else None)
            if found is not None:
                return found
    return None


def output_of(*command: str) -> str:
    """What a program prints; empty if it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 - programs that were found, asked for their version
            command, capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr
