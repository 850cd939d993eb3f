"""
What a scenario asks of its runs in the language of ``expect``: ``expect``, ``abort`` and
the tolerances of ``baseline``. Parsed, and its names checked; every problem is collected.

Read from the file itself, so that it is checked even where other parts are broken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from umt_sim.errors import Problem
from umt_sim.expectations.aborting import abort_condition
from umt_sim.expectations.grammar import Expectation, ExpectationError, Number, expect, number
from umt_sim.expectations.metrics import METRICS, Subject
from umt_sim.expectations.numbers import each_operation
from umt_sim.expectations.tolerance import DEFAULT, tolerance
from umt_sim.faults.timeline import BASELINE, RECOVERY
from umt_sim.measures.windows import RUN
from umt_sim.scenario.complaints import unknown
from umt_sim.scenario.salvage import keys_of, operations_of, texts_of
from umt_sim.scenario.yaml import Document, Pointer
from umt_sim.systems.base import System

__all__ = ["Asking"]


class Asking:
    """
    Reads what is asked.

    Args:
        document: The file.
        system: What is known of the system under test; ``None`` if nothing is.

    Attributes:
        expectations: What must hold.
        abort: What ends a run early.
        tolerances: Name of a number, its operation named, to how much worse it may become.
        problems: What was not understood, or names nothing.
    """

    def __init__(self, document: Document, system: System | None) -> None:
        self._document = document
        self._operations = [name for _, name in operations_of(document)]
        self._idle = [] if system is None else [*system.operations]
        self._windows = [RUN, BASELINE, *keys_of(document, "faults"), RECOVERY]
        self._guards = list(
            system.policies
            if system is not None and system.policies
            else keys_of(document, "policies")
        )
        self.problems: list[Problem] = []
        self.expectations = self._parsed("expect", expect)
        self.abort = self._parsed("abort", abort_condition)
        self.tolerances = self._tolerances()

    def _parsed(self, key: str, parse: Callable[[str], Expectation]) -> tuple[Expectation, ...]:
        found = []
        for index, text in texts_of(self._document, key):
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

    def _tolerances(self) -> dict[str, str]:
        tolerances: dict[str, str] = {}
        baseline = self._document.data.get("baseline")
        stated = baseline.get("tolerate", DEFAULT) if isinstance(baseline, dict) else {}
        for name, allowed in stated.items() if isinstance(stated, Mapping) else ():
            if not isinstance(name, str) or not isinstance(allowed, str):
                continue  # the schema says so
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
        return tolerances

    def _strangers(self, parsed: Expectation | Number) -> list[tuple[int, str]]:
        """Names in *parsed* that stand for nothing, each with its offset in the text."""
        known = {"window": (parsed.window, self._windows)}
        subject = METRICS[parsed.metric].subject
        if subject is Subject.OPERATION and self._operations:
            known["operation"] = (parsed.of, self._operations)
        elif subject in (Subject.POLICY, Subject.BREAKER) and self._guards:
            # Each process has guards of its own, named after both: dashboard/cache.
            known["policy"] = (parsed.of and parsed.of.rpartition("/")[2], self._guards)
        return [
            (parsed.offsets["window" if noun == "window" else "of"], self._lack(noun, name, names))
            for noun, (name, names) in known.items()
            if name is not None and name not in names
        ]

    def _lack(self, noun: str, name: str, names: list[str]) -> str:
        if noun == "operation" and name in self._idle:
            return f'no load asks for the operation "{name}"'
        return unknown(noun, name, names)

    def _add(self, pointer: Pointer, message: str, *, at_key: bool = False) -> None:
        self.problems.append(self._document.problem(pointer, message, at_key=at_key))

    def _misunderstood(self, pointer: Pointer, offset: int, message: str) -> None:
        self.problems.append(self._document.problem_inside(pointer, offset, message))
