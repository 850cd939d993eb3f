"""
From a validated document to a frozen plan.

Here is checked what no single field can know: names that must exist elsewhere,
expectations, faults that get in each other's way. Every problem is collected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from umt_sim.errors import Problem, ScenarioError
from umt_sim.expectations.aborting import abort_condition
from umt_sim.expectations.grammar import Expectation, ExpectationError, expect
from umt_sim.expectations.invariants import INVARIANTS
from umt_sim.expectations.metrics import METRICS, Subject
from umt_sim.faults.timeline import BASELINE, RECOVERY, Fault, Timeline, conflicts
from umt_sim.measures.windows import RUN, fault_of
from umt_sim.scenario.complaints import in_order, unknown
from umt_sim.scenario.plan import Clock, Plan, WorldName
from umt_sim.scenario.schema.scenario import Scenario
from umt_sim.scenario.schema.services import build_service
from umt_sim.scenario.yaml import Document, Pointer
from umt_sim.systems.base import System

__all__ = ["freeze"]

_NOT_YET = {
    "baseline": "comparing with a stored baseline is not supported yet; take it out",
    "sweep": "sweeps are not supported yet; run one value at a time with --set path=value",
}


def freeze(
    scenario: Scenario,
    document: Document,
    *,
    seed: int | None,
    world: WorldName,
    system: System | None,
) -> Plan:
    """
    Freeze a plan.

    Args:
        scenario: The validated file.
        document: What it was made from, for the places of problems.
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
    check = _Check(scenario, document, world, system)
    check.whole(faults)
    if check.problems:
        raise ScenarioError(in_order(check.problems))
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
        expectations=tuple(check.expectations),
        invariants=tuple(scenario.invariants),
        abort=tuple(check.abort),
        spans=scenario.spans.build() if scenario.spans is not None else None,
        document=scenario.model_dump(mode="json", exclude_none=True),
        source=document.path,
    )


def _seeds(scenario: Scenario) -> tuple[int, ...]:
    if scenario.seeds is not None:
        return tuple(scenario.seeds)
    return (scenario.seed if scenario.seed is not None else 1,)


class _Check:
    """Everything that could be wrong between the parts of a scenario."""

    def __init__(
        self, scenario: Scenario, document: Document, world: WorldName, system: System | None
    ) -> None:
        self.scenario = scenario
        self.document = document
        self.world = world
        self.system = system
        self.problems: list[Problem] = []
        self.expectations: list[Expectation] = []
        self.abort: list[Expectation] = []

    def whole(self, faults: Sequence[Fault]) -> None:
        self._unsupported()
        self._operations()
        self._policies()
        self._services()
        self._targets()
        if not self.problems:
            self._timeline(faults)
        self._live(faults)
        self._invariants()
        self.expectations = self._parsed("expect", expect)
        self.abort = self._parsed("abort", abort_condition)

    def _add(self, pointer: Pointer, message: str, *, at_key: bool = False) -> None:
        self.problems.append(self.document.problem(pointer, message, at_key=at_key))

    def _unsupported(self) -> None:
        for name, message in _NOT_YET.items():
            if getattr(self.scenario, name):
                self._add((name,), message, at_key=True)

    def _operations(self) -> None:
        known = self.system.operations if self.system is not None else ()
        names: list[str] = []
        for index, load in enumerate(self.scenario.workload):
            if known and load.name not in known:
                self._add(("workload", index, "name"), unknown("operation", load.name, known))
            if load.name in names:
                self._add(("workload", index, "name"), f'a second load of "{load.name}"')
            names.append(load.name)

    def _policies(self) -> None:
        known = self.system.policies if self.system is not None else ()
        for name in self.scenario.policies:
            if known and name not in known:
                self._add(("policies", name), unknown("policy", name, known), at_key=True)
            plain = self.system is not None and not self.system.settings
            if plain and self.scenario.policies[name].settings:
                message = f"{self.scenario.system} takes no settings beside those of the schema"
                self._add(("policies", name, "settings"), message, at_key=True)

    def _services(self) -> None:
        wanted = self.system.services if self.system is not None else {}
        given = self.scenario.services
        for name, kind in wanted.items():
            if name not in given:
                self._add(
                    ("services", name), f"the system {self.scenario.system} needs it (kind: {kind})"
                )
            elif given[name].kind != kind:
                self._add(("services", name, "kind"), f"the system needs kind: {kind} here")

    def _targets(self) -> None:
        known = list(self.scenario.services)
        for name, fault in self.scenario.faults.items():
            for place, target in fault.targets():
                if target not in known:
                    self._add(("faults", name, *place), unknown("service", target, known))

    def _timeline(self, faults: Sequence[Fault]) -> None:
        for conflict in conflicts(faults, self.scenario.clock.duration):
            pointer = ("faults", fault_of(conflict.fault))
            self._add(pointer, conflict.message, at_key=True)
        for name in self.scenario.faults:
            if name == RUN:
                self._add(("faults", name), "is the name of a window every run has", at_key=True)

    def _live(self, faults: Sequence[Fault]) -> None:
        if self.world != "live":
            return
        refused: list[str] = []
        for fault in faults:
            name = fault_of(fault.name)
            if fault.action.live or name in refused:
                continue
            refused.append(name)
            self._add(
                ("faults", name),
                f"{fault.action.kind} needs the simulated network; the live world can do every"
                " toxic, down, restart, and kill or pause of a server's host",
                at_key=True,
            )

    def _invariants(self) -> None:
        for index, name in enumerate(self.scenario.invariants):
            if name not in INVARIANTS:
                message = unknown("invariant", name, list(INVARIANTS))
                self._add(("invariants", index), message)

    def _parsed(self, key: str, parse: Callable[[str], Expectation]) -> list[Expectation]:
        """The expectations under *key*; those that are not understood are problems."""
        found = []
        for index, text in enumerate(getattr(self.scenario, key)):
            pointer = (key, index)
            try:
                parsed = parse(text)
            except ExpectationError as error:
                problem = self.document.problem_inside(pointer, error.offset, str(error))
                self.problems.append(problem)
                continue
            self._names_in(parsed, pointer)
            found.append(parsed)
        return found

    def _names_in(self, parsed: Expectation, pointer: Pointer) -> None:
        windows = [RUN, BASELINE, *self.scenario.faults, RECOVERY]
        if parsed.window is not None and parsed.window not in windows:
            message = unknown("window", parsed.window, windows)
            self._inside(pointer, parsed, "window", message)
        subject = METRICS[parsed.metric].subject
        if parsed.of is None:
            return
        if subject is Subject.OPERATION:
            operations = [load.name for load in self.scenario.workload]
            if parsed.of not in operations:
                self._inside(pointer, parsed, "of", unknown("operation", parsed.of, operations))
        policies = self._guards()
        if subject in (Subject.POLICY, Subject.BREAKER) and policies and parsed.of not in policies:
            self._inside(pointer, parsed, "of", unknown("policy", parsed.of, policies))

    def _guards(self) -> list[str]:
        """Names that policies and breakers may have; none if only the running system knows."""
        if self.system is not None and self.system.policies:
            return list(self.system.policies)
        return list(self.scenario.policies)

    def _inside(self, pointer: Pointer, parsed: Expectation, part: str, message: str) -> None:
        offset = parsed.offsets[part]
        self.problems.append(self.document.problem_inside(pointer, offset, message))
