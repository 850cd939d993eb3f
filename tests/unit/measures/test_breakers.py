"""Breakers over time."""

from __future__ import annotations

from tests.fakes.journals import journal
from umt_sim.faults.timeline import Window
from umt_sim.journal.records import BreakerEvent
from umt_sim.measures.breakers import (
    Stay,
    Worth,
    breakers_made_from,
    breakers_of,
    joint_time_in,
    refusals,
    stays,
    time_in,
    transitions,
    worth,
)

EVENTS = (
    BreakerEvent(10.0, "llm", "state_transition", "closed", "open"),
    BreakerEvent(12.0, "llm", "not_permitted"),
    BreakerEvent(20.0, "llm", "state_transition", "open", "half_open"),
    BreakerEvent(21.0, "llm", "state_transition", "half_open", "closed"),
    BreakerEvent(30.0, "db", "success"),
)
JOURNAL = journal(*EVENTS)
RUN = Window("run", 0.0, 100.0)


def test_breakers_are_named_in_order() -> None:
    """Whoever said anything is there."""
    assert ["db", "llm"] == breakers_of(JOURNAL)


def test_states_fill_the_window_without_gap() -> None:
    """Closed, open, half-open, closed; before the first transition its origin holds."""
    assert [
        Stay("closed", 0.0, 10.0),
        Stay("open", 10.0, 20.0),
        Stay("half_open", 20.0, 21.0),
        Stay("closed", 21.0, 100.0),
    ] == stays(transitions(JOURNAL, "llm"), RUN)


def test_a_window_shows_only_its_part() -> None:
    """The state at its beginning is the one it came with."""
    assert [Stay("open", 15.0, 18.0)] == stays(transitions(JOURNAL, "llm"), Window("w", 15.0, 18.0))


def test_a_breaker_without_transitions_was_closed() -> None:
    """That is how they start."""
    assert [Stay("closed", 0.0, 100.0)] == stays(transitions(JOURNAL, "db"), RUN)


def test_time_in_a_state_is_cut_to_the_window() -> None:
    """Five of the ten seconds it was open."""
    assert time_in("open", transitions(JOURNAL, "llm"), Window("w", 15.0, 50.0)) == 5.0


def test_a_policys_name_stands_for_its_breaker_in_every_process() -> None:
    """``llm`` covers ``agent/llm``, not ``agent/big-llm``; a full name is one breaker's."""
    names = ("llm", "agent/llm", "client/llm", "agent/big-llm", "llm/agent")
    found = journal(*(BreakerEvent(1.0, name, "success") for name in names))
    assert ["agent/llm", "client/llm", "llm"] == breakers_made_from(found, "llm")
    assert ["agent/llm"] == breakers_made_from(found, "agent/llm")


def test_time_of_several_is_open_for_any_and_closed_for_all() -> None:
    """One is open from 10 to 20 s, the other from 15 to 40 s: 30 s together, none counted twice."""
    other = [
        BreakerEvent(15.0, "agent/llm", "state_transition", "closed", "open"),
        BreakerEvent(40.0, "agent/llm", "state_transition", "open", "closed"),
    ]
    both = [transitions(JOURNAL, "llm"), other]
    assert joint_time_in("open", both, RUN) == 30.0
    assert joint_time_in("half_open", both, RUN) == 1.0
    assert joint_time_in("closed", both, RUN) == 70.0


def test_transitions_and_refusals_are_counted_apart() -> None:
    """A refusal is no transition."""
    assert [10.0] == [event.at for event in transitions(JOURNAL, "llm", to="open", window=RUN)]
    assert [12.0] == [event.at for event in refusals(JOURNAL, "llm", RUN)]


def test_refusals_are_saved_or_wasted_calls() -> None:
    """A refusal while a fault is in force spared somebody a failure; any other cost an answer."""
    events = [BreakerEvent(at, "llm", "not_permitted") for at in (12.0, 14.0, 19.9, 20.0)]
    events += [BreakerEvent(at, "llm", "error") for at in (10.0, 11.0, 25.0)]
    events.append(BreakerEvent(12.0, "db", "not_permitted"))
    assert Worth(saved=3, wasted=1, let_through=2) == worth(
        journal(*events), "llm", [Window("outage", 10.0, 20.0)]
    )
