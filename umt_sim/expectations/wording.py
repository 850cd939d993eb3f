"""Measured numbers as people read them: with a unit, three digits, sample size and interval."""

from __future__ import annotations

import math

from umt_sim.expectations.metrics import Unit
from umt_sim.measures.estimates import Estimate

__all__ = ["counted", "interval", "number", "quantity"]


def quantity(value: float | None, unit: Unit) -> str:
    """*value* in the unit that suits it: ``612 ms``, ``1.4 s``, ``2.3 %``, ``39.8/s``."""
    if value is None:
        return "undefined"
    if math.isinf(value):
        return "no bound" if value > 0 else "-no bound"
    match unit:
        case Unit.SECONDS if abs(value) < 0.001:
            return f"{number(value * 1e6)} µs"
        case Unit.SECONDS if abs(value) < 1:
            return f"{number(value * 1e3)} ms"
        case Unit.SECONDS:
            return f"{number(value)} s"
        case Unit.SHARE:
            return f"{number(value * 100)} %"
        case Unit.RATE:
            return f"{number(value)}/s"
        case _:
            return number(value)


def interval(estimate: Estimate, unit: Unit) -> str:
    """The interval of an estimate, ``580 ms to 655 ms``; empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{quantity(estimate.low, unit)} to {quantity(estimate.high, unit)}"


def number(value: float) -> str:
    """*value* with three significant digits, whole numbers in full."""
    if math.isinf(value):
        return "no bound"
    if value == int(value):
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def counted(count: int, noun: str, several: str | None = None) -> str:
    """``1 seed``, ``2 seeds``; *several* is the plural where it is not *noun* with an s."""
    return f"{count} {noun if count == 1 else several or noun + 's'}"
