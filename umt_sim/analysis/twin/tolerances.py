"""How far apart two worlds may be and still agree."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TOLERANCES", "Tolerances"]


@dataclass(frozen=True, slots=True)
class Tolerances:
    """
    The largest differences that still count as agreement.

    Attributes:
        relative: Of latencies, queue depths and message counts, as a share of the larger.
        latency: Seconds on top of that.
        errors: Difference of two error rates, as a share of the requests.
        curve: Widest gap between two counting curves, as a share of all requests.
        transition: Seconds between the same transition of a breaker in both worlds.
        messages: Messages on top of the relative difference.
    """

    relative: float = 0.15
    latency: float = 0.005
    errors: float = 0.05
    curve: float = 0.05
    transition: float = 1.0
    messages: float = 5.0

    def of_latency(self, one: float, other: float) -> float:
        """Seconds that two latencies may differ by."""
        return self.relative * max(one, other) + self.latency

    def of_count(self, one: float, other: float) -> float:
        """By how much two numbers of messages may differ."""
        return self.relative * max(one, other) + self.messages


TOLERANCES = Tolerances()
"""Those of the verdict."""
