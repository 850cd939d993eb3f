"""
A breaker's events as OpenTelemetry metrics and span events.

Two listeners to subscribe; the breaker knows neither. The meter is passed in, so that two
runs in one process do not share a provider.

    breaker.subscribe(BreakerMetrics(meter))
    breaker.subscribe(mark_spans)
"""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Meter, Observation

from umt_sim.platform.resilience.breaker.circuit_breaker import CircuitBreaker
from umt_sim.platform.resilience.breaker.events import (
    BreakerEvent,
    CallFailed,
    CallIgnored,
    CallRefused,
    CallSucceeded,
    StateChanged,
)
from umt_sim.platform.resilience.breaker.transitions import State

__all__ = ["BreakerMetrics", "mark_spans", "watch"]

NAME = "circuit_breaker.name"


class BreakerMetrics:
    """
    Counts calls by outcome, refusals and transitions, and measures durations.

    Instruments: ``circuit_breaker.calls`` (``outcome`` success, error or ignored_error),
    ``circuit_breaker.not_permitted``, ``circuit_breaker.transitions`` (``from``, ``to``),
    ``circuit_breaker.call.duration`` in seconds.
    """

    def __init__(self, meter: Meter) -> None:
        self._calls = meter.create_counter(
            "circuit_breaker.calls", "{call}", "Calls let through, by outcome"
        )
        self._refused = meter.create_counter(
            "circuit_breaker.not_permitted", "{call}", "Calls refused"
        )
        self._transitions = meter.create_counter(
            "circuit_breaker.transitions", "{transition}", "Steps from state to state"
        )
        self._durations = meter.create_histogram(
            "circuit_breaker.call.duration", "s", "Durations of calls let through"
        )

    def __call__(self, event: BreakerEvent) -> None:
        """Hear an event."""
        name = {NAME: event.breaker}
        if isinstance(event, CallSucceeded | CallFailed | CallIgnored):
            outcome = {**name, "outcome": event.kind}
            self._calls.add(1, outcome)
            self._durations.record(event.duration, outcome)
        elif isinstance(event, CallRefused):
            self._refused.add(1, name)
        elif isinstance(event, StateChanged):
            steps = {"from": event.from_state.value, "to": event.to_state.value}
            self._transitions.add(1, {**name, **steps})


def watch(meter: Meter, breakers: Iterable[CircuitBreaker]) -> None:
    """
    Observe the state and the rates of *breakers* whenever metrics are collected.

    Gauges: ``circuit_breaker.state`` is 1 for the present ``state`` and 0 for the others;
    ``circuit_breaker.failure_rate`` and ``circuit_breaker.slow_call_rate`` in percent, not
    reported while undefined.
    """

    def states(_: CallbackOptions) -> Iterable[Observation]:
        for breaker in breakers:
            present = breaker.state
            for state in State:
                labels = {NAME: breaker.name, "state": state.value}
                yield Observation(int(state is present), labels)

    def failure_rates(_: CallbackOptions) -> Iterable[Observation]:
        for breaker in breakers:
            rate = breaker.snapshot().failure_rate
            if rate is not None:
                yield Observation(rate, {NAME: breaker.name})

    def slow_call_rates(_: CallbackOptions) -> Iterable[Observation]:
        for breaker in breakers:
            rate = breaker.snapshot().slow_call_rate
            if rate is not None:
                yield Observation(rate, {NAME: breaker.name})

    meter.create_observable_gauge("circuit_breaker.state", [states], "1")
    meter.create_observable_gauge("circuit_breaker.failure_rate", [failure_rates], "%")
    meter.create_observable_gauge("circuit_breaker.slow_call_rate", [slow_call_rates], "%")


def mark_spans(event: BreakerEvent) -> None:
    """Note refusals and transitions on the span in which they happen."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    if isinstance(event, CallRefused):
        attributes = {NAME: event.breaker, "circuit_breaker.state": event.state.value}
        span.add_event("circuit_breaker.not_permitted", attributes)
    elif isinstance(event, StateChanged):
        span.add_event(
            "circuit_breaker.transition",
            {
                NAME: event.breaker,
                "circuit_breaker.from": event.from_state.value,
                "circuit_breaker.to": event.to_state.value,
            },
        )
