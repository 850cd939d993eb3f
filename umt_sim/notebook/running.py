"""``run`` and ``load`` for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from umt_sim import bootstrap
from umt_sim.analysis import Result
from umt_sim.analysis.twin import Twin
from umt_sim.notebook.progress import cell_progress
from umt_sim.scenario.plan import WorldName

__all__ = ["load", "run", "twin"]


def run(
    path: str | Path,
    *,
    seed: int | None = None,
    world: WorldName = "sim",
    overrides: Sequence[str] = (),
    folder: str | Path | None = None,
) -> Result:
    """
    Run a scenario file and return what happened.

    In a notebook a bar shows how far it has come; the Interrupt button ends the run and keeps
    what was recorded until then.

    Args:
        path: The scenario file.
        seed: Instead of the scenario's own.
        world: Where to run it.
        overrides: Edits of the scenario, ``path=value`` each, as for ``umt-sim run --set``:
            ``faults.brownout.for=60s``.
        folder: Where to store journal and figure; nothing is stored when left out.

    Returns:
        The result; its ``verdict`` says whether the expectations held.

    Raises:
        ScenarioError: The file is wrong; carries every problem found.
        WorldError: A service is missing, or the world cannot do a fault.
    """
    with cell_progress(str(path)) as show:
        return bootstrap.run(
            path, seed=seed, world=world, overrides=overrides, progress=show, folder=folder
        )


def twin(
    path: str | Path,
    *,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    folder: str | Path | None = None,
    supply: bootstrap.Supply | None = None,
) -> Twin:
    """
    Run a scenario file against real servers and in virtual time, and compare the two.

    The live run takes as long as the scenario says. Both have the same arrivals.

    Args:
        path: The scenario file.
        seed: Instead of the scenario's own.
        overrides: Edits of the scenario, ``path=value`` each.
        folder: Where to store both runs and the comparison.
        supply: Where the live world's servers come from.

    Returns:
        The comparison; ``agree`` says whether every number is within its tolerance.

    Raises:
        ScenarioError: The file is wrong, or asks for what the live world cannot do.
        WorldError: A service is missing.
    """
    with cell_progress(f"twin of {path}") as show:
        return bootstrap.run_twin(
            path, seed=seed, overrides=overrides, progress=show, folder=folder, supply=supply
        )


def load(folder: str | Path) -> Result:
    """
    Open the folder of an earlier run.

    Raises:
        JournalError: It is not a run folder, or damaged.
    """
    return Result.load(folder)
