"""
Deadlines: the moment after which nobody waits for the work any more.

A deadline is set once, where the work begins, and everything below spends from it: a
timeout never outlives it, a retry is not begun that could not finish. It travels with the
task (a context variable) and over the wire as a wall-clock moment in a message header.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

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

    @classmethod
    def from_wall(cls, moment: datetime, clock: Clock) -> Deadline:
        """A moment some other process wrote down; as right as the two wall clocks agree."""
        return cls.after((moment - clock.now()).total_seconds(), clock)

    def to_wall(self, clock: Clock) -> datetime:
        """The moment for another process, in UTC."""
        return clock.now() + timedelta(seconds=self.remaining(clock))

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
