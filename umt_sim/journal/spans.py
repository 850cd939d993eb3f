"""
Turns finished OpenTelemetry spans into rows of the journal.

One ``TracerProvider`` a run, passed on explicitly, never the global one: its
ids are seeded and its processor writes each span and lets the object go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import StatusCode

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import SpanRow
from umt_sim.journal.sampling import Traces

if TYPE_CHECKING:
    from random import Random

__all__ = ["SeededIds", "SpanRecorder", "tracer_provider"]


class SeededIds(IdGenerator):
    """Trace and span ids from a random stream, so that two runs of one seed share them."""

    def __init__(self, stream: Random) -> None:
        self._stream = stream

    def generate_trace_id(self) -> int:
        """128 random bits, not all zero."""
        return self._stream.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        """64 random bits, not all zero."""
        return self._stream.getrandbits(64) or 1

    def is_trace_id_random(self) -> bool:
        """The low 56 bits are uniform, as W3C Trace Context level 2 asks."""
        return True


class SpanRecorder(SpanProcessor):
    """
    Writes finished spans to the journal, in the order in which they end.

    Args:
        recorder: The journal being written.
        to_run_time: Turns nanoseconds since the Unix epoch into seconds of the run.
        traces: Holds the spans back and chooses among their traces at shutdown; every
            span is written at once where nothing is to be chosen.
    """

    def __init__(
        self,
        recorder: Recorder,
        to_run_time: Callable[[int], float],
        traces: Traces | None = None,
    ) -> None:
        self._recorder = recorder
        self._to_run_time = to_run_time
        self._traces = traces
        self._write: Callable[[SpanRow], None] = recorder.add if traces is None else traces.add

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """A span that only began is not news."""

    def on_end(self, span: ReadableSpan) -> None:
        """Write the span, unless the run is over: a crashed host's spans reach nobody."""
        context = span.context
        if (
            self._recorder.closed
            or context is None
            or span.start_time is None
            or span.end_time is None
        ):
            return  # without times it never started: the API lets such an object end
        seconds = self._to_run_time
        attributes = dict(span.attributes or {})
        self._write(
            SpanRow(
                trace_id=f"{context.trace_id:032x}",
                span_id=f"{context.span_id:016x}",
                parent_id=f"{span.parent.span_id:016x}" if span.parent is not None else None,
                name=span.name,
                kind=span.kind.name.lower(),
                service=str(span.resource.attributes.get("service.name", "")),
                start=seconds(span.start_time),
                end=seconds(span.end_time),
                status="error" if span.status.status_code is StatusCode.ERROR else "ok",
                error_type=_text(attributes.get("error.type")),
                attributes=attributes,
                events=tuple(
                    (seconds(event.timestamp), event.name, dict(event.attributes or {}))
                    for event in span.events
                ),
                links=tuple(
                    (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}")
                    for link in span.links
                ),
            )
        )

    def shutdown(self) -> None:
        """Write the spans that were held back and are kept."""
        for row in self._traces.kept() if self._traces is not None else ():
            self._recorder.add(row)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits for time to pass."""
        del timeout_millis
        return True


def tracer_provider(
    recorder: Recorder,
    to_run_time: Callable[[int], float],
    stream: Random,
    *,
    service: str,
    traces: Traces | None = None,
) -> TracerProvider:
    """
    The provider of one run.

    Args:
        recorder: Where its spans are written.
        to_run_time: Turns nanoseconds since the Unix epoch into seconds of the run.
        stream: Source of trace and span ids.
        service: ``service.name`` of its resource.
        traces: Chooses among them at shutdown; all are kept when left out.
    """
    provider = TracerProvider(
        sampler=ALWAYS_ON,  # what a trace is worth is known at its end
        id_generator=SeededIds(stream),
        resource=Resource({"service.name": service}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SpanRecorder(recorder, to_run_time, traces))
    return provider


def _text(value: object) -> str | None:
    return None if value is None else str(value)
