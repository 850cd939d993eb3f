"""From a validated document to a frozen plan, or to everything that does not fit together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from umt_sim.errors import Problem, ScenarioError
from umt_sim.faults.timeline import Timeline
from umt_sim.scenario.asking import Asking
from umt_sim.scenario.checks import problems_between
from umt_sim.scenario.complaints import in_order
from umt_sim.scenario.plan import BaselineFile, Clock, Plan, WorldName
from umt_sim.scenario.schema.scenario import Scenario
from umt_sim.scenario.schema.services import build_service
from umt_sim.scenario.yaml import Document
from umt_sim.systems.base import System

__all__ = ["freeze"]


def freeze(
    scenario: Scenario,
    document: Document,
    *,
    problems: Sequence[Problem],
    seed: int | None,
    world: WorldName,
    system: System | None,
) -> Plan:
    """
    Freeze a plan.

    Args:
        scenario: The validated file, or what is sound of it.
        document: What it was made from, for the places of problems.
        problems: What is known to be wrong with the rest.
        seed: Instead of the scenario's own.
        world: Where it will run.
        system: What is known of the system under test; ``None`` if nothing is.

    Raises:
        ScenarioError: Parts of the scenario do not fit together. Carries all problems.
    """
    seeds = (seed,) if seed is not None else _seeds(scenario)
    faults = [
        fault
        for name, planned in scenario.faults.items()
        for fault in planned.build(name, Random(f"{seeds[0]}:faults/{name}"))
    ]
    asking = Asking(document, system)
    between = problems_between(scenario, document, faults, world=world, system=system)
    if found := [*problems, *between, *asking.problems]:
        raise ScenarioError(in_order(found))
    clock = scenario.clock
    return Plan(
        name=scenario.name,
        description=scenario.description,
        marks=tuple(scenario.marks),
        seed=seeds[0],
        seeds=seeds,
        world=world,
        clock=Clock(clock.duration, clock.warmup, clock.drain),
        system=scenario.system,
        services={name: build_service(name, spec) for name, spec in scenario.services.items()},
        workload=tuple(load.build(clock.duration) for load in scenario.workload),
        policies={name: policy.build() for name, policy in scenario.policies.items()},
        timeline=Timeline(faults, total=clock.duration, warmup=clock.warmup),
        expectations=asking.expectations,
        invariants=tuple(scenario.invariants),
        abort=asking.abort,
        spans=scenario.spans.build() if scenario.spans is not None else None,
        baseline=_baseline(scenario, document, asking),
        sweep={path: tuple(values) for path, values in scenario.sweep.items()},
        document=scenario.model_dump(mode="json", exclude_none=True),
        source=document.path,
    )


def _baseline(scenario: Scenario, document: Document, asking: Asking) -> BaselineFile | None:
    if scenario.baseline is None:
        return None
    return BaselineFile(Path(document.path).parent / scenario.baseline.file, asking.tolerances)


def _seeds(scenario: Scenario) -> tuple[int, ...]:
    if scenario.seeds is not None:
        return tuple(scenario.seeds)
    return (scenario.seed if scenario.seed is not None else 1,)
