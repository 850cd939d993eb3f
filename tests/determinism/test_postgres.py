"""A real database in virtual time: the same run in any process."""

from __future__ import annotations

import json
import os
import subprocess
import sys


def test_a_quarrel_over_rows_is_the_same_in_every_process() -> None:
    """Locks, deadlocks, timeouts, cancels, notifications, a crash: one tape, one story."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.determinism.postgres_story"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        )
        for seed in (0, 1, 424242)
    ]
    told = [json.loads(line) for each in processes for line in each.communicate()[0].splitlines()]
    assert 6 == len(told)
    assert [told[0]] * 6 == told
    text = "\n".join(told[0]["log"])
    for met in (
        "DeadlockDetectedError",
        "LockNotAvailableError",
        "TimeoutError",
        "ConnectionDoesNotExistError",
        "news",
    ):
        assert met in text, f"the story was to meet {met}"
