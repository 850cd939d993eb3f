"""
Breakers of other shapes in the place of ours, as systems that a scenario can name.

Ours judges after every call, over a window that slides by whole seconds. Known values exist of
two other shapes, too: windows that follow one another and are judged when they end, as Hystrix
and Polly have them, and a number of failures within some time, whatever succeeded in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from umt_sim.journal.records import BreakerEvent
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.resilience import BreakerSettings, CircuitBreaker, CircuitOpenError
from umt_sim.platform.resilience.breaker import (
    ConsecutiveFailures,
    ConstantWait,
    FailureRate,
    State,
    TimeBased,
)
from umt_sim.platform.resilience.breaker.window import Window
from umt_sim.systems.base import Setting
from umt_sim.systems.journalist import Journalist
from umt_sim.systems.lab import caller
from umt_sim.workload.operations import Operations

__all__ = ["FailuresWithin", "TumblingBreaker", "counting_failures", "tumbling"]


class TumblingBreaker:
    """
    Windows one after the other, each judged when it has ended.

    Args:
        name: In refusals and events.
        settings: A failure rate, a window of seconds, a minimum of calls, a wait.
        now: The time, in seconds.
        opened: Is told whenever a window opens the breaker.
    """

    def __init__(
        self,
        name: str,
        settings: BreakerSettings,
        now: Callable[[], float],
        opened: Callable[[], None],
    ) -> None:
        match settings:
            case BreakerSettings(
                trip=FailureRate(percent),
                window=TimeBased(seconds),
                wait_in_open=ConstantWait(wait),
            ):
                self._percent, self._seconds, self._wait = percent, seconds, wait
            case _:
                raise ValueError(f"{name!r} takes a failure rate over a time and a constant wait")
        self._name = name
        self._minimum = settings.minimum_number_of_calls
        self._now = now
        self._opened = opened
        self._calls = self._failures = self._windows = 0
        self._open_until = 0.0

    async def call(self, function: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        """Await ``function(*args, **kwargs)`` unless the last window has opened the breaker."""
        self._turn()
        if self._now() < self._open_until:
            raise CircuitOpenError(self._name, State.OPEN, None)
        self._calls += 1
        try:
            return await function(*args, **kwargs)
        except Exception:
            self._failures += 1
            raise

    def _turn(self) -> None:
        """Judge the window if it is over, and begin the one that now belongs to."""
        windows = int(self._now() // self._seconds)
        if windows == self._windows:
            return
        self._windows = windows
        if self._calls >= self._minimum and self._failures * 100 >= self._percent * self._calls:
            self._open_until = self._now() + self._wait
            self._opened()
        self._calls = self._failures = 0


class FailuresWithin(ConsecutiveFailures):
    """So many failures in the window open, whatever succeeded in between."""

    __slots__ = ()

    def judge(self, window: Window) -> bool:
        """Whether there are as many."""
        return window.failed >= self.limit

    def patience(self, window: Window) -> int:
        """What is missing."""
        return max(self.limit - window.failed, 1)


def tumbling(setting: Setting) -> AbstractAsyncContextManager[Operations]:
    """The caller with breakers whose windows tumble."""
    clock, recorder = SystemClock(), setting.recorder

    def make(name: str, settings: BreakerSettings) -> TumblingBreaker:
        def opened() -> None:
            recorder.add(BreakerEvent(recorder.now(), name, "state_transition", "closed", "open"))

        return TumblingBreaker(name, settings, clock.monotonic, opened)

    return caller.start(setting, make)


def counting_failures(setting: Setting) -> AbstractAsyncContextManager[Operations]:
    """The caller with our breakers, which count failures in a window instead of in a row."""

    def make(name: str, settings: BreakerSettings) -> CircuitBreaker:
        match settings.trip:
            case ConsecutiveFailures(limit):
                ours = replace(settings, trip=FailuresWithin(limit))
            case _:
                raise ValueError(f"{name!r} takes a number of failures")
        listeners = (Journalist(setting.recorder).hear,)
        return CircuitBreaker(name, settings=ours, clock=SystemClock(), listeners=listeners)

    return caller.start(setting, make)
