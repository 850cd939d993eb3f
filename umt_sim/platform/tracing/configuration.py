"""A tracer provider from a few words: sampler, exporters, resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)

from umt_sim.platform.tracing.otlp import JsonFileExporter
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer

__all__ = [
    "Sampling",
    "TracingSettings",
    "build_provider",
    "configure",
    "console_exporter",
    "in_memory_exporter",
    "otlp_file_exporter",
    "otlp_http_exporter",
]


TRACES = "/v1/traces"
"""Where a collector takes spans, by OTLP's convention."""


class Sampling(StrEnum):
    """Which traces are kept."""

    ALWAYS = "always"  # every one
    NEVER = "never"  # none
    RATIO = "ratio"  # the share given, decided by the trace id
    PARENT = "parent"  # as the caller decided; the share given of those that begin here


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """
    How spans are kept and where they go.

    Attributes:
        service_name: Name of this process in every trace.
        sampling: Which traces are kept.
        ratio: Share of traces kept by ``RATIO`` and ``PARENT``, 0 to 1.
        exporters: Where finished spans go. ``console_exporter()``, ``in_memory_exporter()``,
            ``otlp_file_exporter()`` and ``otlp_http_exporter()`` make some.
        batch: Export from a background thread, as production wants it. Without
            it each span is exported as it ends, as tests want it.
        resource: More attributes of this process.
        id_generator: Makes trace and span ids; left out, the SDK's random ones.
    """

    service_name: str = "umt"
    sampling: Sampling = Sampling.ALWAYS
    ratio: float = 1.0
    exporters: Sequence[SpanExporter] = ()
    batch: bool = True
    resource: Mapping[str, str] = field(default_factory=dict)
    id_generator: IdGenerator | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.ratio <= 1.0:
            raise ValueError(f"ratio is a share between 0 and 1, not {self.ratio}")


def build_provider(settings: TracingSettings) -> TracerProvider:
    """A provider of its own; the global one is left alone."""
    provider = TracerProvider(
        sampler=_sampler(settings),
        resource=Resource.create({"service.name": settings.service_name, **settings.resource}),
        id_generator=settings.id_generator,
        shutdown_on_exit=False,
    )
    processor = BatchSpanProcessor if settings.batch else SimpleSpanProcessor
    for exporter in settings.exporters:
        provider.add_span_processor(processor(exporter))
    return provider


def configure(settings: TracingSettings) -> OpenTelemetryTracer:
    """Make the tracer that ``OpenTelemetryTracer.get_instance()`` returns from now on."""
    tracer = OpenTelemetryTracer(build_provider(settings))
    OpenTelemetryTracer.install(tracer)
    return tracer


def console_exporter() -> SpanExporter:
    """Prints each span as JSON."""
    return ConsoleSpanExporter()


def in_memory_exporter() -> InMemorySpanExporter:
    """Keeps spans for a test to look at."""
    return InMemorySpanExporter()


def otlp_file_exporter(path: Path | str) -> SpanExporter:
    """Appends spans to a file as OTLP's JSON, which Jaeger and collectors read."""
    return JsonFileExporter(path)


def otlp_http_exporter(endpoint: str) -> SpanExporter:
    """
    Sends spans to an OTLP collector over HTTP.

    Args:
        endpoint: The collector, ``http://host:4318``; with a path of its own, exactly there,
            and else to ``/v1/traces``, where collectors listen.

    Raises:
        ImportError: The extra ``otlp`` is not installed.
    """
    try:
        module = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        raise ImportError("OTLP over HTTP needs an extra: pip install umt-sim[otlp]") from error
    address = urlsplit(endpoint)
    if address.path in ("", "/"):
        address = address._replace(path=TRACES)
    exporter: SpanExporter = module.OTLPSpanExporter(endpoint=address.geturl())
    return exporter


def _sampler(settings: TracingSettings) -> Sampler:
    match settings.sampling:
        case Sampling.ALWAYS:
            return ALWAYS_ON
        case Sampling.NEVER:
            return ALWAYS_OFF
        case Sampling.RATIO:
            return TraceIdRatioBased(settings.ratio)
        case Sampling.PARENT:
            return ParentBased(TraceIdRatioBased(settings.ratio))
