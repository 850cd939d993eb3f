"""The laws that hold on every run, on journals small enough to do the sums by hand."""

from __future__ import annotations

from tests.fakes.journals import journal, request
from umt_sim.journal.records import (
    REFUSED,
    MessageEvent,
    MessageFate,
    QueueSample,
    Record,
    StationTotals,
)
from umt_sim.measures.flow import Balance, balances


def found(*records: Record) -> dict[tuple[str, str], Balance]:
    """The balances of a journal by law and subject."""
    return {(balance.law, balance.of): balance for balance in balances(journal(*records))}


def test_requests_spend_the_area_under_their_number() -> None:
    """Three seconds of one request and one of two are five seconds of requests."""
    seen = found(request(0, 1.0, 3.0), request(1, 2.0, 1.0), request(2, 99.0, None))
    little = seen["Little's law", "operations"]
    assert (5.0, 5.0) == (little.left, little.right)  # the third was unanswered at the end: 1 s
    assert (3, 3) == (
        seen["flow", "operations"].left,
        seen["flow", "operations"].right,
    )


def test_a_station_is_held_to_three_laws() -> None:
    """Flow, busy time, and Little's law of queue and workers together."""
    seen = found(StationTotals(9, "db", 5, 2, 1, 1, 0, 1, 0.25, 1.5, 0.25, 1.5))
    assert ["flow", "busy time", "Little's law"] == [law for law, _ in seen]
    assert all(balance.holds for balance in seen.values())


def test_rounding_is_no_violation_and_more_is() -> None:
    """Two sides may differ by a billionth."""
    assert Balance("busy time", "db", 1000.0, 1000.0 * (1 + 5e-10)).holds
    assert not Balance("busy time", "db", 1000.0, 1000.0 * (1 + 5e-9)).holds


def test_what_a_queue_refused_never_came() -> None:
    """It is neither among those that came nor among those that went."""
    refused = MessageEvent(1, MessageFate.DROPPED, "m", "", "q", "q", reason=REFUSED)
    taken = MessageEvent(2, MessageFate.PUBLISHED, "m", "", "q", "q")
    seen = found(refused, taken, QueueSample(3, "mq", "q", 1, 0, 0))
    assert (1, 1) == (seen["flow", "queue q"].left, seen["flow", "queue q"].right)


def test_a_queue_that_was_only_heard_of_is_left_out() -> None:
    """Without its length nobody knows what is still in it."""
    assert {} == found(MessageEvent(2, MessageFate.PUBLISHED, "m", "", "q", "q"))


def test_a_real_brokers_queues_are_not_balanced() -> None:
    """What was seen of them from outside is not complete."""
    rows = (
        MessageEvent(2, MessageFate.PUBLISHED, "m", "", "q", "q"),
        QueueSample(3, "mq", "q", 0, 0, 0),
    )
    assert not found(*rows)["flow", "queue q"].holds
    assert [] == balances(journal(*rows, world="live"))
