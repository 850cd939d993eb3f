"""``umt-sim toxiproxy`` as a process: how it starts, and how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

COMMAND = [sys.executable, "-m", "umt_sim.cli", "toxiproxy"]


@contextmanager
def started(*, in_background: bool = False) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command on a free port, and the address of its API."""
    # A shell's `&` makes the process ignore Ctrl-C, which is inherited.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_background else None
    try:
        process = subprocess.Popen(
            [*COMMAND, "--host", "127.0.0.1", "--port", "0"], stdout=subprocess.PIPE, text=True
        )
    finally:
        if in_background:
            signal.signal(signal.SIGINT, before)
    with process:
        try:
            assert process.stdout is not None
            yield process, "http://" + process.stdout.readline().split()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("number", "in_background", "code"),
    [
        (signal.SIGINT, False, 130),
        (signal.SIGTERM, False, 143),
        (signal.SIGTERM, True, 143),
    ],
)
def test_a_signal_ends_it(number: signal.Signals, in_background: bool, code: int) -> None:
    """Ctrl-C and SIGTERM end it with the code for them, in a shell's background too."""
    with started(in_background=in_background) as (process, url):
        assert httpx.get(f"{url}/version").json() == {"version": "2.13.0"}
        process.send_signal(number)
        assert process.wait(timeout=10) == code


def test_a_taken_port_is_named() -> None:
    """It does not start where something else listens, and says where that is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        tried = subprocess.run(
            [*COMMAND, "--host", "127.0.0.1", "--port", port],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert tried.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use" in tried.stderr
