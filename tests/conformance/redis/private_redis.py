"""A real Redis of our own: a free port, a folder of its own, no trace afterwards."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from typing import Self

__all__ = ["PrivateRedis"]

_PATIENCE = 10.0  # seconds until it must answer; some 50 ms are usual


class PrivateRedis:
    """
    A redis-server process; a context manager.

    Raises:
        RuntimeError: It did not come up. What it printed is in the message.
    """

    host = "127.0.0.1"

    def __init__(self) -> None:
        with socket.create_server((self.host, 0)) as listener:
            self.port: int = listener.getsockname()[1]

    @staticmethod
    def program() -> str | None:
        """The installed server, or ``None``."""
        return shutil.which("redis-server")

    def __enter__(self) -> Self:
        program = self.program()
        assert program is not None, "ask program() first"
        self._folder = tempfile.TemporaryDirectory(prefix="umt-sim-redis-")  # for SAVE
        address = ["--port", str(self.port), "--bind", self.host]
        self._process = subprocess.Popen(
            [program, *address, "--save", "", "--dir", self._folder.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                printed, _ = self._process.communicate()
                raise RuntimeError(f"redis-server did not start:\n{printed.decode()}")
            time.sleep(0.02)
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(16) == b"+PONG\r\n"
        except OSError:
            return False

    def __exit__(self, *exc_info: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=_PATIENCE)
        self._folder.cleanup()
