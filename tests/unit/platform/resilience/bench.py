"""A breaker on the bench: its clock is turned by hand, its events and complaints are kept."""

from __future__ import annotations

from typing import Any

from tests.unit.platform.resilience.clock import HandClock
from umt_sim.platform.resilience import BreakerSettings, CircuitBreaker
from umt_sim.platform.resilience.breaker import BreakerEvent, ConsecutiveFailures, Outcome

__all__ = ["ONE", "Bench", "boom", "fail", "make", "succeed"]

ONE = BreakerSettings(trip=ConsecutiveFailures(1), wait_in_open=10, permitted_calls_in_half_open=1)
"""One failure opens it, one probe decides."""


def make(settings: BreakerSettings, **rest: Any) -> tuple[CircuitBreaker, HandClock]:
    """A breaker and its clock."""
    clock = HandClock()
    return CircuitBreaker("db", settings=settings, clock=clock, **rest), clock


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    """So many calls that fail."""
    for _ in range(times):
        breaker.acquire().record(Outcome.FAILURE)


def succeed(breaker: CircuitBreaker, times: int = 1) -> None:
    """So many calls that succeed."""
    for _ in range(times):
        breaker.acquire().record(Outcome.SUCCESS)


def boom() -> None:
    """A call that fails."""
    raise OSError("boom")


class Bench:
    """A breaker with one probe; ``ready_to_probe`` opens it and lets its wait pass."""

    def __init__(self, settings: BreakerSettings = ONE) -> None:
        self.events: list[BreakerEvent] = []
        self.reports: list[Exception] = []
        self.breaker, self.clock = make(
            settings,
            listeners=[self.events.append],
            report=lambda error, _: self.reports.append(error),
        )

    def ready_to_probe(self) -> CircuitBreaker:
        """The breaker, whose next call is the probe."""
        fail(self.breaker)
        self.clock.advance(10.5)
        return self.breaker

    def kinds(self) -> list[str]:
        """What it has told so far."""
        return [event.kind for event in self.events]
