"""Measured numbers by their names in the language, read off one run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from umt_sim.expectations.grammar import Number, number
from umt_sim.expectations.metrics import METRICS, Subject
from umt_sim.expectations.readings import Readings
from umt_sim.faults.timeline import Window
from umt_sim.measures.estimates import Estimate

__all__ = ["STANDARD", "each_operation", "measured"]

STANDARD = ("goodput", "error_rate", "latency.p50", "latency.p95", "latency.p99")
"""What is asked of every operation where nothing else is said."""


def measured(readings: Readings, names: Iterable[str]) -> dict[str, Estimate]:
    """
    The numbers called *names*; one whose window never took place has no value.

    Raises:
        ExpectationError: A name is not in the language.
    """
    return {name: _estimate(number(name), readings) for name in names}


def each_operation(names: Iterable[str], operations: Sequence[str]) -> list[str]:
    """*names*, those that are about operations and name none once for each of *operations*."""
    found: list[str] = []
    for name in names:
        asked = number(name)
        if METRICS[asked.metric].subject is Subject.OPERATION and asked.of is None:
            found += [str(asked).replace(asked.metric, f"{asked.metric}({of})", 1)
                      for of in operations]  # fmt: skip
        else:
            found.append(str(asked))
    return found


def _estimate(asked: Number, readings: Readings) -> Estimate:
    window = readings.windows.get(asked.window or "run")
    if window is None:
        return Estimate(None, 0)
    if asked.relation == "after":
        window = Window(f"after {window.name}", window.end, readings.run.end)
    if window.duration <= 0:
        return Estimate(None, 0)
    return METRICS[asked.metric].estimate(readings, asked.of, asked.aggregate, window)
