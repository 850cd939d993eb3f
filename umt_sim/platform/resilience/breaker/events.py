"""
What a breaker tells its listeners. Frozen records; ``at`` is the clock's monotonic seconds.

On a call that opens the breaker the order is: the outcome, the thresholds that were
exceeded, the transition. A refused call publishes one event. Disabled and forced-open
breakers publish transitions and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from umt_sim.platform.resilience.breaker.transitions import State

__all__ = [
    "BreakerEvent",
    "BreakerReset",
    "CallFailed",
    "CallIgnored",
    "CallRefused",
    "CallSucceeded",
    "FailureRateExceeded",
    "SlowCallRateExceeded",
    "StateChanged",
]


@dataclass(frozen=True, slots=True)
class BreakerEvent:
    """Base of the events; ``kind`` is its name in a journal."""

    kind: ClassVar[str]
    at: float
    breaker: str


@dataclass(frozen=True, slots=True)
class CallSucceeded(BreakerEvent):
    """
    A call ended well, or with an error that does not count.

    ``stale`` says that it was admitted in an earlier state and decided nothing.
    """

    kind: ClassVar[str] = "success"
    duration: float
    stale: bool = False


@dataclass(frozen=True, slots=True)
class CallFailed(BreakerEvent):
    """A call failed. ``error`` is ``None`` if its result was judged to be a failure."""

    kind: ClassVar[str] = "error"
    duration: float
    error: BaseException | None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class CallIgnored(BreakerEvent):
    """A call raised an error that the settings ignore."""

    kind: ClassVar[str] = "ignored_error"
    duration: float
    error: BaseException | None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class CallRefused(BreakerEvent):
    """A call was not permitted."""

    kind: ClassVar[str] = "not_permitted"
    state: State


@dataclass(frozen=True, slots=True)
class FailureRateExceeded(BreakerEvent):
    """The failure rate, in percent, has reached its threshold."""

    kind: ClassVar[str] = "failure_rate_exceeded"
    rate: float


@dataclass(frozen=True, slots=True)
class SlowCallRateExceeded(BreakerEvent):
    """The slow call rate, in percent, has reached its threshold."""

    kind: ClassVar[str] = "slow_call_rate_exceeded"
    rate: float


@dataclass(frozen=True, slots=True)
class StateChanged(BreakerEvent):
    """The breaker went from one state to another."""

    kind: ClassVar[str] = "state_transition"
    from_state: State
    to_state: State


@dataclass(frozen=True, slots=True)
class BreakerReset(BreakerEvent):
    """An operator set the breaker back to closed."""

    kind: ClassVar[str] = "reset"
