"""An old tracer fed with new spans, and the old interface on the new tracer."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Span as AnySpan
from opentelemetry.trace import SpanKind, set_span_in_context

from umt_sim.platform.bridges.legacy import LegacySpan, LegacyTracer
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer

__all__ = ["LegacySpanProcessor", "TracerBehindLegacy"]


class LegacySpanProcessor(SpanProcessor):
    """Gives an old tracer a span for each new one: add it to the tracer provider."""

    def __init__(self, legacy: LegacyTracer) -> None:
        self._legacy = legacy
        self._running: dict[int, LegacySpan] = {}

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Start the old span, below the old span of the new one's parent."""
        above = self._running.get(span.parent.span_id) if span.parent else None
        context = span.get_span_context()
        assert context is not None
        self._running[context.span_id] = self._legacy.start_span(span.name, above)

    def on_end(self, span: ReadableSpan) -> None:
        """Copy the attributes and finish the old span."""
        context = span.get_span_context()
        assert context is not None
        old = self._running.pop(context.span_id)
        for key, value in (span.attributes or {}).items():
            old.set_tag(key, value)
        if not span.status.is_ok:
            old.set_tag("error", True)  # noqa: FBT003 - the old tracers' own convention
        old.finish()


class TracerBehindLegacy:
    """Answers the old interface with the new tracer."""

    def __init__(self, tracer: OpenTelemetryTracer) -> None:
        self._tracer = tracer

    def start_span(self, name: str, parent: _OldSpan | None = None) -> _OldSpan:
        """A running span; without *parent* below whatever span is current."""
        context = set_span_in_context(parent.span) if parent else None
        return _OldSpan(self._tracer.open(name, context, SpanKind.INTERNAL).span)


class _OldSpan:
    def __init__(self, span: AnySpan) -> None:
        self.span = span

    def set_tag(self, key: str, value: Any) -> None:
        """Note a value."""
        self.span.set_attribute(key, value)

    def finish(self) -> None:
        """End."""
        self.span.end()
