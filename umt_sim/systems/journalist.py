"""Writes what the platform's guards publish to the journal."""

from __future__ import annotations

from typing import Any

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import BreakerEvent, RetryEvent
from umt_sim.platform.resilience.breaker import events
from umt_sim.platform.resilience.retry import RetryScheduled

__all__ = ["Journalist"]


class Journalist:
    """Hears what breakers and retries do; *recorder* gets what the journal has a record for."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def hear(self, event: Any) -> None:
        """Take note of one event; what is of no interest to the journal is left out."""
        match event:
            case events.StateChanged(from_state=before, to_state=after):
                self._breaker(event, before.value, after.value)
            case events.BreakerEvent():
                self._breaker(event, None, None)
            case RetryScheduled():
                self._recorder.add(
                    RetryEvent(
                        at=self._recorder.now(),
                        policy=event.policy,
                        attempt=event.attempt,
                        delay=event.delay,
                        error=type(event.error).__qualname__,
                    )
                )

    def _breaker(self, event: events.BreakerEvent, before: str | None, after: str | None) -> None:
        self._recorder.add(
            BreakerEvent(
                at=self._recorder.now(),
                breaker=event.breaker,
                event=event.kind,
                from_state=before,
                to_state=after,
            )
        )
