"""Redis, or Valkey, which is the same to its clients."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from pathlib import Path

from umt_sim.servers.specs import ServiceSpec
from umt_sim.worlds.live.programs.base import LOOPBACK, Launch, asked, output_of, which

__all__ = ["Redis", "keeping"]


def keeping(spec: ServiceSpec) -> Mapping[str, str]:
    """The settings that make a server keep what *spec* says it has left after a restart."""
    every = spec.snapshot_every
    return {
        "save": f"{every:.0f} 1" if every is not None else "",
        "appendonly": "yes" if spec.persistence == "always" else "no",
        "appendfsync": "always",
    }


class Redis:
    """
    An installed redis-server or valkey-server.

    Args:
        path: The program.
        spec: What it must keep.
    """

    patience = 10.0
    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL

    def __init__(self, path: str, spec: ServiceSpec) -> None:
        self.place = path
        self._keeping = keeping(spec)
        self.name = Path(path).name

    @staticmethod
    def find(spec: ServiceSpec | None = None) -> Redis | None:
        """The installed server, to be run as *spec* says."""
        path = which("redis-server", "valkey-server")
        return Redis(path, spec or ServiceSpec("redis", "redis")) if path else None

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
            **self._keeping,
        }
        arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return Launch([self.place, *arguments])

    def answers(self, port: int) -> bool:
        """Whether it answers a PING."""
        return asked(port, b"PING\r\n") == b"+PONG\r\n"
