"""Loads as frozen values. Times in seconds, rates in requests per second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from umt_sim.distributions import Distribution

__all__ = ["ClosedUsers", "Limit", "Load", "OpenArrivals", "Stage", "TraceArrivals"]


@dataclass(frozen=True, slots=True)
class Stage:
    """
    A stretch of an open load whose rate goes in a straight line.

    Attributes:
        start_rate: Rate at the beginning, requests/s.
        end_rate: Rate at the end; equal to *start_rate* for a constant stretch.
        duration: Seconds.
    """

    start_rate: float
    end_rate: float
    duration: float

    @property
    def expected(self) -> float:
        """Mean number of arrivals in the stage."""
        return (self.start_rate + self.end_rate) / 2 * self.duration


@dataclass(frozen=True, slots=True)
class Limit:
    """
    How many requests of a load may be unanswered at once.

    Attributes:
        most: So many.
        on_full: At the limit, ``drop`` records the arrival as failed, ``wait``
            sends it late; its latency counts from its schedule all the same.
    """

    most: int
    on_full: Literal["drop", "wait"] = "drop"


@dataclass(frozen=True, slots=True)
class OpenArrivals:
    """
    Requests that keep their own schedule, whatever the system does.

    Attributes:
        stages: In order.
        process: ``poisson`` (independent arrivals) or ``constant`` (evenly spaced).
        burst: Requests that come at once, each time; the rate remains that of requests.
        repeat: Whether the stages begin again when they are over; else the last rate
            holds until the run's end.
        limit: What happens when too many are unanswered.
    """

    stages: tuple[Stage, ...]
    process: Literal["poisson", "constant"] = "poisson"
    burst: int = 1
    repeat: bool = False
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class TraceArrivals:
    """
    Requests at given times, as they were recorded somewhere.

    Attributes:
        times: Seconds from the load's start, ascending.
        limit: What happens when too many are unanswered.
    """

    times: tuple[float, ...]
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class ClosedUsers:
    """Users who each wait for their answer, think, and ask again."""

    users: int
    think: Distribution


@dataclass(frozen=True, slots=True)
class Load:
    """One line of a workload: an operation and who asks for it."""

    name: str
    arrivals: OpenArrivals | TraceArrivals | ClosedUsers
