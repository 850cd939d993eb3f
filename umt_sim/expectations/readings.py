"""One journal, opened for measuring: its windows and columns, worked out once."""

from __future__ import annotations

from functools import cached_property

from umt_sim.faults.timeline import BASELINE, Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import BreakerEvent
from umt_sim.measures.breakers import breakers_made_from, transitions
from umt_sim.measures.estimates import PASSING, STEADY, Batching
from umt_sim.measures.requests import Requests
from umt_sim.measures.steps import Steps
from umt_sim.measures.windows import RUN, fault_parts, windows_of

__all__ = ["Readings"]


class Readings:
    """
    What expectations read a journal through.

    Args:
        journal: A closed journal.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._requests: dict[str | None, Requests] = {}
        self._in_flight: dict[str | None, Steps] = {}
        self._breakers: dict[str, list[str]] = {}
        self._transitions: dict[str, list[BreakerEvent]] = {}

    @cached_property
    def windows(self) -> dict[str, Window]:
        """Every window of the run by name."""
        return windows_of(self.journal)

    @cached_property
    def faults(self) -> dict[str, list[Window]]:
        """When each fault was in force: a random one has several parts."""
        return fault_parts(self.journal)

    @property
    def run(self) -> Window:
        """All that was measured."""
        return self.windows[RUN]

    @cached_property
    def requests(self) -> Requests:
        """Every request of the run."""
        return Requests.of(self.journal)

    def batching(self, window: Window) -> Batching:
        """How intervals are found in *window*: before the first fault nothing has a course."""
        calm = self.windows.get(BASELINE, self.run) if len(self.windows) > 1 else self.run
        return STEADY if window.end <= calm.end else PASSING

    def requests_of(self, operation: str | None) -> Requests:
        """Requests of one operation (``None``: all) throughout the run."""
        if operation not in self._requests:
            self._requests[operation] = self.requests.named(operation)
        return self._requests[operation]

    def requests_in(self, operation: str | None, window: Window) -> Requests:
        """Requests of one operation (``None``: all) scheduled in *window*."""
        return self.requests_of(operation).scheduled_in(window)

    def in_flight(self, operation: str | None) -> Steps:
        """Requests of one operation under way, over time."""
        if operation not in self._in_flight:
            self._in_flight[operation] = self.requests_of(operation).in_flight()
        return self._in_flight[operation]

    def breakers(self, policy: str) -> list[str]:
        """Names of the breakers made from *policy*, in whichever process."""
        if policy not in self._breakers:
            self._breakers[policy] = breakers_made_from(self.journal, policy)
        return self._breakers[policy]

    def transitions(self, breaker: str) -> list[BreakerEvent]:
        """Transitions of one breaker from the beginning of the run."""
        if breaker not in self._transitions:
            self._transitions[breaker] = transitions(self.journal, breaker)
        return self._transitions[breaker]
