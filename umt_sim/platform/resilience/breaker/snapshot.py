"""A breaker's numbers at one moment, and what they say about its health."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from umt_sim.platform.resilience.breaker.transitions import State
from umt_sim.platform.resilience.breaker.window import Window, percentile

__all__ = ["Health", "Snapshot"]


class Health(Enum):
    """A state in one word, as a health endpoint wants it."""

    UP = "up"  # calls go through
    RECOVERING = "recovering"  # probes go through
    DOWN = "down"  # calls are refused


_HEALTH = {
    State.CLOSED: Health.UP,
    State.DISABLED: Health.UP,
    State.METRICS_ONLY: Health.UP,
    State.HALF_OPEN: Health.RECOVERING,
    State.OPEN: Health.DOWN,
    State.FORCED_OPEN: Health.DOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """
    The visible window and the state. While open, the window is that of the state before.

    Attributes:
        at: The clock's monotonic seconds.
        attempt: How often the breaker has opened since it was last closed.
        failure_rate: Percent, ``None`` below the minimum number of calls.
        slow_call_rate: Likewise.
        buffered_calls: Calls in the window.
        not_permitted_calls: Calls refused since the window was begun.
        latency_p50: Median duration of the latest calls in seconds, ``None`` without calls;
            *latency_samples* says how many they are.
    """

    at: float
    breaker: str
    state: State
    attempt: int
    failure_rate: float | None
    slow_call_rate: float | None
    buffered_calls: int
    successful_calls: int
    failed_calls: int
    slow_calls: int
    slow_failed_calls: int
    not_permitted_calls: int
    latency_p50: float | None
    latency_p95: float | None
    latency_p99: float | None
    latency_samples: int

    @classmethod
    def of(cls, at: float, breaker: str, state: State, attempt: int, window: Window) -> Snapshot:
        """Read *window*, which must have been moved to *at*."""
        durations = window.latencies()
        return cls(
            at=at,
            breaker=breaker,
            state=state,
            attempt=attempt,
            failure_rate=window.failure_rate,
            slow_call_rate=window.slow_call_rate,
            buffered_calls=window.calls,
            successful_calls=window.calls - window.failed,
            failed_calls=window.failed,
            slow_calls=window.slow,
            slow_failed_calls=window.slow_failed,
            not_permitted_calls=window.not_permitted,
            latency_p50=percentile(durations, 50),
            latency_p95=percentile(durations, 95),
            latency_p99=percentile(durations, 99),
            latency_samples=len(durations),
        )

    @property
    def health(self) -> Health:
        """The state in one word."""
        return _HEALTH[self.state]
