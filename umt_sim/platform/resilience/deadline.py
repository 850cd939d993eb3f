"""
Deadlines: the moment after which nobody waits for the work any more.

A deadline is set once, where the work begins, and everything below spends from it: a
timeout never outlives it, a retry is not begun that could not finish. It travels with the
task (a context variable). Over the wire it is ``expires_at`` in a message's header: the
client asks for no longer than its caller waits, and the agent that takes the message works
under what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.resilience.errors import DeadlineExceeded

__all__ = ["Deadline", "current_deadline", "deadline"]

_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """A moment on a clock's monotonic time, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Deadline:
        """*seconds* from now."""
        return cls(clock.monotonic() + seconds)

    def remaining(self, clock: Clock) -> float:
        """Seconds left; negative once it has passed."""
        return self.at - clock.monotonic()

    def check(self, what: str, clock: Clock) -> None:
        """
        Refuse to begin *what* too late.

        Raises:
            DeadlineExceeded: Nothing is left.
        """
        left = self.remaining(clock)
        if left <= 0:
            raise DeadlineExceeded(what, -left)


def current_deadline() -> Deadline | None:
    """The deadline of the work this task is part of."""
    return _current.get()


@contextmanager
def deadline(new: Deadline | None) -> Iterator[Deadline | None]:
    """
    Do the block under *new*, or under the present deadline if that is sooner.

    A part of the work may have less time than the whole, never more.
    """
    present = _current.get()
    effective = new if present is None else present if new is None else min(new, present)
    token = _current.set(effective)
    try:
        yield effective
    finally:
        _current.reset(token)
