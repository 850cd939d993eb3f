"""
One trace, read: its tree, who took part, and what its answer waited for.

A span's *participant* is the program it belongs to: the service that made it or,
inside a message handler, the queue's consumer. A consumer's span begins when its
producer's has ended; the time between is the message's wait in the queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import OperationRecord, SpanRow

__all__ = ["NOBODY", "Hop", "Leg", "Trace", "critical_path", "slowest_traces", "trace_of"]

NOBODY = "lost program"
"""Participant of work whose beginning left no span."""

_TIE = 1e-9  # seconds; moments are stored with rounding


@dataclass(frozen=True, slots=True)
class Leg:
    """
    A stretch of the critical path.

    Attributes:
        span: Whose time it was.
        start: Seconds of the run.
        end: Seconds of the run.
        waiting: The span had ended and a message it sent had not arrived yet.
    """

    span: SpanRow
    start: float
    end: float
    waiting: bool


@dataclass(frozen=True, slots=True)
class Hop:
    """
    One call or message between two programs.

    Attributes:
        span: The client's, producer's or consumer's span.
        caller: Who sent it.
        callee: Who got it: a server, or a consumer.
        failed: Whether the span ended in an error.
    """

    span: SpanRow
    caller: str
    callee: str
    failed: bool


class Trace:
    """
    The spans of one trace, in order of their start.

    Args:
        spans: All of them, in any order.

    Raises:
        ValueError: There is none.
    """

    def __init__(self, spans: Iterable[SpanRow]) -> None:
        self.spans = sorted(spans, key=lambda span: (span.start, -span.end, span.span_id))
        if not self.spans:
            raise ValueError("a trace has at least one span")
        self._ids = {span.span_id for span in self.spans}

    @property
    def roots(self) -> list[SpanRow]:
        """Spans whose parent is not in the trace."""
        return [span for span in self.spans if span.parent_id not in self._ids]

    @cached_property
    def _children(self) -> dict[str, list[SpanRow]]:
        found: dict[str, list[SpanRow]] = {}
        for span in self.spans:
            if span.parent_id is not None:
                found.setdefault(span.parent_id, []).append(span)
        return found

    def children(self, span: SpanRow) -> list[SpanRow]:
        """Spans begun by *span*, in order of their start."""
        return self._children.get(span.span_id, [])

    def walk(self) -> Iterator[tuple[int, SpanRow]]:
        """Each span with its depth, parents before children."""
        stack = [(0, root) for root in reversed(self.roots)]
        while stack:
            depth, span = stack.pop()
            yield depth, span
            stack += [(depth + 1, child) for child in reversed(self.children(span))]

    @cached_property
    def participants(self) -> dict[str, str]:
        """
        Span id to the program the span belongs to.

        Work whose beginning left no span, since its program lost power, is nobody's.
        """
        first = self.roots[0]
        found: dict[str, str] = {}
        for _, span in self.walk():
            orphan = span.parent_id is not None and span.parent_id not in self._ids
            alone = NOBODY if orphan and span is not first else span.service
            inherited = found.get(span.parent_id or "", alone)
            found[span.span_id] = _consumer(span) if span.kind == "consumer" else inherited
        return found

    @cached_property
    def hops(self) -> list[Hop]:
        """Calls and messages between programs, in order of their start; a cause goes first."""
        found = []
        for span in sorted((span for _, span in self.walk()), key=lambda span: span.start):
            own, server = self.participants[span.span_id], _server(span)
            if server is None:
                continue
            caller, callee = (server, own) if span.kind == "consumer" else (own, server)
            found.append(Hop(span, caller, callee, span.status == "error"))
        return found


def trace_of(journal: Journal, trace_id: str) -> Trace:
    """
    One trace of a run.

    Raises:
        ValueError: The run kept no span of it.
    """
    spans = [span for span in journal.of(SpanRow) if span.trace_id == trace_id]
    if not spans:
        raise ValueError(f"no span of trace {trace_id} was kept")
    return Trace(spans)


def slowest_traces(journal: Journal, operation: str | None, count: int) -> list[OperationRecord]:
    """The *count* slowest answered requests that have a trace, slowest first."""
    answered = [
        row
        for row in journal.of(OperationRecord)
        if row.completed is not None and row.trace_id and operation in (None, row.name)
    ]
    return sorted(answered, key=lambda row: (row.scheduled - (row.completed or 0.0), row.number))[
        :count
    ]


def critical_path(trace: Trace) -> list[Leg]:
    """
    What the first root's answer waited for, as stretches without gaps, in order of time.

    Work that goes on after the answer is not on it. Of children that overlap, the
    one that ended last was waited for.

    Source:
        Zhang et al. (2022), CRISP: critical path analysis of large-scale microservice
        architectures; extended to messages, whose handlers outlive the sender's span.
    """
    root = trace.roots[0]
    legs: list[Leg] = []
    _trace_back(trace, root, root.end, root.end, legs)
    return legs[::-1]


def _trace_back(
    trace: Trace, span: SpanRow, until: float, answered: float, legs: list[Leg]
) -> None:
    """Append the legs of *span* and what it began before *until*, latest first."""
    cursor = until
    ends = [(child, _extent(trace, child, answered)) for child in trace.children(span)]
    candidates = [(child, end) for child, end in ends if end is not None]
    for child, end in sorted(candidates, key=lambda pair: (-pair[1], -pair[0].start)):
        if end > cursor + _TIE or child.start >= cursor:
            continue
        _append(legs, span, end, cursor)
        _trace_back(trace, child, min(end, cursor), answered, legs)
        cursor = child.start
    _append(legs, span, span.start, cursor)


def _append(legs: list[Leg], span: SpanRow, start: float, end: float) -> None:
    """*span*'s own time between *start* and *end*; what follows its end was spent waiting."""
    if end - max(start, span.end) > _TIE:
        legs.append(Leg(span, max(start, span.end), end, waiting=True))
        end = max(start, span.end)
    if end - start > _TIE:
        legs.append(Leg(span, start, end, waiting=False))


def _extent(trace: Trace, span: SpanRow, answered: float) -> float | None:
    """When the last of *span* and what it began was over, as far as it was before the answer."""
    ends = [_extent(trace, child, answered) for child in trace.children(span)]
    known = [end for end in ends if end is not None]
    if span.end <= answered + _TIE:
        known.append(span.end)
    return max(known, default=None)


def _consumer(span: SpanRow) -> str:
    """The queue a handler's message came from: the last part of RabbitMQ's destination name."""
    return str(span.attributes.get("messaging.destination.name", span.service)).rsplit(":", 1)[-1]


def _server(span: SpanRow) -> str | None:
    """What a span talks to; ``None`` for work inside a program."""
    known: Sequence[str] = ("server.address", "messaging.system")
    if span.kind not in ("client", "producer", "consumer"):
        return None
    return next((str(span.attributes[key]) for key in known if key in span.attributes), None)
