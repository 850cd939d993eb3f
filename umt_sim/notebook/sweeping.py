"""``sweep`` for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from umt_sim.bootstrap import sweeping
from umt_sim.expectations.numbers import STANDARD
from umt_sim.notebook.progress import cell_count
from umt_sim.search.sweep import Sweep

__all__ = ["sweep"]


def sweep(
    path: str | Path,
    *,
    vary: Mapping[str, Sequence[Any]] | None = None,
    seeds: Sequence[int] | None = None,
    measure: Sequence[str] = STANDARD,
    overrides: Sequence[str] = (),
    runs: str | Path | None = None,
    jobs: int = 1,
) -> Sweep:
    """
    Run a scenario with every combination of some of its values.

    Each point meets the same seeds: the same arrivals and service times, so points are
    compared pair by pair. One trial in ten is run twice, to be sure that a seed still
    names one course of events.

    Args:
        path: The scenario file.
        vary: Path of a value to the values it takes:
            ``{"policies.llm.timeout": ["1s", "2s"]}``; the scenario's own ``sweep`` when left out.
        seeds: Instead of the scenario's own.
        measure: Names of numbers in the language of ``expect``, such as
            ``latency.p95 during brownout``; one that names no operation is measured for each.
        overrides: Edits of the scenario that hold at every point, ``path=value`` each.
        runs: Where run folders are kept; none are when left out.
        jobs: Trials at once, each in a process of its own.

    Returns:
        The trials: ``frame`` has a row for each, ``summary()`` one for each point.

    Raises:
        ScenarioError: The file, or a value at some point, is wrong.
        SearchError: A trial could not be run, or two runs of one went different ways.
    """
    with cell_count(str(path), "trials") as draw:
        return sweeping.sweep(
            path,
            vary=vary,
            seeds=seeds,
            measure=measure,
            overrides=overrides,
            runs=runs,
            jobs=jobs,
            progress=draw,
        )
