"""
A routine: a generator that waits by yielding and goes on when woken.

The stages of a link, handshakes and live changes are stories told in order,
with waits between. As asyncio tasks each step would cost a pass of the loop;
as a routine it costs a ``next``. A wake-up carries no message: whoever waits
looks again at what it waited for, so waking once too often does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

__all__ = ["Routine", "Steps", "Wake", "nobody"]

T = TypeVar("T")

Wake = Callable[[], None]
"""Something to call when a wait may be over."""

Steps = Generator[None, None, T]
"""A story with waits: every bare ``yield`` waits for the next wake-up."""


def nobody() -> None:
    """Wakes nobody: stands where no one waits."""


class Routine:
    """
    Tells a story to its end.

    Args:
        story: Given the way to wake it, returns its steps. The first one is
            taken at the first ``wake``.
        on_end: Called once, after the last step.
    """

    __slots__ = ("_on_end", "_running", "_steps", "_woken", "ended")

    def __init__(self, story: Callable[[Wake], Steps[None]], on_end: Wake = nobody) -> None:
        self._steps = story(self.wake)
        self._on_end = on_end
        self._running = False
        self._woken = False
        self.ended = False

    def wake(self) -> None:
        """Go on until the next wait. Woken from within its own step, it goes round once more."""
        self._woken = True
        if self._running or self.ended:
            return
        self._running = True
        try:
            while self._woken:
                self._woken = False
                next(self._steps)
        except StopIteration:
            self.ended = True
        finally:
            self._running = False
        if self.ended:
            self._on_end()
