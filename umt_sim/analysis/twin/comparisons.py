"""One number in two worlds: what either measured, and whether that agrees."""

from __future__ import annotations

import math
from dataclasses import dataclass

from umt_sim.expectations.metrics import Unit
from umt_sim.expectations.verdicts import Status

__all__ = ["WORDS", "Comparison", "compared", "unjudged"]

WORDS = {
    "passed": "AGREE",
    "failed": "DISAGREE",
    "inconclusive": "INCONCLUSIVE",
    "errored": "ERRORED",
}
"""A status in the words of a comparison."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    One number, compared.

    Attributes:
        subject: What it is about: an operation, a breaker, a queue.
        number: What was measured, for example ``p95``.
        window: Where.
        sim: Its value in the simulated world; ``None`` if there is none.
        live: Its value in the live one.
        allowed: The largest difference that agrees; ``None`` where nothing is compared.
        unit: Of all three.
        status: Whether they agree; ``None`` where this is shown and not judged.
        note: What else there is to say.
    """

    subject: str
    number: str
    window: str
    sim: float | None
    live: float | None
    allowed: float | None
    unit: Unit
    status: Status | None
    note: str = ""

    @property
    def difference(self) -> float | None:
        """Live minus sim; ``None`` unless both are finite."""
        if self.sim is None or self.live is None:
            return None
        return self.live - self.sim if math.isfinite(self.live - self.sim) else None


def compared(
    subject: str,
    number: str,
    window: str,
    values: tuple[float, float],
    allowed: float,
    unit: Unit,
    note: str = "",
) -> Comparison:
    """Judge one number; *values* are the sim's and the live world's."""
    sim, live = values
    agree = sim == live or abs(live - sim) <= allowed
    status = Status.PASSED if agree else Status.FAILED
    return Comparison(subject, number, window, sim, live, allowed, unit, status, note)


def unjudged(
    subject: str,
    number: str,
    window: str,
    values: tuple[float | None, float | None],
    unit: Unit,
    note: str,
) -> Comparison:
    """Show one number without judging it; *note* says why."""
    return Comparison(subject, number, window, *values, None, unit, None, note)
