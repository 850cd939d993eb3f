"""
What no single field can know: names that must exist elsewhere, faults that get in each
other's way. Every problem is collected, none is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from umt_sim.errors import Problem
from umt_sim.expectations.invariants import INVARIANTS
from umt_sim.faults.timeline import Fault, conflicts
from umt_sim.measures.windows import RUN, fault_of
from umt_sim.scenario.complaints import unknown
from umt_sim.scenario.plan import WorldName
from umt_sim.scenario.salvage import keys_of, operations_of
from umt_sim.scenario.schema.scenario import Scenario
from umt_sim.scenario.yaml import Document, Pointer
from umt_sim.systems.base import System
from umt_sim.worlds.base import server_host

__all__ = ["problems_between"]


def problems_between(
    scenario: Scenario,
    document: Document,
    faults: Sequence[Fault],
    *,
    world: WorldName,
    system: System | None,
) -> list[Problem]:
    """
    Everything that is wrong between the parts of *scenario*.

    Args:
        scenario: The validated file, or what is sound of it.
        document: What it was made from, for the places of problems.
        faults: Its faults, random ones drawn.
        world: Where it will run.
        system: What is known of the system under test; ``None`` if nothing is.
    """
    check = _Check(scenario, document, system)
    check.operations()
    check.policies()
    check.services()
    check.targets()
    check.kinds()
    check.hosts()
    if not check.problems:
        check.timeline(faults)
    if world == "live":
        check.live(faults)
    check.invariants()
    return check.problems


class _Check:
    """One question a method; each adds what it finds wrong."""

    def __init__(self, scenario: Scenario, document: Document, system: System | None) -> None:
        self.scenario = scenario
        self.document = document
        self.system = system
        self.problems: list[Problem] = []

    def _add(self, pointer: Pointer, message: str, *, at_key: bool = False) -> None:
        self.problems.append(self.document.problem(pointer, message, at_key=at_key))

    def operations(self) -> None:
        known = self.system.operations if self.system is not None else ()
        names: list[str] = []
        for index, name in operations_of(self.document):
            if known and name not in known:
                self._add(("workload", index, "name"), unknown("operation", name, known))
            if name in names:
                self._add(("workload", index, "name"), f'a second load of "{name}"')
            names.append(name)

    def policies(self) -> None:
        known = self.system.policies if self.system is not None else ()
        for name in self.scenario.policies:
            if known and name not in known:
                self._add(("policies", name), unknown("policy", name, known), at_key=True)
            plain = self.system is not None and not self.system.settings
            if plain and self.scenario.policies[name].settings:
                message = f"{self.scenario.system} takes no settings beside those of the schema"
                self._add(("policies", name, "settings"), message, at_key=True)
        if self.system is not None and self.system.guarded:
            self.guards()

    def guards(self) -> None:
        """What the platform's guards refuse, they say themselves."""
        from umt_sim.systems.policies import check_policy

        for name, policy in self.scenario.policies.items():
            try:
                check_policy(name, policy.build())
            except ValueError as refusal:
                self._add(("policies", name), str(refusal), at_key=True)

    def services(self) -> None:
        wanted = self.system.services if self.system is not None else {}
        given, sound = keys_of(self.document, "services"), self.scenario.services
        for name, kind in wanted.items():
            if name not in given:
                self._add(
                    ("services", name), f"the system {self.scenario.system} needs it (kind: {kind})"
                )
            elif name in sound and sound[name].kind != kind:
                self._add(("services", name, "kind"), f"the system needs kind: {kind} here")

    def targets(self) -> None:
        known = keys_of(self.document, "services")
        for name, fault in self.scenario.faults.items():
            for place, target in fault.targets():
                if target not in known:
                    self._add(("faults", name, *place), unknown("service", target, known))

    def kinds(self) -> None:
        """What happens inside a server needs a server of the right kind."""
        given = self.scenario.services
        for name, fault in self.scenario.faults.items():
            for action, target, kind in fault.kinds():
                if target in given and given[target].kind != kind:
                    message = f"{action} happens to {kind} only; {target} is {given[target].kind}"
                    self._add(("faults", name), message, at_key=True)

    def hosts(self) -> None:
        """Only where the system says which hosts it has; else only the running system knows."""
        if self.system is None or not self.system.hosts:
            return
        known = [*self.system.hosts, *self._hosts_of_services()]
        for name, fault in self.scenario.faults.items():
            for place, host in fault.hosts():
                if host not in known:
                    self._add(("faults", name, *place), unknown("host", host, known))

    def _hosts_of_services(self) -> Iterator[str]:
        """Of each service the host of its proxy, then that of its server."""
        for name in keys_of(self.document, "services"):
            yield name
            yield server_host(name)

    def timeline(self, faults: Sequence[Fault]) -> None:
        named: list[str] = []
        for conflict in conflicts(faults, self.scenario.clock.duration):
            name = fault_of(conflict.fault)
            if name != conflict.fault and name in named:
                continue  # one sentence is enough for all that a random fault has drawn
            named.append(name)
            self._add(("faults", name), conflict.message, at_key=True)
        for name in self._unmeasured(faults):
            message = "is over before the warm-up is: nothing of it would be measured"
            self._add(("faults", name), message, at_key=True)
        for name in self.scenario.faults:
            if name == RUN:
                self._add(("faults", name), "is the name of a window every run has", at_key=True)

    def _unmeasured(self, faults: Sequence[Fault]) -> list[str]:
        """Faults all of whose parts end in the warm-up; what is over at once has no length."""
        last: dict[str, float] = {}
        for fault in faults:
            if fault.duration > 0:
                name = fault_of(fault.name)
                last[name] = max(last.get(name, 0.0), fault.until)
        return [name for name, until in last.items() if until <= self.scenario.clock.warmup]

    def live(self, faults: Sequence[Fault]) -> None:
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

    def invariants(self) -> None:
        for index, name in enumerate(self.scenario.invariants):
            if name not in INVARIANTS:
                message = unknown("invariant", name, list(INVARIANTS))
                self._add(("invariants", index), message)
