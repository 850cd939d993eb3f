"""A run's traces as OTLP's JSON, which Jaeger and other viewers open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opentelemetry.trace import SpanKind

from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import SpanRow
from umt_sim.kernel.wall_clock import EPOCH
from umt_sim.measures.traces import Trace
from umt_sim.platform.tracing.otlp import otlp_request, otlp_span

__all__ = ["otlp_traces", "write_otlp"]

_EPOCH_NS = round(EPOCH.timestamp()) * 1_000_000_000


def write_otlp(journal: Journal, path: Path) -> int:
    """Write every trace of the run to *path*; the number of spans."""
    path.write_text(json.dumps(otlp_traces(journal), separators=(",", ":")), encoding="utf-8")
    return len(journal.of(SpanRow))


def otlp_traces(journal: Journal) -> dict[str, Any]:
    """
    Every span of the run, by the program it belongs to.

    Second 0 of the run is the first moment of 2026 in both worlds: wall clocks of the sim
    world begin there, and where a live run began is of no interest to its durations.
    """
    programs: dict[str, list[dict[str, Any]]] = {}
    for trace in _traces(journal):
        for span in trace.spans:
            program = trace.participants.get(span.span_id, span.service)
            programs.setdefault(program, []).append(_encoded(span))
    scope = str(journal.header.get("scenario", ""))
    return otlp_request(
        ({"service.name": program}, scope, spans) for program, spans in programs.items()
    )


def _traces(journal: Journal) -> Iterator[Trace]:
    found: dict[str, list[SpanRow]] = {}
    for span in journal.of(SpanRow):
        found.setdefault(span.trace_id, []).append(span)
    return (Trace(spans) for spans in found.values())


def _encoded(span: SpanRow) -> dict[str, Any]:
    return otlp_span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        name=span.name,
        kind=SpanKind[span.kind.upper()],
        start_ns=_unix_ns(span.start),
        end_ns=_unix_ns(span.end),
        error=(span.error_type or "error") if span.status == "error" else None,
        attributes=span.attributes,
        events=((_unix_ns(at), name, told) for at, name, told in span.events),
        links=span.links,
    )


def _unix_ns(seconds: float) -> int:
    return _EPOCH_NS + round(seconds * 1e9)
