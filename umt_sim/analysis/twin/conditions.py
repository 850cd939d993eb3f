"""What must hold before a comparison of two runs means anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from umt_sim.analysis.twin.comparisons import Comparison
from umt_sim.errors import JournalError
from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.verdicts import Status
from umt_sim.journal.records import FaultRecord, UnhandledError
from umt_sim.measures.windows import RUN, fault_of

if TYPE_CHECKING:
    from umt_sim.analysis.result import Result

__all__ = ["broken_conditions", "broken_runs", "check_comparable"]


def check_comparable(sim: Result, live: Result) -> None:
    """
    Refuse two runs that were not made from one plan.

    How fast services are may differ: only the sim reads it, and adjusting it to a
    live run is what calibration is for.

    Raises:
        JournalError: They differ in scenario, seed or plan, or are of the wrong worlds.
    """
    if (sim.world, live.world) != ("sim", "live"):
        raise JournalError(
            f"a twin is a run in the sim world and one in the live world,"
            f" not {sim.world} and {live.world}"
        )
    if (sim.name, sim.seed) != (live.name, live.seed):
        raise JournalError(
            f"{sim.name} with seed {sim.seed} and {live.name} with seed {live.seed}"
            " had different arrivals; run both with one seed"
        )
    differ = [
        key
        for key in dict.fromkeys((*sim.plan, *live.plan))
        if key != "services" and sim.plan.get(key) != live.plan.get(key)
    ]
    if differ:
        raise JournalError(f"the runs are not of one plan; they differ in {', '.join(differ)}")


def broken_runs(sim: Result, live: Result) -> Iterator[Comparison]:
    """One for each run that did not come to its end; there is nothing to compare then."""
    for result in (sim, live):
        ended = result.journal.header.get("ended", "completed")
        if ended == "interrupted":
            yield _inconclusive(f"{result.world} run", "ending", "interrupted before its end")
        elif ended != "completed":
            errors = [e for e in result.journal.of(UnhandledError) if e.where == "run"]
            note = f"{errors[-1].error}: {errors[-1].message}" if errors else "the run failed"
            yield replace(
                _inconclusive(f"{result.world} run", "ending", note), status=Status.ERRORED
            )


def broken_conditions(sim: Result, live: Result) -> Iterator[Comparison]:
    """One for everything that makes all the others worth nothing."""
    for result in (sim, live):
        for name in _untouched(result):
            note = f"touched no byte and no connection in the {result.world} world"
            yield _inconclusive(name, "fault", note)
    if _open_loads_only(sim.plan):
        due, due_live = (result.readings.requests.scheduled for result in (sim, live))
        if not np.array_equal(due, due_live):
            note = f"{len(due)} and {len(due_live)} requests, not due at the same times"
            yield _inconclusive("workload", "arrivals", note)


def _inconclusive(subject: str, number: str, note: str) -> Comparison:
    return Comparison(
        subject, number, RUN, None, None, None, Unit.NUMBER, Status.INCONCLUSIVE, note
    )


def _untouched(result: Result) -> list[str]:
    met: dict[str, bool] = {}
    for record in result.journal.of(FaultRecord):
        name = fault_of(record.name)
        met[name] = met.get(name, False) or bool(record.bytes_touched or record.connections_touched)
    return [name for name, touched in met.items() if not touched]


def _open_loads_only(plan: Mapping[str, Any]) -> bool:
    """Users of a closed load come back when they were answered, sooner in one world."""
    return all(load["arrivals"].get("model") == "open" for load in plan.get("workload", ()))
