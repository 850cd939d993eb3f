"""
The frozen plan: the whole truth of a run.

Composed of the values of the layers below it; nothing in it does anything. Its
``document`` is itself a valid scenario with every default filled in, so that a
plan kept in a journal can be read, compared and run again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from umt_sim.expectations.grammar import Expectation
from umt_sim.faults.timeline import Timeline
from umt_sim.journal.sampling import Sampling
from umt_sim.servers.specs import ServiceSpec
from umt_sim.workload.values import Load

__all__ = ["BaselineFile", "Clock", "Plan", "WorldName"]

WorldName = Literal["sim", "live"]


@dataclass(frozen=True, slots=True)
class Clock:
    """
    How long a run lasts, in seconds from the start of its load.

    Attributes:
        duration: Until no new requests are sent; the warm-up is part of it.
        warmup: Stretch at the beginning that measures leave out.
        drain: What comes after *duration*, for requests and queues to come to rest.
    """

    duration: float
    warmup: float
    drain: float


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """
    Where a baseline is stored and what it allows.

    Attributes:
        path: The file.
        tolerances: Name of a number, its operation named, to how much worse it may become.
    """

    path: Path
    tolerances: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    One run, frozen.

    Attributes:
        name: The scenario's name.
        description: What it is about.
        marks: pytest marks of its tests.
        seed: Names all randomness of the run.
        seeds: Every seed the scenario asks for; *seed* is the one of this run.
        world: Where it runs.
        clock: How long.
        system: ``umt`` or ``package.module:factory``.
        services: Name to what it is.
        workload: Who asks for what.
        policies: Name to plain values: seconds, fractions of one, counts, text.
        timeline: The faults, random ones drawn.
        expectations: What must hold.
        invariants: Names of what must never be broken.
        abort: What ends the run early.
        spans: Which traces the journal keeps; ``None`` for all.
        baseline: What it is compared with, if anything.
        sweep: Path of a value to the values it takes in turn.
        document: The scenario with all edits and defaults, as plain data.
        source: The file it came from, as the user named it.
    """

    name: str
    description: str
    marks: tuple[str, ...]
    seed: int
    seeds: tuple[int, ...]
    world: WorldName
    clock: Clock
    system: str
    services: Mapping[str, ServiceSpec]
    workload: tuple[Load, ...]
    policies: Mapping[str, Mapping[str, Any]]
    timeline: Timeline
    expectations: tuple[Expectation, ...]
    invariants: tuple[str, ...]
    abort: tuple[Expectation, ...]
    spans: Sampling | None
    baseline: BaselineFile | None
    sweep: Mapping[str, tuple[Any, ...]]
    document: Mapping[str, Any]
    source: str

    def as_dict(self) -> dict[str, Any]:
        """The frozen plan as JSON: a valid scenario of one run, with its seed in it."""
        plain = copy.deepcopy(dict(self.document))
        for many in ("seeds", "sweep"):
            plain.pop(many, None)
        return plain | {"seed": self.seed}
