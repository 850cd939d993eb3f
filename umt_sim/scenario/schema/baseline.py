"""The ``baseline`` of a scenario: what it is compared with, and how much worse it may become."""

from __future__ import annotations

from pydantic import Field

from umt_sim.expectations.tolerance import DEFAULT
from umt_sim.scenario.schema.block import Block

__all__ = ["Baseline"]


class Baseline(Block):
    """A stored baseline; ``umt-sim baseline`` writes it and compares with it."""

    file: str
    """Path of the file, seen from the scenario's folder."""
    tolerate: dict[str, str] = Field(default_factory=lambda: dict(DEFAULT))
    """Name of a number to how much worse it may become: ``latency.p95: +10%``."""
