"""Spans reach files in OTLP's form, and guards' decisions reach counters."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from tests.fakes.acme import ACME
from tests.fakes.stage import Stage, on_stage
from umt_sim.platform.application import Application
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.errors import PlatformError
from umt_sim.platform.policies import PolicySettings, RetrySettings
from umt_sim.platform.resilience import BreakerSettings
from umt_sim.platform.surroundings import Surroundings
from umt_sim.platform.tracing.configuration import (
    TracingSettings,
    build_provider,
    otlp_file_exporter,
    otlp_http_exporter,
)
from umt_sim.platform.tracing.otlp import otlp_span
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer
from umt_sim.servers.postgres import Engine, recipe


def test_each_export_is_a_line_of_otlp(tmp_path: Path) -> None:
    """Resource, scope, ids in hex, times and whole numbers as text, status and parent."""
    path = tmp_path / "spans.jsonl"
    settings = TracingSettings(
        service_name="shop", exporters=[otlp_file_exporter(path)], batch=False
    )
    provider = build_provider(settings)
    tracer = OpenTelemetryTracer(provider, name="front")
    with tracer.start_as_current_span("outer", kind=SpanKind.CLIENT) as outer:
        outer.set_attribute("count", 3)
        with pytest.raises(KeyError), tracer.start_as_current_span("inner"):
            raise KeyError
    provider.shutdown()
    inner, outside = (_only_span(line) for line in path.read_text().splitlines())
    context = outer.get_span_context()
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (
        inner["traceId"],
        inner["parentSpanId"],
    )
    assert {"code": 2, "message": "KeyError"} == inner["status"]
    assert (3, {}) == (outside["kind"], outside["status"])
    assert {"key": "count", "value": {"intValue": "3"}} in outside["attributes"]
    assert int(outside["startTimeUnixNano"]) <= int(inner["startTimeUnixNano"])
    first = json.loads(path.read_text().splitlines()[0])["resourceSpans"][0]
    assert {"key": "service.name", "value": {"stringValue": "shop"}} in first["resource"][
        "attributes"
    ]
    assert "front" == first["scopeSpans"][0]["scope"]["name"]


def _only_span(line: str) -> Any:
    (resource,) = json.loads(line)["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    (span,) = scope["spans"]
    return span


def test_every_kind_of_value_has_its_form() -> None:
    """A truth value is no number, a list is a list, and anything else is text."""
    span = otlp_span(
        trace_id="a" * 32,
        span_id="b" * 16,
        parent_id=None,
        name="n",
        kind=SpanKind.INTERNAL,
        start_ns=1,
        end_ns=2,
        error=None,
        attributes={"b": True, "i": 1, "f": 0.5, "s": "x", "l": ("x", 2), "n": float("-inf")},
        events=[(1, "e", {"k": "v"})],
        links=[("c" * 32, "d" * 16)],
    )
    assert [
        {"boolValue": True},
        {"intValue": "1"},
        {"doubleValue": 0.5},
        {"stringValue": "x"},
        {"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "2"}]}},
        {"doubleValue": "-Infinity"},
    ] == [attribute["value"] for attribute in span["attributes"]]
    assert "parentSpanId" not in span
    assert [{"traceId": "c" * 32, "spanId": "d" * 16}] == span["links"]


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP as protobuf, and keeps path and spans."""

    received: ClassVar[list[tuple[str, Any]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A collector's address, and what it was sent."""
    handler = type("Handler", (Collector,), {"received": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler.received
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("below", "path"), [("", "/v1/traces"), ("/mine", "/mine")])
def test_otlp_over_http_reaches_a_collector(collector: Any, below: str, path: str) -> None:
    """Sent by the background thread as production does, to where collectors listen."""
    address, received = collector
    exporter = otlp_http_exporter(address + below)
    provider = build_provider(TracingSettings(service_name="shop", exporters=[exporter]))
    with OpenTelemetryTracer(provider, name="front").start_as_current_span("outer") as outer:
        outer.set_attribute("count", 3)
    provider.shutdown()
    ((where, request),) = received
    (resource,) = request.resource_spans
    (scope,) = resource.scope_spans
    (span,) = scope.spans
    assert (path, "front", "outer") == (where, scope.scope.name, span.name)
    assert outer.get_span_context().trace_id == int.from_bytes(span.trace_id)
    assert {"count": 3} == {each.key: each.value.int_value for each in span.attributes}
    assert "shop" in [each.value.string_value for each in resource.resource.attributes]


class Stuck(SpanExporter):
    """An exporter whose collector answers nobody, until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.exported = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Wait."""
        self.entered.set()
        self.let_go.wait()
        self.exported += len(spans)
        raise ConnectionError("and then fail")


def test_a_collector_that_hangs_and_fails_hurts_no_request() -> None:
    """Spans end while the exporter waits; what there is no room for is dropped."""
    stuck = Stuck()
    provider = build_provider(TracingSettings(exporters=[stuck]))
    tracer = OpenTelemetryTracer(provider)
    for _ in range(5000):  # more than the queue holds
        with tracer.start_as_current_span("request"):
            pass
    assert stuck.entered.wait(10)
    with tracer.start_as_current_span("one more") as span:
        assert span.is_recording()
    stuck.let_go.set()
    provider.shutdown()
    assert 0 < stuck.exported < 5000


def test_an_exporter_that_fails_at_once_hurts_no_request() -> None:
    """Without a background thread, too."""
    stuck = Stuck()
    stuck.let_go.set()
    provider = build_provider(TracingSettings(exporters=[stuck], batch=False))
    with OpenTelemetryTracer(provider).start_as_current_span("request"):
        pass
    assert 1 == stuck.exported


def test_otlp_over_http_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ImportError, match=r"pip install umt-sim\[otlp\]"):
        otlp_http_exporter("http://localhost:4318")


def test_guards_are_counted() -> None:
    """Retries, failures and the opening of a breaker are metrics of the process they are in."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    policies = {
        "llm": PolicySettings(
            timeout=5.0,
            retry=RetrySettings(max_attempts=3),
            breaker=BreakerSettings.consecutive(3, 5.0),
        )
    }

    async def play(stage: Stage) -> None:
        surroundings = Surroundings(
            randomness=lambda name: stage.kernel.streams.stream(f"platform/{name}"),
            tracer_provider=stage.provider,
            meter_provider=provider,
        )
        async with Application(
            stage.config, policies=policies, surroundings=surroundings
        ) as application:
            brand = await application.client.onboard_brand(ACME)
            stage.proxies["llm"].disable()
            with pytest.raises(PlatformError):
                await application.client.create_content(
                    CreateContent(brand_id=brand["brand_id"], title="Hello")
                )

    with Engine(recipe()) as engine:
        on_stage(engine, play)
    counted = _counted(reader)
    breaker = ("content-creation-agent", "content-creation-agent/llm")
    assert counted[(*breaker, "umt.retries")] >= 2
    assert counted[(*breaker, "circuit_breaker.calls")] >= 3
    assert counted[(*breaker, "circuit_breaker.transitions")] >= 1


def _counted(reader: InMemoryMetricReader) -> dict[tuple[str, str, str], int]:
    """Sums by process, guard and instrument."""
    data = reader.get_metrics_data()
    assert data is not None
    sums: dict[tuple[str, str, str], int] = {}
    for scope in data.resource_metrics[0].scope_metrics:
        for metric in scope.metrics:
            for point in metric.data.data_points:
                guard = str(
                    point.attributes.get("policy") or point.attributes.get("circuit_breaker.name")
                )
                key = (scope.scope.name, guard, metric.name)
                sums[key] = sums.get(key, 0) + getattr(point, "value", point.__dict__.get("count"))
    return sums
