"""Hands events to listeners, in the order they happened, without letting them do harm."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

__all__ = ["Listener", "Publisher", "Report", "log_failure"]

Event = TypeVar("Event")
Listener = Callable[[Event], None]
Report = Callable[[Exception, object], None]

logger = logging.getLogger(__name__)


def log_failure(error: Exception, about: object) -> None:
    """Write down that user code called by a guard raised *error* while hearing *about*."""
    logger.error("a listener or predicate failed on %r", about, exc_info=error)


class Publisher(Generic[Event]):
    """
    A queue of events and those who hear them.

    ``put`` may be called under a guard's lock: it only queues. ``deliver`` is called
    without that lock. One thread at a time delivers; a second one, or a listener that
    uses the guard it listens to, leaves its events to the first. So everybody hears
    everything in one order, and no listener runs while a lock is held.

    A listener that raises changes nothing for the caller or the other listeners; its
    error goes to *report*.
    """

    __slots__ = ("_listeners", "_queue", "_turn", "report")

    def __init__(self, listeners: tuple[Listener[Event], ...], report: Report) -> None:
        self._listeners = listeners
        self._queue: deque[Event] = deque()
        self._turn = Lock()
        self.report = report

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def add(self, listener: Listener[Event]) -> None:
        """Let *listener* hear what happens from now on."""
        self._listeners = (*self._listeners, listener)

    def remove(self, listener: Listener[Event]) -> None:
        """Let *listener* hear nothing more; nothing happens if it never did."""
        self._listeners = tuple(known for known in self._listeners if known != listener)

    def put(self, event: Event) -> None:
        """Queue *event* for the next delivery."""
        self._queue.append(event)

    def deliver(self) -> None:
        """Hand out what is queued, unless somebody is already doing so."""
        while self._queue and self._turn.acquire(blocking=False):
            try:
                self._drain()
            finally:
                self._turn.release()

    def _drain(self) -> None:
        while self._queue:
            event = self._queue.popleft()
            for listener in self._listeners:
                self._tell(listener, event)

    def _tell(self, listener: Callable[[Any], None], event: Event) -> None:
        try:
            listener(event)
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller must not suffer
            self.report(error, event)
