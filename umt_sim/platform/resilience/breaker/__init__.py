"""
The circuit breaker: resilience4j's semantics with its faults repaired.

    circuit_breaker   what users hold: execute, decorator, with, permits, operation
    settings          everything that can be set, and what is refused as nonsense
    rules, waits      when to open; for how long
    window            sliding windows: numbers, knowing nothing of states
    transitions       the six states and the legal steps, as data
    states            one class per state
    machine           the lock, the present state, and the steps
    forms, entries    calls as functions, coroutines, generators; as ``with`` blocks
    permits           admission and outcome as two acts
    timers            fires timers when they are due
    events            what listeners hear
    snapshot          numbers at one moment; health
    outcome           how a call ended
    registry          breakers by name, with settings inherited from named ones
    telemetry         OpenTelemetry metrics and span events, as listeners
    fleet             one breaker for many processes, over ``ports.fleet_store``

``registry``, ``telemetry`` and ``fleet`` are imported by those who want them.
``docs/breaker.md`` has the semantics and each difference from resilience4j.
"""

from __future__ import annotations

from umt_sim.platform.resilience.breaker.circuit_breaker import CircuitBreaker
from umt_sim.platform.resilience.breaker.events import (
    BreakerEvent,
    BreakerReset,
    CallFailed,
    CallIgnored,
    CallRefused,
    CallSucceeded,
    FailureRateExceeded,
    SlowCallRateExceeded,
    StateChanged,
)
from umt_sim.platform.resilience.breaker.outcome import Outcome
from umt_sim.platform.resilience.breaker.permits import Permit
from umt_sim.platform.resilience.breaker.rules import (
    ConsecutiveFailures,
    FailureRate,
    Rule,
    SlowCallRate,
    SlowCallsInFlight,
)
from umt_sim.platform.resilience.breaker.settings import BreakerSettings, CountBased, TimeBased
from umt_sim.platform.resilience.breaker.snapshot import Health, Snapshot
from umt_sim.platform.resilience.breaker.transitions import LEGAL, State
from umt_sim.platform.resilience.breaker.waits import ConstantWait, ExponentialWait, Wait

__all__ = [
    "LEGAL",
    "BreakerEvent",
    "BreakerReset",
    "BreakerSettings",
    "CallFailed",
    "CallIgnored",
    "CallRefused",
    "CallSucceeded",
    "CircuitBreaker",
    "ConsecutiveFailures",
    "ConstantWait",
    "CountBased",
    "ExponentialWait",
    "FailureRate",
    "FailureRateExceeded",
    "Health",
    "Outcome",
    "Permit",
    "Rule",
    "SlowCallRate",
    "SlowCallRateExceeded",
    "SlowCallsInFlight",
    "Snapshot",
    "State",
    "StateChanged",
    "TimeBased",
    "Wait",
]
