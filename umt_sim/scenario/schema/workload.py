"""The ``workload`` of a scenario: operations and who asks for them."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from umt_sim.scenario.schema.block import Block, chosen_by
from umt_sim.scenario.schema.quantities import PerSecond, PositiveSeconds
from umt_sim.scenario.schema.samples import Samples
from umt_sim.scenario.schema.times import Time, build_time
from umt_sim.workload import values
from umt_sim.workload.values import TraceArrivals

__all__ = ["Load"]

Count = Annotated[int, Field(ge=1)]


class Stage(Block):
    """A stretch of an open load: at a constant ``rate``, or in a straight line ``to`` one."""

    rate: PerSecond | None = None
    """Rate at the beginning; where the stage before it ended, when left out."""
    to: PerSecond | None = None
    """Rate at the end; the same as at the beginning, when left out."""
    duration: Annotated[PositiveSeconds, Field(alias="for")]

    @model_validator(mode="after")
    def _states_a_rate(self) -> Self:
        if self.rate is None and self.to is None:
            raise ValueError('a stage needs "rate" (constant) or "to" (a ramp)')
        return self


class _Limited(Block):
    """Arrivals that do not wait for answers."""

    max_in_flight: Count | None = None
    """Requests that may be unanswered at once; no limit when left out."""
    on_full: Literal["drop", "wait"] = "drop"
    """What becomes of a request at that limit: failed at once, or sent late."""

    @property
    def _limit(self) -> values.Limit | None:
        if self.max_in_flight is None:
            return None
        return values.Limit(self.max_in_flight, self.on_full)


class Open(_Limited):
    """Requests that keep their own schedule, whatever the system does."""

    model: Literal["open"]
    process: Literal["poisson", "constant"] = "poisson"
    rate: PerSecond | None = None
    """A constant rate from beginning to end; instead of ``stages``."""
    stages: Annotated[list[Stage] | None, Field(min_length=1)] = None
    """Stretches in order; the last rate holds until the end."""
    repeat: bool = False
    """Begin again with the first stage when they are over."""
    burst: Count = 1
    """Requests that come at once, each time; the rate remains that of requests."""

    @model_validator(mode="after")
    def _states_a_rate(self) -> Self:
        if (self.rate is None) == (self.stages is None):
            raise ValueError('open arrivals need either "rate" or "stages"')
        if not any(stage.expected for stage in self._stages(1.0)):
            raise ValueError("the rate is zero throughout; leave the operation out instead")
        if self.repeat and self.stages is None:
            raise ValueError('"repeat" needs "stages": what is there to repeat?')
        return self

    def _stages(self, duration: float) -> tuple[values.Stage, ...]:
        if self.rate is not None:
            return (values.Stage(self.rate, self.rate, duration),)
        built: list[values.Stage] = []
        rate = 0.0
        for stage in self.stages or ():
            start = stage.rate if stage.rate is not None else rate
            rate = stage.to if stage.to is not None else start
            built.append(values.Stage(start, rate, stage.duration))
        return tuple(built)

    def build(self, duration: float) -> values.OpenArrivals:
        """The frozen value, for a run of *duration* seconds."""
        return values.OpenArrivals(
            stages=self._stages(duration),
            process=self.process,
            burst=self.burst,
            repeat=self.repeat,
            limit=self._limit,
        )


class Trace(Samples, _Limited):
    """Requests at recorded times, counted from the load's start."""

    model: Literal["trace"]

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        if any(late < early for early, late in itertools.pairwise(self.samples)):
            raise ValueError("the times of a trace must go up")
        return self

    def build(self, duration: float) -> TraceArrivals:
        """The frozen value; what lies beyond *duration* is not sent."""
        return TraceArrivals(tuple(t for t in self.samples if t < duration), self._limit)


class Closed(Block):
    """Users who each wait for their answer, think, and ask again."""

    model: Literal["closed"]
    users: Count
    think: Time

    def build(self, duration: float) -> values.ClosedUsers:
        """The frozen value; it does not depend on the *duration*."""
        del duration
        return values.ClosedUsers(self.users, build_time(self.think))


class Load(Block):
    """An operation of the system and who asks for it."""

    name: str
    arrivals: Annotated[
        Annotated[Open, Tag("<open>")]
        | Annotated[Trace, Tag("<trace>")]
        | Annotated[Closed, Tag("<closed>")],
        chosen_by("model"),
    ]

    def build(self, duration: float) -> values.Load:
        """The frozen value, for a run of *duration* seconds."""
        return values.Load(self.name, self.arrivals.build(duration))
