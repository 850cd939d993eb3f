"""
What keeps a failure from spreading. Start with ``policy``, or with ``breaker`` alone.

    policy         all guards around one callee, in a stated order
    breaker        stops calling what fails
    retry          tries again when that may help
    retry_budget   and not more often than the callee can bear
    backoff        waits between attempts
    timeout        ends a call that takes too long
    deadline       the moment after which nobody waits any more
    bulkhead       limits how many calls run at once
    rate_limiter   limits how many calls start per second
    fallback       answers with something else
    hedge          asks a second time when the answer is late
    errors         what the guards raise
    listeners      hands events to listeners in order

The guards take their clock and their randomness from outside, and publish what they do as
frozen records with a ``kind``, the time ``at`` and the name of who says it.
"""

from __future__ import annotations

from umt_sim.platform.resilience.backoff import Backoff, Jitter
from umt_sim.platform.resilience.breaker import BreakerSettings, CircuitBreaker
from umt_sim.platform.resilience.bulkhead import Bulkhead
from umt_sim.platform.resilience.deadline import Deadline, current_deadline, deadline
from umt_sim.platform.resilience.errors import (
    BulkheadFull,
    CallNotPermitted,
    CallTimedOut,
    CircuitBreakError,
    CircuitOpenError,
    DeadlineExceeded,
    IllegalStateTransition,
    RateLimitExceeded,
)
from umt_sim.platform.resilience.fallback import Fallback
from umt_sim.platform.resilience.hedge import Hedge
from umt_sim.platform.resilience.policy import DEFAULT_ORDER, Guard, Part, ResiliencePolicy
from umt_sim.platform.resilience.rate_limiter import RateLimiter
from umt_sim.platform.resilience.retry import Retry
from umt_sim.platform.resilience.retry_budget import RetryBudget
from umt_sim.platform.resilience.timeout import Timeout

__all__ = [
    "DEFAULT_ORDER",
    "Backoff",
    "BreakerSettings",
    "Bulkhead",
    "BulkheadFull",
    "CallNotPermitted",
    "CallTimedOut",
    "CircuitBreakError",
    "CircuitBreaker",
    "CircuitOpenError",
    "Deadline",
    "DeadlineExceeded",
    "Fallback",
    "Guard",
    "Hedge",
    "IllegalStateTransition",
    "Jitter",
    "Part",
    "RateLimitExceeded",
    "RateLimiter",
    "ResiliencePolicy",
    "Retry",
    "RetryBudget",
    "Timeout",
    "current_deadline",
    "deadline",
]
