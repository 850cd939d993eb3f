"""Circuit breakers over time: states, transitions and refusals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import BreakerEvent
from umt_sim.measures.guards import made_from

__all__ = [
    "NOT_PERMITTED",
    "Stay",
    "Worth",
    "breakers_made_from",
    "breakers_of",
    "joint_time_in",
    "refusals",
    "stays",
    "time_in",
    "transitions",
    "worth",
]

NOT_PERMITTED = "not_permitted"
"""The event of a call that a breaker refused."""

_FAILED = "error"
_FIRST = "closed"


@dataclass(frozen=True, slots=True)
class Stay:
    """A breaker was in *state* from *start* until *end*."""

    state: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Worth:
    """
    What a breaker spared the callers, and what that cost them.

    Attributes:
        saved: Calls refused while a fault was in force: they would mostly have failed.
        wasted: Calls refused while none was: they would mostly have succeeded.
        let_through: Calls that were let through while a fault was in force, and failed.
    """

    saved: int
    wasted: int
    let_through: int


def worth(journal: Journal, breaker: str, faults: Sequence[Window]) -> Worth:
    """
    Saved and wasted calls of one breaker over the whole run.

    Args:
        journal: The record of the run.
        breaker: Its name.
        faults: Windows of the faults that the guarded call depends on.
    """
    refused = _moments(journal, breaker, NOT_PERMITTED)
    failed = _moments(journal, breaker, _FAILED)
    saved = sum(any(at in fault for fault in faults) for at in refused)
    let_through = sum(any(at in fault for fault in faults) for at in failed)
    return Worth(saved, len(refused) - saved, let_through)


def _moments(journal: Journal, breaker: str, event: str) -> list[float]:
    events = journal.of(BreakerEvent)
    return [each.at for each in events if each.breaker == breaker and each.event == event]


def breakers_of(journal: Journal) -> list[str]:
    """Names of the breakers that said anything, in alphabetical order."""
    return sorted({event.breaker for event in journal.of(BreakerEvent)})


def breakers_made_from(journal: Journal, policy: str) -> list[str]:
    """Names of those that were made from *policy*, in whichever process."""
    return [name for name in breakers_of(journal) if made_from(name, policy)]


def transitions(
    journal: Journal, breaker: str, *, to: str | None = None, window: Window | None = None
) -> list[BreakerEvent]:
    """
    Transitions of one breaker, in order.

    Args:
        journal: The record of the run.
        breaker: Its name.
        to: Only those into this state.
        window: Only those in this window.
    """
    return [
        event
        for event in journal.of(BreakerEvent)
        if event.breaker == breaker
        and event.to_state is not None
        and to in (None, event.to_state)
        and (window is None or event.at in window)
    ]


def refusals(journal: Journal, breaker: str, window: Window) -> list[BreakerEvent]:
    """Calls that one breaker refused in *window*."""
    return [
        event
        for event in journal.of(BreakerEvent)
        if event.breaker == breaker and event.event == NOT_PERMITTED and event.at in window
    ]


def stays(changes: Sequence[BreakerEvent], window: Window) -> list[Stay]:
    """
    The states of a breaker throughout *window*.

    Args:
        changes: Its transitions from the beginning of the run, in order.
        window: What is wanted.
    """
    state = changes[0].from_state or _FIRST if changes else _FIRST
    since = window.start
    result: list[Stay] = []
    for change in changes:
        at = min(max(change.at, window.start), window.end)
        if at > since:
            result.append(Stay(state, since, at))
            since = at
        state = change.to_state or state
    if window.end > since:
        result.append(Stay(state, since, window.end))
    return result


def time_in(state: str, changes: Sequence[BreakerEvent], window: Window) -> float:
    """Seconds of *window* a breaker spent in *state*."""
    return joint_time_in(state, [changes], window)


def joint_time_in(state: str, breakers: Iterable[Sequence[BreakerEvent]], window: Window) -> float:
    """
    Seconds of *window* in which any of *breakers* was in *state*; for ``closed``, all of them.

    Args:
        state: Its name.
        breakers: Of each, its transitions from the beginning of the run, in order.
        window: What is wanted.
    """
    found = [stay for changes in breakers for stay in stays(changes, window)]
    if state == _FIRST:
        return window.duration - _covered(stay for stay in found if stay.state != _FIRST)
    return _covered(stay for stay in found if stay.state == state)


def _covered(found: Iterable[Stay]) -> float:
    """Seconds in which at least one of the stays lasts."""
    seconds, until = 0.0, float("-inf")
    for stay in sorted(found, key=lambda stay: stay.start):
        seconds += max(0.0, stay.end - max(stay.start, until))
        until = max(until, stay.end)
    return seconds
