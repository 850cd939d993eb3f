"""A real RabbitMQ of our own: free ports, a temporary folder, no trace afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

__all__ = ["PrivateBroker", "find_server"]

_START = 60.0  # seconds a broker may take; 4 to 7 are usual
_STOP = 20.0

_SETTINGS = """\
listeners.tcp.1 = 127.0.0.1:{port}
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
loopback_users.guest = true
"""


def find_server() -> Path | None:
    """
    The script that starts the installed RabbitMQ, or ``None``.

    Not the one in ``/usr/sbin``: that one changes the user and drops the environment.
    """
    for place in ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin"):
        script = Path(place) / "rabbitmq-server"
        if script.exists():
            return script
    return None


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class PrivateBroker:
    """
    One node with its own Erlang port mapper.

    Args:
        server: The script ``rabbitmq-server``.

    Attributes:
        host: Where it listens.
        port: On which port.
    """

    def __init__(self, server: Path) -> None:
        self.host = "127.0.0.1"
        self.port, self._dist_port, self._epmd_port = _free_ports(3)
        self._server = server
        self._folder = Path(tempfile.mkdtemp(prefix="rabbitmq-"))
        self._process: subprocess.Popen[bytes] | None = None
        (self._folder / "rabbitmq.conf").write_text(_SETTINGS.format(port=self.port))
        (self._folder / "enabled_plugins").write_text("[].\n")
        for name in ("home", "mnesia", "log"):
            (self._folder / name).mkdir()

    def _environment(self) -> dict[str, str]:
        folder = self._folder
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"private{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none"
            ),
            # With these two the script replaces itself by the broker: our child is the broker.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_START_ARGS": "-noinput",
        }

    def start(self) -> None:
        """
        Start it and wait until it answers; again after ``stop`` it has its old data.

        Raises:
            RuntimeError: It ended or did not answer in time; the message ends with its log.
        """
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [str(self._server)],
                env=self._environment(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = (self._folder / "output").read_text(errors="replace")[-2000:]
                self.close()
                raise RuntimeError(f"RabbitMQ did not start on port {self.port}:\n{log}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as client:
                client.settimeout(2)
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(client.recv(8))
        except OSError:
            return False

    def control(self, *arguments: str) -> str:
        """
        Run ``rabbitmqctl``; its output.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        command = [str(self._server.with_name("rabbitmqctl")), "-q", *arguments]
        done = subprocess.run(
            command,
            env=self._environment(),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def stop(self) -> None:
        """Stop it, keeping its data."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """Stop it and its port mapper, which outlives it, and remove the folder."""
        self.stop()
        epmd = shutil.which("epmd")
        if epmd is not None:
            subprocess.run(
                [epmd, "-kill"],
                env=self._environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=20,
            )
        shutil.rmtree(self._folder, ignore_errors=True)
