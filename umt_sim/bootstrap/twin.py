"""One scenario file in both worlds, on the same arrivals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from umt_sim.analysis import Result
from umt_sim.analysis.twin import Twin
from umt_sim.bootstrap.running import run_plan
from umt_sim.bootstrap.worlds import Supply
from umt_sim.runner.phases import Progress
from umt_sim.scenario.loader import load

__all__ = ["run_twin"]


def run_twin(
    path: str | Path,
    *,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    progress: Callable[[Progress], None] | None = None,
    folder: str | Path | None = None,
    supply: Supply | None = None,
) -> Twin:
    """
    Run a scenario file in the live and in the simulated world and compare them.

    The live world goes first, for it is the one that may be missing.

    Args:
        path: The scenario file.
        seed: Instead of the scenario's own; both worlds get the same.
        overrides: Edits of the scenario, ``path=value`` each.
        progress: Told how far the run of the moment has come.
        folder: Where to store both runs and the comparison.
        supply: Where the live world's servers come from.

    Raises:
        ScenarioError: The file is wrong, or asks for what the live world cannot do.
        WorldError: A service is missing.
        KeyboardInterrupt: One of the runs was interrupted; nothing of it is left behind.
    """
    live, sim = (
        _whole(
            run_plan(
                load(path, seed=seed, world=world, overrides=overrides),
                progress=progress,
                supply=supply,
            )
        )
        for world in ("live", "sim")
    )
    twin = Twin(sim, live)
    if folder is not None:
        twin.save(folder)
    return twin


def _whole(result: Result) -> Result:
    """*result*, unless it was interrupted: half a run is no twin."""
    if result.journal.header.get("ended") == "interrupted":
        raise KeyboardInterrupt
    return result
