"""
Everything that can happen in a run, as frozen rows.

Times are seconds since the run began (virtual in the sim world, monotonic in
the live one) unless a name says otherwise. ``None`` means "absent", never zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = [
    "OUTBOX",
    "REFUSED",
    "BreakerEvent",
    "BreakerSnapshot",
    "EffectRecord",
    "FaultRecord",
    "LogLine",
    "MessageEvent",
    "MessageFate",
    "Observation",
    "OperationRecord",
    "Outcome",
    "PhaseRecord",
    "QueueSample",
    "Record",
    "ResourceSample",
    "RetryEvent",
    "SpanRow",
    "StationTotals",
    "UnhandledError",
    "written_at",
]

OUTBOX = "outbox"
"""Name of the queue that an outbox table is."""

REFUSED = "refused"
"""Reason of a message event: the queue was full and never took the message in."""


class Outcome(Enum):
    """How an operation ended, as its caller can know it (Jepsen's three outcomes)."""

    OK = "ok"  # it happened
    FAIL = "fail"  # it did not happen
    INFO = "info"  # unknown: it may have happened


class MessageFate(Enum):
    """A step in a message's life at the broker."""

    PUBLISHED = "published"  # accepted by the broker and put into a queue
    UNROUTABLE = "unroutable"  # accepted, but no queue wanted it
    CONFIRMED = "confirmed"  # the publisher was told so
    DELIVERED = "delivered"  # sent to a consumer
    ACKED = "acked"  # the consumer took responsibility
    REQUEUED = "requeued"  # back in its queue: nack, reject or a lost consumer
    DEAD_LETTERED = "dead_lettered"  # handed to the dead-letter exchange
    EXPIRED = "expired"  # its time to live ran out with nowhere to go
    DROPPED = "dropped"  # rejected or overflowed with no dead-letter exchange
    LOST = "lost"  # gone with a crashed node: transient message or queue
    PURGED = "purged"  # removed by queue.purge or with a deleted queue


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """
    One request of the workload.

    Attributes:
        number: Position among all arrivals of the run, from 0.
        name: Operation name as in the scenario.
        scheduled: When it was due. Latency counts from here.
        started: When the client got round to it; ``None`` if it was never sent.
        completed: When the answer was known; ``None`` if still in flight at the end.
        outcome: ``None`` exactly when *completed* is.
        error: Class name of the exception, if one ended it.
        detail: Its message, cut to a line.
        trace_id: 32 hex digits, if the system opened a trace.
        value: What the system answered, as a short string for checkers to join on.
    """

    number: int
    name: str
    scheduled: float
    started: float | None
    completed: float | None
    outcome: Outcome | None
    error: str | None = None
    detail: str | None = None
    trace_id: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class MessageEvent:
    """One step in a message's life at the broker; ``queue`` is empty where none is meant."""

    at: float
    fate: MessageFate
    message_id: str
    exchange: str
    routing_key: str
    queue: str = ""
    redelivered: bool = False
    size: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A finished OpenTelemetry span. ``start`` and ``end`` are seconds of the run."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    service: str
    start: float
    end: float
    status: str
    error_type: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[tuple[float, str, Mapping[str, Any]], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BreakerEvent:
    """Something a circuit breaker published: an outcome, a refusal, a transition."""

    at: float
    breaker: str
    event: str
    from_state: str | None = None
    to_state: str | None = None


@dataclass(frozen=True, slots=True)
class BreakerSnapshot:
    """A breaker's numbers at one moment. Rates are percentages, ``None`` when undefined."""

    at: float
    breaker: str
    state: str
    failure_rate: float | None
    slow_call_rate: float | None
    buffered_calls: int
    failed_calls: int
    slow_calls: int
    not_permitted_calls: int


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """One more attempt was decided on: after *attempt* failed, the next starts *delay* s later."""

    at: float
    policy: str
    attempt: int
    delay: float
    error: str


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """
    A fault that was applied.

    ``bytes_touched`` and ``connections_touched`` say what it actually met: a
    fault that touched nothing proves nothing. ``ended`` is ``None`` while it lasts.
    """

    name: str
    kind: str
    target: str
    started: float
    ended: float | None
    bytes_touched: int
    connections_touched: int


@dataclass(frozen=True, slots=True)
class EffectRecord:
    """
    Something took place that must take place once: a row written, a post published, money spent.

    Written by the system under test or read from its store after the drain, one
    for each time it took place.

    Attributes:
        at: When it took place, or when that was found.
        kind: What it is, for example ``content.created``.
        key: What makes it one and the same effect: an idempotency key.
    """

    at: float
    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Observation:
    """
    A number that only the system under test, or a checker of it, knows: ``observed(name)``.

    Attributes:
        at: Seconds of the run it belongs to.
        name: What was observed, without blanks and parentheses; with its unit, if it has one.
        value: The number.
    """

    at: float
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class QueueSample:
    """
    Length of a queue at one moment. ``oldest`` is the age of its head in seconds.

    An outbox table is a queue too: named ``OUTBOX``, its unsent rows are *ready*.
    """

    at: float
    server: str
    queue: str
    ready: int
    unacked: int
    consumers: int
    oldest: float | None = None


@dataclass(frozen=True, slots=True)
class ResourceSample:
    """Workers busy and callers waiting at a server's station, read whenever either changes."""

    at: float
    server: str
    busy: int
    waiting: int
    workers: int


@dataclass(frozen=True, slots=True)
class StationTotals:
    """
    The exact account of a server's station over a whole run, written at its end.

    Two seconds of each kind that must agree: one is an area under a curve, kept by the
    station as its state changes, the other a sum over callers, kept as each one leaves.

    Attributes:
        at: When it was closed.
        server: Whose station it was.
        arrivals: Callers that came.
        completed: Served to the end.
        refused: Turned away by a full queue.
        withdrawn: Gone before their end: cancelled by their caller or dropped by a restart.
        waiting: In the queue when the account was closed.
        busy: Being served then.
        waiting_seconds: Area under the number of waiting callers.
        busy_seconds: Area under the number of busy workers.
        waited_seconds: Sum of the callers' own waits.
        served_seconds: Sum of the times that each of them kept a worker.
    """

    at: float
    server: str
    arrivals: int
    completed: int
    refused: int
    withdrawn: int
    waiting: int
    busy: int
    waiting_seconds: float
    busy_seconds: float
    waited_seconds: float
    served_seconds: float


@dataclass(frozen=True, slots=True)
class LogLine:
    """A log record of the code under test."""

    at: float
    logger: str
    level: str
    message: str
    trace_id: str | None = None
    span_id: str | None = None


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """A phase of the run: set_up, warm_up, measure, drain, tear_down."""

    name: str
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class UnhandledError:
    """An exception nobody handled, in a background task or a callback."""

    at: float
    where: str
    error: str
    message: str
    traceback: str


Record = (
    OperationRecord
    | MessageEvent
    | SpanRow
    | BreakerEvent
    | BreakerSnapshot
    | EffectRecord
    | Observation
    | RetryEvent
    | FaultRecord
    | QueueSample
    | ResourceSample
    | StationTotals
    | LogLine
    | PhaseRecord
    | UnhandledError
)


def written_at(record: Record) -> float:
    """Seconds of the run when *record* was written: a journal's order."""
    match record:
        case OperationRecord(completed=completed):
            return math.inf if completed is None else completed
        case SpanRow(end=at) | PhaseRecord(ended=at):
            return at
        case FaultRecord(ended=ended):
            return math.inf if ended is None else ended
        case _:
            return record.at
