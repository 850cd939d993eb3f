"""Each invariant is seen to hold and to be broken: a check never seen failing proves nothing."""

from __future__ import annotations

import pytest

from tests.fakes.journals import journal, request
from umt_sim.expectations.invariants import INVARIANTS, Finding
from umt_sim.journal.records import (
    BreakerEvent,
    EffectRecord,
    MessageEvent,
    MessageFate,
    QueueSample,
    Record,
    StationTotals,
    UnhandledError,
)

PUBLISHED, CONFIRMED, ACKED = MessageFate.PUBLISHED, MessageFate.CONFIRMED, MessageFate.ACKED


def message(at: float, fate: MessageFate, number: int = 1, queue: str = "q") -> MessageEvent:
    """One step of message *number*."""
    return MessageEvent(at, fate, f"m{number}", "", queue, queue)


def sample(
    at: float, ready: int, unacked: int = 0, *, queue: str = "q", consumers: int = 1
) -> QueueSample:
    """The length of a queue."""
    return QueueSample(at, "mq", queue, ready, unacked, consumers)


def transition(at: float, before: str, after: str) -> BreakerEvent:
    """A breaker called ``llm`` goes on."""
    return BreakerEvent(at, "llm", "state_transition", before, after)


HOLDS: dict[str, list[tuple[Record, ...]]] = {
    "no_lost_messages": [
        (message(1, PUBLISHED), message(2, CONFIRMED, queue=""), message(3, ACKED), sample(4, 0)),
        # never confirmed: the broker promised nothing
        (message(1, PUBLISHED), message(2, MessageFate.LOST)),
        # dead-lettered into another queue, where it still is
        (
            message(1, PUBLISHED),
            message(1, CONFIRMED, queue=""),
            message(2, MessageFate.DEAD_LETTERED),
            message(2, PUBLISHED, queue="dead"),
            sample(3, 0),
            sample(3, 1, queue="dead", consumers=0),
        ),
        # requeued and taken again
        (
            message(1, PUBLISHED),
            message(2, MessageFate.DELIVERED),
            message(3, MessageFate.REQUEUED),
            message(4, ACKED),
            sample(5, 0),
        ),
        # what lay there before the run
        (sample(0, 4), message(1, PUBLISHED), sample(2, 5)),
        (sample(-1, 4), sample(0, 4), message(1, PUBLISHED), message(2, ACKED), sample(3, 4)),
    ],
    "no_duplicate_effects": [
        (EffectRecord(1, "content.created", "a"), EffectRecord(2, "content.created", "b")),
        (EffectRecord(1, "content.created", "a"), EffectRecord(2, "content.published", "a")),
    ],
    "outbox_drained": [(sample(1, 9, queue="outbox"), sample(2, 0, queue="outbox"))],
    "breaker_transitions_legal": [
        (),
        (transition(1, "closed", "open"), transition(2, "open", "half_open")),
        (transition(1, "closed", "metrics_only"), transition(2, "metrics_only", "closed")),
    ],
    "no_unhandled_errors": [()],
    "flow_balance": [
        (message(1, PUBLISHED), message(2, ACKED), message(3, PUBLISHED), sample(4, 0, 1)),
        (StationTotals(9, "db", 5, 2, 1, 1, 0, 1, 0.25, 1.5, 0.25, 1.5),),
        (request(0, 1.0), request(1, 1.05), request(2, 2.0, None)),
    ],
    "queues_drain": [
        (sample(1, 9), sample(2, 0)),
        # nobody ever consumed from the dead-letter queue
        (sample(1, 0), sample(2, 7, queue="dead", consumers=0)),
        (sample(1, 0), sample(2, 7, queue="outbox")),
    ],
}

