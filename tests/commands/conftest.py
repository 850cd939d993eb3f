"""A folder with a program and its scenarios, and the real ``umt-sim`` to run them with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

PROGRAM = '''
"""A shop front that asks one upstream."""

from contextlib import asynccontextmanager

import httpx

from umt_sim.workload.operations import Operations


@asynccontextmanager
async def shop(setting):
    timeout = setting.policies["api"]["timeout"]
    url = setting.endpoints["api"].url
    async with httpx.AsyncClient(base_url=url, timeout=timeout) as client:
        async def ask(arrival):
            (await client.get("/anything")).raise_for_status()

        yield Operations({"ask": ask}, unknown=(httpx.TimeoutException,))
'''

SCENARIO = """\
version: 1
name: {name}
description: An upstream that answers late for a while
seed: 7
clock: {{duration: {duration}, drain: 5s}}
system: program:shop
services:
  api: {{kind: http, app: echo, request: 50ms}}
workload:
  - {{name: ask, arrivals: {{model: open, rate: 10/s}}}}
policies:
  api: {{timeout: 1s}}
faults:
  slow: {{at: 10s, for: 5s, target: api, toxic: {{type: latency, latency: 300ms}}}}
expect:
  - latency(ask).p50 < {limit} during slow
baseline: {{file: base.json, tolerate: {{latency.p50 during slow: +10%}}}}
sweep: {{policies.api.timeout: [200ms, 1s]}}
"""

Command = Callable[..., subprocess.CompletedProcess[str]]


def scenario(name: str, *, duration: str = "20s", limit: str = "400ms") -> str:
    """A scenario of the program."""
    return SCENARIO.format(name=name, duration=duration, limit=limit)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory: a program, a scenario that holds, one that fails, one that drags on."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "good.yaml").write_text(scenario("good"))
    (tmp_path / "bad.yaml").write_text(scenario("bad", limit="100ms"))
    (tmp_path / "long.yaml").write_text(scenario("long", duration="10h"))
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start ``umt-sim`` in the folder, as a shell would. Nothing of it outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "umt_sim.cli", *words],
            cwd=folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def umt_sim(start: Callable[..., subprocess.Popen[str]]) -> Command:
    """Run ``umt-sim`` in the folder to its end."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        process = start(*words)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return run
