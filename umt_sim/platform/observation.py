"""Puts what guards do onto the span in which they do it, and counts it."""

from __future__ import annotations

from typing import Any

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import get_current_span
from opentelemetry.util.types import AttributeValue

from umt_sim.platform.resilience.breaker.events import BreakerEvent, CallRefused, StateChanged
from umt_sim.platform.resilience.breaker.telemetry import BreakerMetrics
from umt_sim.platform.resilience.fallback import FallbackUsed
from umt_sim.platform.resilience.retry import RetryScheduled
from umt_sim.platform.resilience.timeout import TimeoutElapsed

__all__ = ["GuardMetrics", "note_on_span"]


def note_on_span(event: Any) -> None:
    """
    A listener for guards: what they decide becomes events of the current span.

    Outcomes of single calls do not: they are spans already.
    """
    described = _described(event)
    if described is not None:
        span = get_current_span()
        if span.is_recording():
            span.add_event(*described)


def _described(event: Any) -> tuple[str, dict[str, AttributeValue]] | None:
    match event:
        case StateChanged(breaker=breaker, from_state=before, to_state=after):
            return "umt.circuit_breaker.transition", {
                "umt.circuit_breaker.name": breaker,
                "umt.circuit_breaker.from": before.value,
                "umt.circuit_breaker.to": after.value,
            }
        case CallRefused(breaker=breaker, state=state):
            return "umt.circuit_breaker.refusal", {
                "umt.circuit_breaker.name": breaker,
                "umt.circuit_breaker.state": state.value,
            }
        case RetryScheduled(policy=policy, attempt=attempt, delay=delay, error=error):
            return "umt.retry", {
                "umt.policy.name": policy,
                "umt.retry.attempt": attempt,
                "umt.retry.delay": delay,
                "error.type": type(error).__qualname__,
            }
        case TimeoutElapsed(policy=policy, seconds=seconds):
            return "umt.timeout", {"umt.policy.name": policy, "umt.timeout.seconds": seconds}
        case FallbackUsed(policy=policy):
            return "umt.fallback", {"umt.policy.name": policy}
    return None


class GuardMetrics:
    """
    Counts what guards do, as OpenTelemetry metrics.

    What breakers do is counted by ``BreakerMetrics``; besides there are ``umt.retries``
    (by ``policy`` and ``error.type``), ``umt.timeouts`` and ``umt.fallbacks`` (by ``policy``).

    Args:
        provider: Where metrics go; passed in, the global one is left alone.
        name: Of the meter: the process whose guards these are.
    """

    def __init__(self, provider: MeterProvider, name: str) -> None:
        meter = provider.get_meter(name)
        self._count_breaker = BreakerMetrics(meter)
        self._retries = meter.create_counter("umt.retries", "{retry}", "Attempts after the first")
        self._timeouts = meter.create_counter("umt.timeouts", "{call}", "Calls given up")
        self._fallbacks = meter.create_counter("umt.fallbacks", "{call}", "Calls answered instead")

    def hear(self, event: Any) -> None:
        """A listener for guards."""
        match event:
            case BreakerEvent():
                self._count_breaker(event)
            case RetryScheduled(policy=policy, error=error):
                self._retries.add(1, {"policy": policy, "error.type": type(error).__qualname__})
            case TimeoutElapsed(policy=policy):
                self._timeouts.add(1, {"policy": policy})
            case FallbackUsed(policy=policy):
                self._fallbacks.add(1, {"policy": policy})
