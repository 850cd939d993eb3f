"""
Toxic vectors: what goes into one direction of a proxied connection, and what comes out.

The file says what its fields mean in ``about``. Times are milliseconds from the accept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

END = "EOF"
RESET = "RST"

# What real sockets may miss by.
EARLY = 6.0  # ms
LATE = 25.0  # ms
LATE_SHARE = 0.05  # of the time passed


@dataclass
class Arrivals:
    """What a receiver saw: how many bytes in all at which times, and how it ended."""

    steps: list[tuple[float, int]] = field(default_factory=list)
    ending: tuple[float, str] | None = None

    def add(self, at: float, what: int | str) -> None:
        """Count bytes, or note the end. What comes at one instant is one step."""
        if isinstance(what, str):
            self.ending = (at, what)
            return
        total = self.steps[-1][1] + what if self.steps else what
        if self.steps and self.steps[-1][0] == at:
            self.steps.pop()
        self.steps.append((at, total))

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self.steps[-1][1] if self.steps else 0

    def reached(self, level: int) -> float:
        """When *level* bytes in all had come."""
        return next(at for at, total in self.steps if total >= level)


@dataclass(frozen=True)
class Vector:
    id: str
    about: str
    plan: list[tuple[float, int | str]]
    toxics: list[dict[str, Any]]
    ops: list[dict[str, Any]]
    expected: Arrivals

    @property
    def last_moment(self) -> float:
        """When everything that is planned or expected has happened."""
        moments = [at for at, _ in [*self.plan, *self.expected.steps]]
        moments += [op["at"] for op in self.ops]
        if self.expected.ending:
            moments.append(self.expected.ending[0])
        return max(moments, default=0)


def load(path: str) -> list[Vector]:
    """Read every vector of a file."""
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    return [_vector(entry) for entry in document["vectors"]]


def _vector(entry: dict[str, Any]) -> Vector:
    expected = Arrivals()
    for at, what in entry["expected"]:
        expected.add(at, what)
    plan = [(at, what) for at, what in entry["plan"]]
    return Vector(entry["id"], entry["about"], plan, entry["toxics"], entry["ops"], expected)


def deviation(vector: Vector, arrived: Arrivals) -> str | None:
    """How *arrived* differs from what was expected, if by more than the tolerance."""
    expected = vector.expected
    if expected.total != arrived.total:
        return f"{arrived.total} bytes arrived, expected {expected.total}"
    for at, level in expected.steps:
        if not _close(at, arrived.reached(level)):
            return f"{level} bytes at {arrived.reached(level):.1f} ms, expected at {at} ms"
    if (expected.ending or (0, ""))[1] != (arrived.ending or (0, ""))[1]:
        return f"ended by {arrived.ending}, expected {expected.ending}"
    if expected.ending and arrived.ending and not _close(expected.ending[0], arrived.ending[0]):
        return f"ended at {arrived.ending[0]:.1f} ms, expected at {expected.ending[0]} ms"
    return None


def _close(expected: float, actual: float) -> bool:
    return expected - EARLY <= actual <= expected + LATE + LATE_SHARE * expected
