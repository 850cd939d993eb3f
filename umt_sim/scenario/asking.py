"""
What a scenario asks of its runs in the language of ``expect``: ``expect``, ``abort`` and
the tolerances of ``baseline``. Parsed, and its names checked; every problem is collected.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from umt_sim.errors import Problem
from umt_sim.expectations.aborting import abort_condition
from umt_sim.expectations.grammar import Expectation, ExpectationError, Number, expect, number
from umt_sim.expectations.metrics import METRICS, Subject
from umt_sim.expectations.numbers import each_operation
from umt_sim.expectations.tolerance import tolerance
from umt_sim.faults.timeline import BASELINE, RECOVERY
from umt_sim.measures.windows import RUN
from umt_sim.scenario.complaints import unknown
from umt_sim.scenario.plan import BaselineFile
from umt_sim.scenario.schema.scenario import Scenario
from umt_sim.scenario.yaml import Document, Pointer
from umt_sim.systems.base import System

__all__ = ["Asking"]


class Asking:
    """
    Reads what is asked.

    Args:
        scenario: The validated file.
        document: What it was made from, for the places of problems.
        system: What is known of the system under test; ``None`` if nothing is.

    Attributes:
        expectations: What must hold.
        abort: What ends a run early.
        baseline: What it is compared with.
        problems: What was not understood, or names nothing.
    """

    def __init__(self, scenario: Scenario, document: Document, system: System | None) -> None:
        self._scenario = scenario
        self._document = document
        self._operations = [load.name for load in scenario.workload]
        self._windows = [RUN, BASELINE, *scenario.faults, RECOVERY]
        self._guards = list(
            system.policies if system is not None and system.policies else scenario.policies
        )
        self.problems: list[Problem] = []
        self.expectations = self._parsed("expect", scenario.expect, expect)
        self.abort = self._parsed("abort", scenario.abort, abort_condition)
        self.baseline = self._baseline()

    def _parsed(
        self, key: str, texts: list[str], parse: Callable[[str], Expectation]
    ) -> tuple[Expectation, ...]:
        found = []
        for index, text in enumerate(texts):
            pointer = (key, index)
            try:
                parsed = parse(text)
            except ExpectationError as error:
                self._misunderstood(pointer, error.offset, str(error))
                continue
            for offset, message in self._strangers(parsed):
                self._misunderstood(pointer, offset, message)
            found.append(parsed)
        return tuple(found)

    def _baseline(self) -> BaselineFile | None:
        stated = self._scenario.baseline
        if stated is None:
            return None
        tolerances: dict[str, str] = {}
        for name, allowed in stated.tolerate.items():
            pointer = ("baseline", "tolerate", name)
            try:
                asked = number(name)
            except ExpectationError as error:
                self._add(pointer, str(error), at_key=True)
                continue
            for _, message in self._strangers(asked):
                self._add(pointer, message, at_key=True)
            try:
                tolerance(allowed, asked)
            except ValueError as error:
                self._add(pointer, str(error))
            tolerances |= dict.fromkeys(each_operation([name], self._operations), allowed)
        return BaselineFile(Path(self._document.path).parent / stated.file, tolerances)

    def _strangers(self, parsed: Expectation | Number) -> list[tuple[int, str]]:
        """Names in *parsed* that stand for nothing, each with its offset in the text."""
        known = {"window": (parsed.window, self._windows)}
        subject = METRICS[parsed.metric].subject
        if subject is Subject.OPERATION:
            known["operation"] = (parsed.of, self._operations)
        elif subject in (Subject.POLICY, Subject.BREAKER) and self._guards:
            # Each process has guards of its own, named after both: dashboard/cache.
            known["policy"] = (parsed.of and parsed.of.rpartition("/")[2], self._guards)
        return [
            (parsed.offsets["window" if noun == "window" else "of"], unknown(noun, name, names))
            for noun, (name, names) in known.items()
            if name is not None and name not in names
        ]

    def _add(self, pointer: Pointer, message: str, *, at_key: bool = False) -> None:
        self.problems.append(self._document.problem(pointer, message, at_key=at_key))

    def _misunderstood(self, pointer: Pointer, offset: int, message: str) -> None:
        self.problems.append(self._document.problem_inside(pointer, offset, message))
