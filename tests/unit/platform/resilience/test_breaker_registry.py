"""Breakers by name, and what OpenTelemetry sees of them."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.unit.platform.resilience.clock import HandClock
from umt_sim.platform.resilience import BreakerSettings, CircuitOpenError
from umt_sim.platform.resilience.breaker import ConsecutiveFailures, Health, Outcome, State
from umt_sim.platform.resilience.breaker.registry import BreakerRegistry
from umt_sim.platform.resilience.breaker.telemetry import BreakerMetrics, mark_spans, watch

DEFAULT = BreakerSettings(trip=ConsecutiveFailures(1), wait_in_open=10)


def test_settings_inherit_from_named_ones() -> None:
    """What a definition does not change is that of its base."""
    registry = BreakerRegistry(DEFAULT, clock=HandClock())
    registry.define("http", slow_call_duration_seconds=2)
    registry.define("llm", "http", wait_in_open=60)
    llm = registry.get("openai", "llm").settings
    assert (DEFAULT.trip, 2, 60) == (
        llm.trip,
        llm.slow_call_duration_seconds,
        llm.wait.seconds(1, None),  # type: ignore[arg-type]  # a constant draws nothing
    )


def test_breaker_is_made_once() -> None:
    """The same name is the same breaker; another configuration for it is refused."""
    registry = BreakerRegistry(DEFAULT, clock=HandClock())
    registry.define("http")
    assert registry.get("cms") is registry.get("cms")
    with pytest.raises(ValueError, match="give it one configuration, or two names"):
        registry.get("cms", "http")
    with pytest.raises(KeyError, match="there are default, http"):
        registry.get("ads", "htpp")
    with pytest.raises(ValueError, match="choose another name"):
        registry.define("http")


def test_health_is_the_worst_of_all() -> None:
    """One breaker down is the whole down; each is named."""
    clock = HandClock()
    registry = BreakerRegistry(DEFAULT, clock=clock)
    assert Health.UP is registry.health().health
    registry.get("a")
    registry.get("b").transition_to(State.OPEN)
    assert (Health.DOWN, {"a": Health.UP, "b": Health.DOWN}) == (
        registry.health().health,
        registry.health().breakers,
    )
    registry.get("b").transition_to(State.HALF_OPEN)
    assert Health.RECOVERING is registry.health().health
    registry.reset()
    assert Health.UP is registry.health().health


def test_metrics_count_calls_refusals_and_transitions() -> None:
    """Counters, durations and gauges of what happened, per breaker."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("test")
    registry = BreakerRegistry(DEFAULT, clock=HandClock(), listeners=[BreakerMetrics(meter)])
    breaker = registry.get("db")
    watch(meter, registry)
    breaker.acquire().record(Outcome.SUCCESS)
    breaker.acquire().record(Outcome.FAILURE)
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    points = _points(reader)
    assert {("success",): 1, ("error",): 1} == points["circuit_breaker.calls"]
    assert {(): 1} == points["circuit_breaker.not_permitted"]
    assert {("closed", "open"): 1} == points["circuit_breaker.transitions"]
    states = {labels[0]: value for labels, value in points["circuit_breaker.state"].items()}
    assert {"open": 1} == {state: value for state, value in states.items() if value}
    assert "circuit_breaker.failure_rate" not in points  # undefined with two calls


def _points(reader: InMemoryMetricReader) -> dict[str, dict[tuple[Any, ...], Any]]:
    data = reader.get_metrics_data()
    assert data is not None
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    return {
        metric.name: {
            tuple(v for k, v in (point.attributes or {}).items() if k != "circuit_breaker.name"): (
                getattr(point, "value", None)
            )
            for point in metric.data.data_points
        }
        for metric in metrics
        if metric.data.data_points
    }


def test_refusals_and_transitions_are_marked_on_the_span() -> None:
    """The span in which a breaker opens or refuses says so."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    breaker = BreakerRegistry(DEFAULT, clock=HandClock(), listeners=[mark_spans]).get("db")
    with provider.get_tracer("test").start_as_current_span("request"):
        breaker.acquire().record(Outcome.FAILURE)
        with pytest.raises(CircuitOpenError):
            breaker.acquire()
    breaker.reset()  # outside of any span nothing is marked
    (span,) = exporter.get_finished_spans()
    assert ["circuit_breaker.transition", "circuit_breaker.not_permitted"] == [
        event.name for event in span.events
    ]
