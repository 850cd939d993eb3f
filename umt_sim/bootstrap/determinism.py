"""
Runs one plan in two processes and names the first thing that differs.

Two processes, because what leaks is mostly theirs: the order of a set of strings
follows ``PYTHONHASHSEED``, that of objects their addresses. Each gets another one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from typing import IO, Any

from umt_sim.errors import Nondeterminism
from umt_sim.scenario.plan import Plan

__all__ = ["check_determinism"]

HASH_SEEDS = ("1", "2")


def check_determinism(plan: Plan) -> str:
    """
    Run *plan* twice, in processes of different hash seeds, and compare their tapes.

    Slower than a run by some factor, for each step is written down with its task
    and source line; a shorter duration finds most leaks as well.

    Returns:
        The tape hash that both runs have.

    Raises:
        Nondeterminism: With the first entry that differs: its virtual time, task and line.
        RuntimeError: A run ended in an error of its own; carries what it printed.
    """
    with ExitStack() as stack:
        trails = [_trail(plan, hash_seed, stack) for hash_seed in HASH_SEEDS]
        last: Any = None
        for index, (first, second) in enumerate(zip_longest(*map(_lines, trails))):
            if first != second:
                raise _difference(index, first, second)
            last = first
    return str(last)


def _difference(index: int, first: Any, second: Any) -> Nondeterminism:
    """An entry is ``[time, text]``; the last line is the fingerprint, a text alone."""
    at, texts = 0.0, []
    for entry in (first, second):
        if isinstance(entry, list):
            at, text = entry
            texts.append(text)
        else:
            texts.append("the run has ended")
    return Nondeterminism(index, at, texts[0], texts[1])


def _trail(plan: Plan, hash_seed: str, stack: ExitStack) -> IO[str]:
    """Run the plan in a process of its own and return what it wrote."""
    trail = stack.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115 - the stack closes it
    process = subprocess.run(
        [sys.executable, "-m", "umt_sim.bootstrap.trail"],
        input=json.dumps(plan.as_dict()),
        stdout=trail,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=False,
    )
    if process.returncode != 0:
        raise RuntimeError(f"the run with PYTHONHASHSEED={hash_seed} failed:\n{process.stderr}")
    trail.seek(0)
    return trail


def _lines(trail: IO[str]) -> Iterator[Any]:
    return map(json.loads, trail)
