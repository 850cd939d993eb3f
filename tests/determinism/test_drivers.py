"""Real drivers on the simulated network take the same path in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.determinism import drivers

ROOT = Path(__file__).parents[2]
PROCESSES = 6


@pytest.fixture(scope="module")
def told() -> list[dict[str, drivers.Log]]:
    """Every story as told by six processes with hash seeds of their own."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONHASHSEED"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.determinism.drivers"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(PROCESSES)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [0] * PROCESSES == [process.returncode for process in processes]
    return [json.loads(output) for output in outputs]


@pytest.mark.parametrize("story", drivers.STORIES)
def test_six_processes_agree(told: list[dict[str, drivers.Log]], story: str) -> None:
    """Log and fingerprint of each driver's story are the same in all of them."""
    first, *others = [tales[story] for tales in told]
    assert len(first) > 1  # something happened before the fingerprint
    for other in others:
        assert first == other


@pytest.mark.parametrize("story", drivers.STORIES)
def test_another_seed_is_another_run(story: str) -> None:
    """Jitter and toxicity come from the seed, so the fingerprint does."""
    assert drivers.tell(story, seed=7)[-1] != drivers.tell(story, seed=8)[-1]


@pytest.mark.parametrize("story", drivers.STORIES)
def test_the_same_seed_is_the_same_run_in_one_process(
    told: list[dict[str, drivers.Log]], story: str
) -> None:
    """What other stories left behind in the process makes no difference."""
    assert told[0][story] == drivers.tell(story)
