"""One trace, read: tree, participants, hops, critical path."""

from __future__ import annotations

import pytest

from tests.fakes.journals import journal, order_trace, request, span
from umt_sim.journal.records import OperationRecord
from umt_sim.measures.traces import NOBODY, Hop, Trace, critical_path, slowest_traces, trace_of


def legs(trace: Trace) -> list[tuple[str, float, float, bool]]:
    return [
        (leg.span.name, round(leg.start, 6), round(leg.end, 6), leg.waiting)
        for leg in critical_path(trace)
    ]


def test_spans_are_walked_parents_first() -> None:
    """Whatever order they were written in, each comes after its parent with its depth."""
    trace = Trace(reversed(order_trace()))
    assert [
        (0, "order"),
        (1, "GET"),
        (1, "publish"),
        (2, "process"),
        (3, "INSERT"),
        (3, "mail"),
    ] == [(depth, each.name) for depth, each in trace.walk()]


def test_a_handler_belongs_to_its_queues_consumer() -> None:
    """What a consumer's span began is the consumer's, everything else the service's."""
    assert {
        "order": "shop", "GET": "shop", "publish": "shop",
        "process": "worker", "INSERT": "worker", "mail": "worker",
    } == Trace(order_trace()).participants  # fmt: skip


def test_hops_go_from_caller_to_callee() -> None:
    """A message is two hops, one to the broker and one to its consumer."""
    hops = Trace(order_trace()).hops
    assert [
        ("shop", "redis", False),
        ("shop", "rabbitmq", False),
        ("rabbitmq", "worker", False),
        ("worker", "db", True),
        ("worker", "smtp", False),
    ] == [(hop.caller, hop.callee, hop.failed) for hop in hops]
    assert isinstance(hops[0], Hop)


def test_the_critical_path_is_what_the_answer_waited_for() -> None:
    """Without a gap from the request to its answer; later work is not on it, the queue is."""
    assert [
        ("order", 0.0, 0.1, False),
        ("GET", 0.1, 0.2, False),
        ("order", 0.2, 0.3, False),
        ("publish", 0.3, 0.4, False),
        ("publish", 0.4, 0.6, True),
        ("process", 0.6, 0.65, False),
        ("INSERT", 0.65, 0.9, False),
        ("order", 0.9, 1.0, False),
    ] == legs(Trace(order_trace()))


def test_of_two_calls_at_once_the_later_answer_was_waited_for() -> None:
    """The shorter of parallel children is not on the path."""
    trace = Trace(
        [
            span("both", 0.0, 1.0),
            span("quick", 0.1, 0.3, parent="both"),
            span("slow", 0.1, 0.9, parent="both"),
        ]
    )
    assert [
        ("both", 0.0, 0.1, False),
        ("slow", 0.1, 0.9, False),
        ("both", 0.9, 1.0, False),
    ] == legs(trace)


def test_a_trace_is_found_by_its_id() -> None:
    """An id that no span carries is named."""
    run = journal(*order_trace("a" * 32), *order_trace("b" * 32, at=5.0))
    assert 6 == len(trace_of(run, "b" * 32).spans)
    with pytest.raises(ValueError, match="no span of trace ccc was kept"):
        trace_of(run, "ccc")


def test_the_slowest_requests_come_first() -> None:
    """Only answered requests with a trace, of one operation or of all."""

    def traced(number: int, latency: float | None, name: str = "ask") -> OperationRecord:
        row = request(number, 1.0, latency, name=name)
        return OperationRecord(*(getattr(row, f) for f in row.__slots__[:8]), trace_id=f"{number}")

    run = journal(
        traced(1, 0.2), traced(2, 0.9), traced(3, None), traced(4, 0.5, "buy"), request(5, 1.0, 3.0)
    )
    assert [2, 4, 1] == [row.number for row in slowest_traces(run, None, 9)]
    assert [2] == [row.number for row in slowest_traces(run, "ask", 1)]


def test_work_whose_program_lost_power_is_nobodys() -> None:
    """Its handler's span never ended, so nothing says whose calls these were; not the asker's."""
    trace = Trace(
        [
            span("order", 0.0, 3.0),
            span("POST", 0.5, 1.0, parent="gone", kind="client", server_address="llm"),
        ]
    )
    assert {"order": "shop", "POST": NOBODY} == trace.participants
    assert [(NOBODY, "llm")] == [(hop.caller, hop.callee) for hop in trace.hops]
