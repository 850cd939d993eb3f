"""
What came of every shipped scenario, as text that people can review.

    python -m tests.scenarios.golden

runs them all and writes ``verdicts.txt`` anew. A line that changes there is a change of
behaviour, and belongs into the commit that made it.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from umt_sim.bootstrap import run

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
GOLDEN = Path(__file__).with_name("verdicts.txt")
WORKERS = 2


def shipped() -> list[str]:
    """Names of the shipped scenarios, as paths below ``scenarios`` without their ending."""
    paths = sorted(SCENARIOS.rglob("*.yaml"))
    return [path.relative_to(SCENARIOS).with_suffix("").as_posix() for path in paths]


def verdicts(name: str, *overrides: str) -> str:
    """The verdicts of one scenario, a line each, under its name."""
    judged = run(SCENARIOS / f"{name}.yaml", overrides=overrides).verdict.verdicts
    lines = [f"    {verdict.status.value:<13} {verdict.name}" for verdict in judged]
    return "\n".join([name, *lines])


def golden() -> dict[str, str]:
    """What is written down, by name."""
    parts = GOLDEN.read_text(encoding="utf-8").strip().split("\n\n")
    return {part.partition("\n")[0]: part for part in parts}


if __name__ == "__main__":
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=spawned) as pool:
        GOLDEN.write_text("\n\n".join(pool.map(verdicts, shipped())) + "\n", encoding="utf-8")
