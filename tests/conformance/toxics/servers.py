"""The Toxiproxy servers that the real-socket tests are played through, ours and the real one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from umt_sim.network.toxiproxy.server import serve

NAMES = ("toxiproxy-server", "server")  # the second is what `go install` calls it
PATIENCE = 10.0  # seconds for a server to answer


def real_toxiproxy() -> str | None:
    """Path of a real server: TOXIPROXY_SERVER, or on PATH, or where Go installs."""
    given = os.environ.get("TOXIPROXY_SERVER")
    if given:
        return given
    folders = [os.environ.get("PATH", ""), os.environ.get("GOBIN", "")]
    folders += [str(Path.home() / "go" / "bin")]
    return next(
        (found for name in NAMES for path in folders if (found := _which(name, path))), None
    )


def _which(name: str, path: str) -> str | None:
    return shutil.which(name, path=path) if path else None


@contextmanager
def running(command: list[str]) -> Iterator[None]:
    """Run a server until the end of the context."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def toxiproxy(binary: str) -> Iterator[str]:
    """The real server; gives the address of its API."""
    port = free_port()
    with running([binary, "-host", "127.0.0.1", "-port", str(port)]):
        yield _answering(port)


@contextmanager
def stand_in() -> Iterator[str]:
    """Our server, in a process of its own; gives the address of its API."""
    port = free_port()
    with running([sys.executable, __file__, str(port)]):
        yield _answering(port)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _answering(port: int) -> str:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return f"http://127.0.0.1:{port}"


if __name__ == "__main__":
    asyncio.run(serve("127.0.0.1", int(sys.argv[1]), stream=lambda path: Random(f"1:{path}")))
