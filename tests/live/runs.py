"""Live runs in a process of their own, and what they leave on the machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from umt_sim.worlds.live.processes import Process, inhabitants

PATIENCE = 60.0  # seconds for a run to get somewhere
SMALL = Path(__file__).with_name("slow_caller.yaml")
"""Needs a Toxiproxy only; its fault begins one second after the load."""


class Run:
    """
    ``umt-sim run --world live`` as a process.

    Args:
        scenario: What to run.
        state: Folder for its ledger.
        options: Further words of the command line.
    """

    def __init__(self, scenario: Path, state: Path, *options: str) -> None:
        self.state = state
        command = ["run", str(scenario), "--world", "live", "--no-save", "-q", *options]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "umt_sim.cli", *command],
            env=environment(state),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, kind: str) -> None:
        """Return when a step of that *kind* is in the ledger, and what it undoes has happened."""
        self._wait(lambda: any(entry.get("kind") == kind for entry in self.entries()))
        time.sleep(0.5)

    def entries(self) -> list[dict[str, Any]]:
        """What is in the run's ledger now."""
        ledgers = self.state.glob(f"{self.process.pid}-*.jsonl")
        lines = [line for path in ledgers for line in path.read_text().splitlines(keepends=True)]
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def folder(self) -> Path:
        """The run's folder."""
        return Path(next(e["path"] for e in self.entries() if e.get("kind") == "folder"))

    def processes(self) -> list[Process]:
        """The servers it has started."""
        return [
            Process(entry["pid"], entry["started"])
            for entry in self.entries()
            if entry.get("kind") == "process"
        ]

    def ports(self) -> list[int]:
        """Ports of loopback that its Toxiproxy listens on: the API's."""
        return sorted({entry["port"] for entry in self.entries() if "port" in entry})

    def ended(self) -> tuple[int, str]:
        """Exit code and everything it printed."""
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output

    def _wait(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"the run ended early:\n{self.process.communicate()[0]}")
            time.sleep(0.05)


def environment(state: Path) -> dict[str, str]:
    """Ours, with the ledger in a folder of the test's."""
    return {**os.environ, "UMT_SIM_STATE": str(state)}


def umt_sim(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    return subprocess.run(
        [sys.executable, "-m", "umt_sim.cli", *words],
        env=environment(state),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def anything_left(
    state: Path, folder: Path, processes: list[Process], ports: list[int]
) -> list[str]:
    """What of a run is still on this machine."""
    left = [f"process {process.pid}" for process in processes if process.alive]
    left += [f"process {process.pid} in {folder}" for process in inhabitants(folder)]
    left += [f"port {port}" for port in ports if _listens(port)]
    left += [f"folder {path}" for path in (folder,) if path.exists()]
    left += [f"ledger {path}" for path in state.iterdir()]
    return left


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0
