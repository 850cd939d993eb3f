"""
Distributed tracing with OpenTelemetry.

``tracer``         OpenTelemetryTracer and the ``@trace`` decorator
``configuration``  a tracer provider from a few words: sampler, exporters, resource
``propagation``    W3C trace context in message and HTTP headers
``conventions``    the semantic-convention names we use, in one place
``otlp``           spans as OTLP's JSON, and an exporter that writes it to a file
``logs``           a logging filter that puts trace and span ids on every record
"""

from __future__ import annotations

from umt_sim.platform.tracing.configuration import Sampling, TracingSettings, configure
from umt_sim.platform.tracing.logs import TraceContextFilter
from umt_sim.platform.tracing.propagation import context_of, current_traceparent, link_to
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer, trace

__all__ = [
    "OpenTelemetryTracer",
    "Sampling",
    "TraceContextFilter",
    "TracingSettings",
    "configure",
    "context_of",
    "current_traceparent",
    "link_to",
    "trace",
]
