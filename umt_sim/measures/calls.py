"""
How long services took to answer, as the client spans of the code under test tell.

The names are OpenTelemetry's semantic conventions, so this reads the spans of any
system that follows them. A span holds everything its caller waited for: the way
there and back, the server, and the driver's own work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import SpanRow
from umt_sim.measures.estimates import Floats
from umt_sim.servers.specs import Kind

__all__ = ["REDELIVERED", "call_times", "delivery_times", "redeliveries"]

REDELIVERED = "messaging.message.redelivered"
"""Attribute of a consumer's span: whether the broker said that it had sent the message before."""

_DATABASES: Mapping[object, tuple[Kind, str]] = {
    "postgresql": ("postgres", "query"),
    "redis": ("redis", "command"),
}
_MESSAGE = "messaging.message.id"


def call_times(journal: Journal, window: Window) -> dict[tuple[Kind, str], Floats]:
    """
    Seconds of each call that succeeded in *window*, by kind of service and operation.

    The operations are those whose service time a scenario may state: ``query``,
    ``command``, ``publish``, ``request``. Each is one round trip.
    """
    times: dict[tuple[Kind, str], list[float]] = {}
    for span in _succeeded(journal, window):
        called = _called(span)
        if called is not None:
            times.setdefault(called, []).append(span.end - span.start)
    return {called: np.array(seconds) for called, seconds in times.items()}


def delivery_times(journal: Journal, window: Window) -> Floats:
    """
    Seconds from the confirmation of each message to the beginning of its processing.

    Negative where the consumer had it before the publisher knew that it was safe.
    """
    spans = list(_succeeded(journal, window))
    confirmed = {
        span.attributes[_MESSAGE]: span.end
        for span in spans
        if span.kind == "producer" and _MESSAGE in span.attributes
    }
    times: Floats = np.array(
        [
            span.start - confirmed[message]
            for span in spans
            if span.kind == "consumer"
            and not span.attributes.get(REDELIVERED)
            and (message := span.attributes.get(_MESSAGE)) in confirmed
        ],
        dtype=np.float64,
    )
    return times


def redeliveries(journal: Journal, window: Window) -> Floats:
    """When consumers began to process messages that the broker had sent before."""
    times: Floats = np.array(
        [
            span.start
            for span in journal.of(SpanRow)
            if span.attributes.get(REDELIVERED) and span.start in window
        ],
        dtype=np.float64,
    )
    return times


def _succeeded(journal: Journal, window: Window) -> Iterator[SpanRow]:
    return (s for s in journal.of(SpanRow) if s.start in window and s.status != "error")


def _called(span: SpanRow) -> tuple[Kind, str] | None:
    """Which kind of service a span called, and for what; ``None`` if it called nobody."""
    attributes = span.attributes
    if span.kind == "producer" and attributes.get("messaging.system") == "rabbitmq":
        return "rabbitmq", "publish"
    if span.kind != "client":
        return None
    if "http.request.method" in attributes:
        return "http", "request"
    return _DATABASES.get(attributes.get("db.system.name"))
