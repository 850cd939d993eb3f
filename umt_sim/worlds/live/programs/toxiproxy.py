"""Toxiproxy's own server, as released or as ``go install`` builds it."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

from umt_sim.errors import WorldUnavailable
from umt_sim.worlds.live.programs.base import LOOPBACK, Launch, asked, output_of, which

__all__ = ["Toxiproxy"]

SETTING = "TOXIPROXY_SERVER"
"""Environment variable with the path of the server."""


class Toxiproxy:
    """
    An installed Toxiproxy server.

    Args:
        path: The program.
    """

    name = "toxiproxy"
    patience = 10.0
    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL

    def __init__(self, path: str) -> None:
        self.place = path

    @staticmethod
    def find() -> Toxiproxy | None:
        """
        The installed server: the setting, or on PATH, or where Go installs.

        ``go install`` calls it ``server``; one of that name must say that it is Toxiproxy.

        Raises:
            WorldUnavailable: The setting names no program.
        """
        if given := os.environ.get(SETTING):
            if shutil.which(given) is None:
                raise WorldUnavailable(
                    "toxiproxy",
                    f"{SETTING} names {given}, which is no program",
                    remedy="correct it, or leave it out to have Toxiproxy found",
                )
            return Toxiproxy(given)
        folders = [Path(os.environ.get("GOBIN") or Path.home() / "go" / "bin")]
        path = which("toxiproxy-server", folders=folders)
        if path is None:
            path = which("server", folders=folders)
            if path is not None and "proxy-metrics" not in output_of(path, "-help"):
                path = None
        return Toxiproxy(path) if path else None

    def version(self) -> str:
        """Its release, or ``git`` if it was built without one."""
        found = re.search(r"version ([\w.]+)", output_of(self.place, "-version"))
        return found.group(1) if found else "unknown"

    def prepare(self, home: Path, port: int) -> Launch:  # noqa: ARG002 - it writes nothing
        """Settings are arguments; there is nothing to write."""
        return Launch([self.place, "-host", LOOPBACK, "-port", str(port)])

    def answers(self, port: int) -> bool:
        """Whether its API answers."""
        request = b"GET /version HTTP/1.0\r\nHost: localhost\r\n\r\n"
        return asked(port, request).startswith(b"HTTP/1.0 200")
