"""Ctrl-C in the middle: 130, what was recorded until then, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from umt_sim.journal import storage
from umt_sim.journal.records import OperationRecord

Start = Callable[..., subprocess.Popen[str]]


def children_of(session: int) -> list[str]:
    """Command lines of the processes that ``umt-sim`` started and that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parents = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(parents[1]) == session or int(parents[3]) == session:
            found.append(b" ".join(words).decode())
    return found


def events_of(folder: Path, runs: int) -> None:
    """Wait until *runs* runs have recorded some operations each."""
    stream = folder / "run.ndjson"
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        text = stream.read_text() if stream.exists() else ""
        recorded = Counter(re.findall(r'"run": "([^"]+)", "record": "OperationRecord"', text))
        if sum(count > 25 for count in recorded.values()) >= runs:
            return
        time.sleep(0.05)
    raise AssertionError("the runs did not get going")


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_was_recorded_and_leaves_nothing_behind(
    start: Start, folder: Path, jobs: int
) -> None:
    """In one process and in several: each run under way keeps a partial journal."""
    process = start("run", "long.yaml", "--seeds", "1..3", "-q", "--jobs", str(jobs),
                    "--events", "run.ndjson")  # fmt: skip
    events_of(folder, jobs)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (130, True) == (process.returncode, f"interrupted; {jobs} of 3 runs" in err)
    assert ("Traceback" in out, "Traceback" in err) == (False, False)
    kept = [path.parent for path in folder.glob("runs/long/2*/run.json")]
    assert jobs == len(kept)
    for run in kept:
        journal = storage.load(run)
        assert journal.header["ended"] == "interrupted"
        assert len(journal.of(OperationRecord)) > 0
    assert [] == children_of(process.pid)


def test_workers_do_not_outlive_a_command_that_was_killed(start: Start, folder: Path) -> None:
    """They notice that nobody listens, keep what they have, and end."""
    process = start("run", "long.yaml", "--seeds", "1..2", "-q", "--jobs", "2",
                    "--events", "run.ndjson")  # fmt: skip
    events_of(folder, 2)
    workers = [path for path in Path("/proc").glob("[0-9]*") if _parent(path) == process.pid]
    assert len(workers) == 2
    process.kill()
    process.communicate()
    give_up = time.monotonic() + 60
    while any(path.exists() for path in workers) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert [] == [path for path in workers if path.exists()]
    assert 2 == len(list(folder.glob("runs/long/2*/run.json")))


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
