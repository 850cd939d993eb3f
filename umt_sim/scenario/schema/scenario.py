"""The whole scenario file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from umt_sim.scenario.schema.baseline import Baseline
from umt_sim.scenario.schema.block import Block
from umt_sim.scenario.schema.faults import Fault
from umt_sim.scenario.schema.policies import Policy
from umt_sim.scenario.schema.quantities import PositiveSeconds, Seconds
from umt_sim.scenario.schema.seeds import Seeds
from umt_sim.scenario.schema.services import Service
from umt_sim.scenario.schema.spans import Spans
from umt_sim.scenario.schema.workload import Load

__all__ = ["Clock", "Scenario"]

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"

Name = Annotated[str, Field(pattern=_NAME)]
Mark = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Clock(Block):
    """How long a run lasts, in seconds from the start of its load."""

    duration: PositiveSeconds
    """Until no new requests are sent; warm-up included."""
    warmup: Seconds = 0.0
    """Stretch at the beginning that measures leave out."""
    drain: Seconds = 30.0
    """What requests under way and queues get to come to rest afterwards."""

    @model_validator(mode="after")
    def _leaves_something_to_measure(self) -> Self:
        if self.warmup >= self.duration:
            raise ValueError("the warm-up takes the whole duration; nothing is left to measure")
        return self


class Scenario(Block):
    """A scenario, version 1."""

    version: Literal[1]
    """Of this language."""
    name: Name
    """What its runs, tests and folders are called."""
    description: str = ""
    """What it is about, for people."""
    marks: list[Mark] = Field(default_factory=list)
    """pytest marks of the tests made from this file, for ``pytest -m``."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Names all randomness of a run; 1 when neither it nor ``seeds`` is given."""
    seeds: Seeds | None = None
    """One run for each: replications."""
    clock: Clock
    system: str = "umt"
    """The built-in platform, or ``package.module:factory``."""
    services: dict[Name, Service] = Field(default_factory=dict)
    """What the system talks to: name to ``kind`` (rabbitmq, postgres, redis, http) and speed."""
    workload: Annotated[list[Load], Field(min_length=1)]
    """Which operations are asked for, and by whom: ``open``, ``closed`` or ``trace`` arrivals."""
    policies: dict[Name, Policy] = Field(default_factory=dict)
    """How the code under test protects itself."""
    faults: dict[Name, Fault] = Field(default_factory=dict)
    """What goes wrong: name of its window to one action, where, and when."""
    expect: list[str] = Field(default_factory=list)
    """What must hold, for example ``error_rate(create_content) < 5% during brownout``."""
    invariants: list[str] = Field(default_factory=list)
    """What must never be broken, by name."""
    abort: list[str] = Field(default_factory=list)
    """What ends the run early, for example ``error_rate > 90% for 30s``."""
    spans: Spans | None = None
    """Which traces the journal keeps; all of them when left out."""
    baseline: Baseline | None = None
    """What ``umt-sim baseline`` compares it with."""
    sweep: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    """Path of a value to the values it takes in turn; ``umt-sim sweep`` runs every combination."""

    @field_validator("seeds")
    @classmethod
    def _states_seeds_once(cls, seeds: list[int] | None, info: ValidationInfo) -> list[int] | None:
        if seeds is not None and info.data.get("seed") is not None:
            raise ValueError('either "seed" or "seeds", not both')
        return seeds

    @field_validator("sweep")
    @classmethod
    def _tries_each_value_once(cls, sweep: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for path, values in sweep.items():
            if any(value in values[:index] for index, value in enumerate(values)):
                raise ValueError(f"{path} takes a value twice")
        return sweep
