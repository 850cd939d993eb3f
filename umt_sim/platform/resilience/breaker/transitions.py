"""The six states of a breaker and the steps between them, as data."""

from __future__ import annotations

from enum import Enum

from umt_sim.platform.resilience.errors import IllegalStateTransition

__all__ = ["LEGAL", "State", "check"]


class State(Enum):
    """What a breaker does with calls."""

    CLOSED = "closed"  # lets calls through and watches them
    OPEN = "open"  # refuses calls until the wait is over
    HALF_OPEN = "half_open"  # lets a budget of probes through and judges them
    FORCED_OPEN = "forced_open"  # refuses calls until an operator says otherwise
    DISABLED = "disabled"  # lets calls through and looks away
    METRICS_ONLY = "metrics_only"  # lets calls through, watches them, never opens


_ANY = tuple(State)

# resilience4j's table: a step to the same state is legal everywhere and starts it afresh.
LEGAL: dict[State, tuple[State, ...]] = {
    State.CLOSED: (
        State.CLOSED,
        State.OPEN,
        State.FORCED_OPEN,
        State.DISABLED,
        State.METRICS_ONLY,
    ),
    State.OPEN: _ANY,
    State.HALF_OPEN: _ANY,
    State.FORCED_OPEN: _ANY,
    State.DISABLED: _ANY,
    State.METRICS_ONLY: (
        State.CLOSED,
        State.FORCED_OPEN,
        State.DISABLED,
        State.METRICS_ONLY,
    ),
}


def check(breaker: str, from_: State, to: State) -> None:
    """
    Say whether the table has the step.

    Raises:
        IllegalStateTransition: It has not.
    """
    allowed = LEGAL[from_]
    if to not in allowed:
        names = tuple(state.value for state in allowed)
        raise IllegalStateTransition(breaker, from_.value, to.value, names)
