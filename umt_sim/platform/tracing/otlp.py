"""
OTLP as JSON: spans in the form that collectors, Jaeger and other viewers read from files.

The mapping is protobuf's JSON mapping with OTLP's exceptions: ids are hex, 64-bit numbers
are text, enumerations are numbers. See https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
and https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode

__all__ = ["JsonFileExporter", "otlp_request", "otlp_span"]

KINDS: Final = {
    SpanKind.INTERNAL: 1,
    SpanKind.SERVER: 2,
    SpanKind.CLIENT: 3,
    SpanKind.PRODUCER: 4,
    SpanKind.CONSUMER: 5,
}
ERROR: Final = 2
_UNBOUNDED: Final = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
Attributes = Mapping[str, Any]


def otlp_span(
    *,
    trace_id: str,
    span_id: str,
    parent_id: str | None,
    name: str,
    kind: SpanKind,
    start_ns: int,
    end_ns: int,
    error: str | None,
    attributes: Attributes,
    events: Iterable[tuple[int, str, Attributes]] = (),
    links: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """
    One span.

    Args:
        trace_id: 32 hex digits.
        span_id: 16 hex digits.
        parent_id: Of the span above it.
        name: What was done.
        kind: On which side of a call it is.
        start_ns: Nanoseconds since 1970.
        end_ns: Likewise.
        error: What went wrong, in few words; ``None`` if nothing did.
        attributes: Texts, numbers, truth values, and lists of them.
        events: Nanoseconds since 1970, name and attributes of each.
        links: Trace and span id of each.
    """
    return {
        "traceId": trace_id,
        "spanId": span_id,
        **({"parentSpanId": parent_id} if parent_id else {}),
        "name": name,
        "kind": KINDS[kind],
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(end_ns),
        "attributes": _attributes(attributes),
        "events": [
            {"timeUnixNano": str(at), "name": event, "attributes": _attributes(told)}
            for at, event, told in events
        ],
        "links": [{"traceId": trace, "spanId": span} for trace, span in links],
        "status": {} if error is None else {"code": ERROR, "message": error},
    }


def otlp_request(
    groups: Iterable[tuple[Attributes, str, Sequence[dict[str, Any]]]],
) -> dict[str, Any]:
    """The spans of several programs: of each its resource, its scope, and its spans."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}],
            }
            for resource, scope, spans in groups
        ]
    }


class JsonFileExporter(SpanExporter):
    """
    Appends finished spans to a file, one OTLP request on each line.

    Args:
        path: The file; made if it is not there.
    """

    def __init__(self, path: Path | str) -> None:
        self._file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - closed by shutdown

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write *spans*, and make sure that they are in the file."""
        programs: dict[tuple[Resource, str], list[dict[str, Any]]] = {}
        for span in spans:
            programs.setdefault((span.resource, _scope(span)), []).append(_encoded(span))
        request = otlp_request(
            (resource.attributes, scope, found) for (resource, scope), found in programs.items()
        )
        self._file.write(json.dumps(request, separators=(",", ":")) + "\n")
        self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is held back."""
        del timeout_millis
        return True


def _encoded(span: ReadableSpan) -> dict[str, Any]:
    failed = span.status.status_code is StatusCode.ERROR
    return otlp_span(
        trace_id=f"{span.context.trace_id:032x}",
        span_id=f"{span.context.span_id:016x}",
        parent_id=f"{span.parent.span_id:016x}" if span.parent is not None else None,
        name=span.name,
        kind=span.kind,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        error=(span.status.description or "error") if failed else None,
        attributes=span.attributes or {},
        events=((event.timestamp, event.name, event.attributes or {}) for event in span.events),
        links=(
            (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links
        ),
    )


def _scope(span: ReadableSpan) -> str:
    scope = span.instrumentation_scope
    return scope.name if scope is not None else ""


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value if isfinite(value) else _UNBOUNDED[str(value)]}
        case list() | tuple():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case _:
            return {"stringValue": str(value)}
