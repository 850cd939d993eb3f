"""How much worse than before a number may become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from umt_sim.expectations.grammar import Number
from umt_sim.expectations.metrics import METRICS, Unit
from umt_sim.measures import units

__all__ = ["DEFAULT", "Tolerance", "tolerance"]

DEFAULT: Mapping[str, str] = {"latency.p95": "+10%", "error_rate": "+1pp", "goodput": "-5%"}
"""What is tolerated of each operation where a scenario does not say."""

_EXAMPLES: Mapping[Unit, str] = {
    Unit.SECONDS: "+10% or +50ms",
    Unit.SHARE: "+0.5pp or +10%",
    Unit.RATE: "-5% or -2/s",
    Unit.NUMBER: "+10% or +3",
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """
    How much worse a number may become.

    Attributes:
        text: As written.
        sign: Which way is for the worse: 1 up, -1 down.
        relative: Share of the baseline's value.
        absolute: In the number's unit.
    """

    text: str
    sign: Literal[-1, 1]
    relative: float
    absolute: float

    def of(self, value: float) -> float:
        """What may be added to *value*, or taken from it."""
        return self.absolute if self.relative == 0 else self.relative * abs(value)


def tolerance(text: str, of: Number) -> Tolerance:
    """
    Parse a tolerance: ``+10%`` of the baseline, ``+0.5pp``, ``+50ms``, ``-2/s``, ``3``.

    Args:
        text: The sign says which way is for the worse; it may be left out where that is clear.
        of: The number it is for.

    Raises:
        ValueError: It is none, or not in the number's unit.
    """
    bare = text.strip().lstrip("+-")
    sign = METRICS[of.metric].worse
    if text.strip()[:1] in ("+", "-"):
        sign = 1 if text.strip()[0] == "+" else -1
    if sign == 0:
        raise ValueError(f"{text!r} needs a sign: is {of} worse when it is higher, or lower?")
    try:
        if bare.endswith("%"):
            return Tolerance(text, sign, units.percentage(bare), 0.0)
        return Tolerance(text, sign, 0.0, _absolute(bare, of.unit))
    except ValueError:
        raise ValueError(
            f"{text!r} is no tolerance for {of}, write for example {_EXAMPLES[of.unit]}"
        ) from None


def _absolute(text: str, unit: Unit) -> float:
    match unit:
        case Unit.SECONDS:
            return units.duration(text)
        case Unit.SHARE:
            if not text.endswith("pp"):
                raise ValueError(text)
            return units.percentage(text.removesuffix("pp") + "%")
        case Unit.RATE:
            return units.rate(text)
        case _:
            return units.number(text)
