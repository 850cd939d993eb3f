"""Redis, or Valkey, which is the same to its clients."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from umt_sim.worlds.live.programs.base import LOOPBACK, Launch, asked, output_of, which

__all__ = ["Redis"]


class Redis:
    """
    An installed redis-server or valkey-server.

    It keeps nothing on disk: started again it is empty, which is what losing a cache means.

    Args:
        path: The program.
    """

    patience = 10.0
    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL

    def __init__(self, path: str) -> None:
        self.place = path
        self.name = Path(path).name

    @staticmethod
    def find() -> Redis | None:
        """The installed server."""
        path = which("redis-server", "valkey-server")
        return Redis(path) if path else None

    def version(self) -> str:
        """Its release."""
        found = re.search(r"v=(\d[\d.]*)", output_of(self.place, "--version"))
        return found.group(1) if found else "unknown"

    def prepare(self, home: Path, port: int) -> Launch:
        """Settings are arguments; there is nothing to write."""
        settings = {
            "port": str(port),
            "bind": LOOPBACK,
            "dir": str(home),
            "save": "",
            "appendonly": "no",
        }
        arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return Launch([self.place, *arguments])

    def answers(self, port: int) -> bool:
        """Whether it answers a PING."""
        return asked(port, b"PING\r\n") == b"+PONG\r\n"
