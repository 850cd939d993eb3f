"""The two deadlines of a queue: of the message at its head, and of its own unused life."""

from __future__ import annotations

from collections.abc import Callable

from umt_sim.servers.rabbitmq.core.ports import Timeline, Timer

__all__ = ["HeadDeadline", "LifeDeadline"]


class HeadDeadline:
    """
    Calls when the head of a queue expires, for messages are given up at that moment.

    Args:
        timeline: For the timer.
        due: Called then, or earlier if the head has changed meanwhile; it watches anew.
    """

    def __init__(self, timeline: Timeline, due: Callable[[], None]) -> None:
        self._timeline = timeline
        self._due = due
        self._timer: Timer | None = None
        self._at = 0.0

    def watch(self, expires: float | None) -> None:
        """The head expires at *expires*; ``None`` never."""
        if expires is None or (self._timer is not None and self._at <= expires):
            return
        self.stop()
        self._at = expires
        self._timer = self._timeline.call_at(expires, self._ring)

    def stop(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._due()


class LifeDeadline:
    """
    Calls when a queue was not used for so long (``x-expires``).

    Args:
        timeline: For the timer.
        life: Seconds; ``None`` is for ever.
        over: Called then.
    """

    def __init__(self, timeline: Timeline, life: float | None, over: Callable[[], None]) -> None:
        self._timeline = timeline
        self._life = life
        self._over = over
        self._timer: Timer | None = None

    def start_anew(self) -> None:
        """The queue was used."""
        if self._life is None:
            return
        self.stop()
        self._timer = self._timeline.call_at(self._timeline.time() + self._life, self._over)

    def stop(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
