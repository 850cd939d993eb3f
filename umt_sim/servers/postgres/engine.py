"""A private PostgreSQL server, started from a template and removed with its process."""

# ruff: noqa: S603 - running programs is what this module is for

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

from umt_sim.errors import WorldUnavailable
from umt_sim.kernel.guard import Guard
from umt_sim.servers.postgres import places, supervisor
from umt_sim.servers.postgres.binaries import REMEDY, Binaries, find_binaries, within_reach
from umt_sim.servers.postgres.template import Recipe, prepared

__all__ = ["Engine"]

LOOPBACK = "127.0.0.1"


class Engine:
    """
    One running PostgreSQL, reachable through a private Unix socket.

    ``start`` gives a server whose files are those of the recipe's template; ``fresh`` gives
    them again, in some hundredths of a second, and with them the same object ids, transaction
    ids and log positions: two runs on one engine cannot tell which of them came first.

    The server belongs to a supervisor process that ends with this one, even after
    ``kill -9``, and takes the server and all files with it.

    Args:
        recipe: What a fresh server contains.
        binaries: The installation to use; found if ``None``.
        port: TCP port on loopback for drivers that connect to the engine itself; 0 chooses
            a free one. ``None``, the default: no TCP at all.
        max_connections: Backends at once.
    """

    def __init__(
        self,
        recipe: Recipe | None = None,
        *,
        binaries: Binaries | None = None,
        port: int | None = None,
        max_connections: int = 300,
    ) -> None:
        self.recipe = recipe or Recipe()
        self.binaries = binaries or find_binaries()
        self.port = _free_port() if port == 0 else port
        self.max_connections = max_connections
        self._folder: Path | None = None
        self._supervisor: subprocess.Popen[str] | None = None
        self._owner = os.getpid()

    @property
    def folder(self) -> Path:
        """Where the server lives; its data are in ``data`` below."""
        assert self._folder is not None, "the engine was not started"
        return self._folder

    @property
    def socket_path(self) -> str:
        """The Unix socket that libpq and others would find in ``folder``."""
        return str(self.folder / f".s.PGSQL.{self.port or 5432}")

    @property
    def running(self) -> bool:
        """Between ``start`` and ``stop``, in the process that started it."""
        return self._supervisor is not None and self._owner == os.getpid()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """
        Start a fresh server. Best done before a run: it may have to make the template.

        Raises:
            WorldUnavailable: It did not start; carries the end of its log.
        """
        assert self._supervisor is None, "the engine was started already"
        with Guard.opened():
            self.binaries = within_reach(self.binaries)
            config = json.dumps(self._config(prepared(self.binaries, self.recipe)))
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, config],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        self._folder = Path(self._answer())
        self.fresh()

    def fresh(self) -> None:
        """Start again from the template's files. Every connection is lost, nothing is kept."""
        self._command("fresh")

    def crash(self) -> None:
        """Kill the server in mid-work and let it recover what was committed."""
        self._command("crash")

    def stop(self) -> None:
        """Stop the server and remove its files. Safe to call more than once."""
        running, self._supervisor = self._supervisor, None
        if running is None:
            return
        if running.stdin and running.stdout and self._owner == os.getpid():
            running.stdin.close()
            running.wait()
            running.stdout.close()

    def _config(self, template: Path) -> dict[str, object]:
        command = [
            self.binaries.program("postgres"),
            "-c",
            f"max_connections={self.max_connections}",
        ]
        if self.port is not None:
            command += ["-c", f"listen_addresses={LOOPBACK}", "-p", str(self.port)]
        return {
            "command": command,
            "template": str(template),
            "places": places.for_servers(),
            "owner": places.unprivileged(),
        }

    def _command(self, word: str) -> None:
        assert self._supervisor is not None, "the engine was not started"
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.write(word + "\n")
        self._supervisor.stdin.flush()
        if self._answer() != "ready":
            raise WorldUnavailable(
                "postgres", f"the engine did not start: {self._log()}", remedy=REMEDY
            )

    def _answer(self) -> str:
        assert self._supervisor is not None
        assert self._supervisor.stdout is not None
        answer = self._supervisor.stdout.readline().strip()
        if not answer:
            raise WorldUnavailable(
                "postgres", "the engine's supervisor ended", remedy="see what it wrote to stderr"
            )
        return answer

    def _log(self) -> str:
        """The end of what the server wrote."""
        return (self.folder / "log").read_text(errors="replace").strip()[-2000:]


def _free_port() -> int:
    """A TCP port that nobody uses just now."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