BROKEN: dict[str, list[tuple[str, tuple[Record, ...]]]] = {
    "no_lost_messages": [
        (
            "message m1 in q: confirmed, then lost at 3.000 s",
            (message(1, PUBLISHED), message(2, CONFIRMED, queue=""), message(3, MessageFate.LOST)),
        ),
        (
            "message m1 in q: confirmed, then dropped at 1.000 s",
            (message(1, MessageFate.DROPPED), message(1, PUBLISHED), message(2, CONFIRMED)),
        ),
        (
            "message m1 in q: confirmed, then purged at 3.000 s",
            (
                message(1, PUBLISHED),
                message(2, CONFIRMED, queue=""),
                message(3, MessageFate.PURGED),
            ),
        ),
        ("q holds 0 messages instead of 1", (message(1, PUBLISHED), sample(2, 0))),
        ("q holds 2 messages instead of 1", (message(1, PUBLISHED), sample(2, 1, 1))),
        (
            "q holds 4 messages instead of 5",
            (sample(0, 4), message(1, PUBLISHED), sample(2, 4)),
        ),
    ],
    "no_duplicate_effects": [
        (
            "content.created a took place 2 times",
            (EffectRecord(1, "content.created", "a"), EffectRecord(2, "content.created", "a")),
        )
    ],
    "outbox_drained": [
        (
            "3 unsent rows in mq at 2.000 s",
            (sample(1, 0, queue="outbox"), sample(2, 3, queue="outbox")),
        )
    ],
    "breaker_transitions_legal": [
        (
            "llm at 1.000 s: closed to half_open is not in the table",
            (transition(1, "closed", "half_open"),),
        ),
        (
            "llm at 1.000 s: metrics_only to open is not in the table",
            (transition(1, "metrics_only", "open"),),
        ),
        (
            "llm at 2.000 s: closed to open, though it was open",
            (transition(1, "closed", "open"), transition(2, "closed", "open")),
        ),
        ("llm at 1.000 s: closed to ajar is not in the table", (transition(1, "closed", "ajar"),)),
    ],
    "no_unhandled_errors": [
        (
            "ValueError in agent at 5.000 s: no such brand",
            (UnhandledError(5.0, "agent", "ValueError", "no such brand", "Traceback ..."),),
        )
    ],
    "flow_balance": [
        (
            "flow of queue q: 2 against 1",
            (message(1, PUBLISHED), message(2, ACKED), message(3, PUBLISHED), sample(4, 0)),
        ),
        (
            "flow of station db: 5 against 4",
            (StationTotals(9, "db", 5, 2, 1, 1, 0, 0, 0.25, 1.5, 0.25, 1.5),),
        ),
        (
            "Little's law of station db: 1.75 against 2.0",
            (StationTotals(9, "db", 2, 2, 0, 0, 0, 0, 0.25, 1.5, 0.5, 1.5),),
        ),
    ],
    "queues_drain": [
        ("q still has 2 ready and 1 unacked", (sample(1, 0), sample(2, 2, 1))),
        # its consumer is gone, so what it holds stays there
        ("q still has 2 ready and 0 unacked", (sample(1, 0), sample(2, 2, consumers=0))),
    ],
}

BLIND = {
    "no_lost_messages": "no message was published",
    "no_duplicate_effects": "no effect was recorded",
    "outbox_drained": "no outbox was sampled",
    "flow_balance": "no operation, station or queue was recorded",
    "queues_drain": "no queue with a consumer was sampled",
}


def test_every_invariant_has_been_seen_to_hold_and_to_be_broken() -> None:
    """None is added without both."""
    assert set(INVARIANTS) == set(HOLDS) == set(BROKEN)


@pytest.mark.parametrize(
    ("name", "records"), [(name, records) for name, cases in HOLDS.items() for records in cases]
)
def test_it_holds(name: str, records: tuple[Record, ...]) -> None:
    """A journal without the violation is clean."""
    found = INVARIANTS[name](journal(*records))
    assert (found.violations, found.blind) == ((), False)


@pytest.mark.parametrize(
    ("name", "violation", "records"),
    [(name, *case) for name, cases in BROKEN.items() for case in cases],
)
def test_a_planted_violation_is_caught(
    name: str, violation: str, records: tuple[Record, ...]
) -> None:
    """The finding names what is wrong, with its time."""
    assert (violation,) == INVARIANTS[name](journal(*records)).violations


@pytest.mark.parametrize(("name", "sentence"), BLIND.items())
def test_a_checker_with_nothing_to_look_at_says_so(name: str, sentence: str) -> None:
    """It neither passes nor fails."""
    found = INVARIANTS[name](journal())
    assert (sentence, True) == (found.sentence, found.blind)


def test_a_finding_shows_the_first_violations_and_counts_the_rest() -> None:
    """Ten thousand lost messages fit in one line."""
    found = Finding("9 messages", tuple("abcde"))
    assert found.sentence == "9 messages: a; b; c; and 2 more"
