"""RabbitMQ: one node with a port mapper of its own."""

# ruff: noqa: S603 - running programs is what this module is for

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from umt_sim.worlds.live.programs.base import LOOPBACK, Launch, asked, free_port

__all__ = ["RabbitMQ"]

SCRIPTS = ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/opt/homebrew/sbin", "/usr/local/sbin")
"""Folders with the server's own scripts. Debian's in ``/usr/sbin`` change the user and drop
the environment."""

SETTINGS = """\
listeners.tcp.1 = {host}:{port}
default_user = {account}
default_pass = {account}
loopback_users.guest = true
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
collect_statistics_interval = 1000
"""
FIREHOSE = '[{rabbit, [{trace_vhosts, [<<"/">>]}]}].\n'
"""The firehose from the first moment on, also after a restart."""

MANAGEMENT = """\
management.tcp.ip = {host}
management.tcp.port = {port}
"""


class RabbitMQ:
    """
    An installed RabbitMQ.

    Args:
        script: Its ``rabbitmq-server``.
        account: Name and password of its one user.
        witnessed: Whether it shows its queues, by the management API on
            ``management_port``, and its messages, by the firehose.
    """

    name = "rabbitmq"
    patience = 120.0  # 4 to 7 seconds are usual, many times that on a busy machine
    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL

    def __init__(self, script: Path, *, account: str = "umt", witnessed: bool = False) -> None:
        self._script = script
        self.place = str(script)
        self._account = account
        self._witnessed = witnessed
        self._environment: dict[str, str] = {}
        self.management_port = free_port() if witnessed else None

    @staticmethod
    def find() -> Path | None:
        """The installed server's script."""
        scripts = (Path(folder) / "rabbitmq-server" for folder in SCRIPTS)
        return next((script for script in scripts if script.exists()), None)

    def version(self) -> str:
        """Its release, as its folder of plugins or its package tells; it takes seconds to ask."""
        for folder in (self._script.resolve().parent.parent, Path("/usr/lib/rabbitmq/lib")):
            for place in (folder, *folder.glob("rabbitmq_server-*")):
                if found := re.search(r"rabbitmq_server-(\d[\w.]*)", str(place)):
                    return found.group(1)
        return "unknown"

    def prepare(self, home: Path, port: int) -> Launch:
        """Write its configuration; everything it keeps is under *home*."""
        settings = SETTINGS.format(host=LOOPBACK, port=port, account=self._account)
        if self._witnessed:
            settings += MANAGEMENT.format(host=LOOPBACK, port=self.management_port)
        (home / "rabbitmq.conf").write_text(settings)
        (home / "advanced.config").write_text(FIREHOSE if self._witnessed else "[].\n")
        plugins = "rabbitmq_management" if self._witnessed else ""
        (home / "enabled_plugins").write_text(f"[{plugins}].\n")
        for name in ("home", "mnesia", "log"):
            (home / name).mkdir()
        self._environment = _environment(home, port)
        return Launch([str(self._script)], self._environment)

    def answers(self, port: int) -> bool:
        """Whether it greets who speaks AMQP."""
        return bool(asked(port, b"AMQP\x00\x00\x09\x01"))

    def control(self, *arguments: str) -> str:
        """
        Run ``rabbitmqctl`` against the prepared node; its output.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        return subprocess.run(
            [str(self._script.with_name("rabbitmqctl")), "-q", *arguments],
            env=self._environment,
            cwd=self._environment["HOME"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout


def _environment(home: Path, port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home / "home"),
        "LANG": "C.UTF-8",
        "RABBITMQ_NODENAME": f"private{port}@localhost",
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "ERL_EPMD_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none"
            " -rabbit quorum_tick_interval 1000"  # else a queue's length is ten seconds old
        ),
        # With these two the script replaces itself by the broker: our child is the broker.
        "RABBITMQ_ALLOW_INPUT": "1",
        "RABBITMQ_SERVER_START_ARGS": "-noinput",
    }
