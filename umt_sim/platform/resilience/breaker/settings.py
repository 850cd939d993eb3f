"""
Everything that can be set about a breaker, in one frozen record.

Words and defaults are resilience4j's where it has them. Durations are seconds, rates are
percentages. Nonsense is refused here, in a sentence that says what to write instead, so
that no breaker is silently dead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from umt_sim.platform.resilience.breaker.outcome import ErrorFilter, says_nothing_of_the_callee
from umt_sim.platform.resilience.breaker.rules import (
    ConsecutiveFailures,
    FailureRate,
    Rule,
    SlowCallRate,
    SlowCallsInFlight,
)
from umt_sim.platform.resilience.breaker.transitions import State
from umt_sim.platform.resilience.breaker.waits import Wait, as_wait
from umt_sim.platform.resilience.breaker.window import CountWindow, TimeWindow

__all__ = ["BreakerSettings", "CountBased", "TimeBased"]


@dataclass(frozen=True, slots=True)
class CountBased:
    """A sliding window over the last *calls* calls."""

    calls: int = 100

    def __post_init__(self) -> None:
        if self.calls < 1:
            raise ValueError(f"the window holds {self.calls} calls; write 1 or more")

    def build(self, minimum: int, now: float) -> CountWindow:  # noqa: ARG002  # a time window needs it
        """An empty window. A minimum above its size is taken as its size."""
        return CountWindow(self.calls, minimum)


@dataclass(frozen=True, slots=True)
class TimeBased:
    """A sliding window over the current clock second and the *seconds* - 1 before it."""

    seconds: int = 60

    def __post_init__(self) -> None:
        if self.seconds < 1 or self.seconds != int(self.seconds):
            raise ValueError(f"the window is {self.seconds} s long; write 1 or more whole seconds")

    def build(self, minimum: int, now: float) -> TimeWindow:
        """An empty window that begins at *now*."""
        return TimeWindow(int(self.seconds), minimum, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSettings:
    """
    What a breaker is told once.

    Args:
        trip: When to open. ``ConsecutiveFailures``, ``FailureRate``, ``SlowCallRate`` and
            ``SlowCallsInFlight``, joined with ``&`` and ``|``.
        window: Which calls the rates look at.
        minimum_number_of_calls: Calls before rates exist. Of a count window it is at most
            the window, in the half-open state at most the permitted calls.
        slow_call_duration_seconds: A call is slow when it takes longer.
        wait_in_open: Seconds, a function of the attempt, or a ``Wait``. The attempt grows
            with each opening until the breaker closes.
        automatic_half_open: Leave the open state by the clock. Otherwise the first call
            after the wait does it.
        permitted_calls_in_half_open: Probes of one half-open period: a budget, not a
            number at a time. A call that is ignored or cancelled gives its permit back.
        half_open_concurrency: Probes running at a time; ``None`` for the whole budget.
        half_open_max_wait_seconds: Leave the half-open state by the clock; ``None`` for never.
        half_open_max_wait_to: Where to, then: open or closed.
        probe_lease_seconds: A probe that still runs after this long has lost its permit to
            the next caller and its outcome no longer counts; ``None`` lets a hung probe
            keep it for ever.
        ramp_up_seconds: After a recovery, the time over which calls are let through
            gradually; 0 lets all through at once.
        ramp_up_from: Share of calls let through at the beginning of the ramp, above 0.
        ignore: Errors that do not count at all. Wins over *record*. By default what says
            nothing about the callee: a refusal by a guard further in, and errors that
            declare themselves the client's fault.
        record: Errors that count as failures; other errors count as successes.
        failed_result: Says of a returned value whether it is a failure.
        open_for: Says of an error or a returned value for how many seconds it orders the
            breaker open, ``None`` for not at all. A server's Retry-After, for example.
        initial_state: Where to begin.
    """

    trip: Rule = FailureRate(50) | SlowCallRate(100)
    window: CountBased | TimeBased = CountBased(100)
    minimum_number_of_calls: int = 10
    slow_call_duration_seconds: float = 60.0
    wait_in_open: Wait | float | Callable[[int], float] = 60.0
    automatic_half_open: bool = False
    permitted_calls_in_half_open: int = 10
    half_open_concurrency: int | None = None
    half_open_max_wait_seconds: float | None = None
    half_open_max_wait_to: State = State.OPEN
    probe_lease_seconds: float | None = 60.0
    ramp_up_seconds: float = 0.0
    ramp_up_from: float = 0.1
    ignore: ErrorFilter = says_nothing_of_the_callee
    record: ErrorFilter = Exception
    failed_result: Callable[[Any], bool] | None = None
    open_for: Callable[[Any], float | None] | None = None
    initial_state: State = State.CLOSED

    def __post_init__(self) -> None:
        object.__setattr__(self, "wait_in_open", as_wait(self.wait_in_open))
        self._check_kinds()
        self._check_numbers()
        self._check_half_open()

    def but(self, **changes: Any) -> BreakerSettings:
        """These settings with *changes*; the same checks apply."""
        return replace(self, **changes)

    @property
    def wait(self) -> Wait:
        """The wait in the open state, whichever way it was written."""
        assert isinstance(self.wait_in_open, Wait)
        return self.wait_in_open

    @property
    def watches_running_calls(self) -> bool:
        """Whether a rule asks about calls that have not ended."""
        return any(isinstance(leaf, SlowCallsInFlight) for leaf in self.trip.leaves())

    @property
    def takes_errors_as_they_are(self) -> bool:
        """Whether every error that is not one of the platform's counts as a failure."""
        ignores_by_default = self.ignore is says_nothing_of_the_callee
        return ignores_by_default and self.record is Exception and self.open_for is None

    def _check_kinds(self) -> None:
        if not isinstance(self.trip, Rule):
            raise TypeError(f"trip is {self.trip!r}; write a rule such as ConsecutiveFailures(5)")
        if not isinstance(self.window, CountBased | TimeBased):
            raise TypeError(f"window is {self.window!r}; write CountBased(100) or TimeBased(60)")
        if not isinstance(self.initial_state, State):
            raise TypeError(f"initial_state is {self.initial_state!r}; write State.CLOSED")

    def _check_numbers(self) -> None:
        if self.minimum_number_of_calls < 1:
            raise ValueError(
                f"minimum_number_of_calls is {self.minimum_number_of_calls}; write 1 or more"
            )
        _check_positive("slow_call_duration_seconds", self.slow_call_duration_seconds)
        if not (isfinite(self.ramp_up_seconds) and self.ramp_up_seconds >= 0):
            raise ValueError(f"ramp_up_seconds is {self.ramp_up_seconds}; write 0 or more seconds")
        if not 0 < self.ramp_up_from <= 1:
            raise ValueError(
                f"ramp_up_from is {self.ramp_up_from}; write a share above 0 and up to 1"
            )

    def _check_half_open(self) -> None:
        permitted, concurrency = self.permitted_calls_in_half_open, self.half_open_concurrency
        if permitted < 1:
            raise ValueError(
                f"permitted_calls_in_half_open is {permitted}; write 1 or more, or the breaker "
                "could never close again"
            )
        if concurrency is not None and not 1 <= concurrency <= permitted:
            raise ValueError(
                f"half_open_concurrency is {concurrency}; write 1 to {permitted}, the calls "
                "permitted in the half-open state, or None"
            )
        if self.half_open_max_wait_seconds is not None:
            _check_positive("half_open_max_wait_seconds", self.half_open_max_wait_seconds)
        if self.probe_lease_seconds is not None:
            _check_positive("probe_lease_seconds", self.probe_lease_seconds)
        if self.half_open_max_wait_to not in (State.OPEN, State.CLOSED):
            raise ValueError(
                f"half_open_max_wait_to is {self.half_open_max_wait_to}; "
                "write State.OPEN or State.CLOSED"
            )

    @classmethod
    def consecutive(cls, failures: int, wait_seconds: float) -> BreakerSettings:
        """The classic breaker: open after *failures* in a row, probe with one call."""
        return cls(
            trip=ConsecutiveFailures(failures),
            wait_in_open=wait_seconds,
            permitted_calls_in_half_open=1,
        )


def _check_positive(name: str, seconds: float) -> None:
    if not (isfinite(seconds) and seconds > 0):
        raise ValueError(f"{name} is {seconds}; write a positive number of seconds")
