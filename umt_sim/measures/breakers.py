"""Circuit breakers over time: states, transitions and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import BreakerEvent

__all__ = [
    "NOT_PERMITTED",
    "Stay",
    "Worth",
    "breakers_of",
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
    return sum(stay.end - stay.start for stay in stays(changes, window) if stay.state == state)
