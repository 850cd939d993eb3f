"""Which phase a step of the machine leads to: the settings made into states."""

from __future__ import annotations

from math import isfinite

from umt_sim.platform.ports.randomness import Randomness
from umt_sim.platform.resilience.breaker.settings import BreakerSettings
from umt_sim.platform.resilience.breaker.states import (
    Closed,
    Disabled,
    ForcedOpen,
    HalfOpen,
    MetricsOnly,
    Open,
    Phase,
    RampUp,
    Running,
    Watchful,
)
from umt_sim.platform.resilience.breaker.transitions import State
from umt_sim.platform.resilience.breaker.window import Window
from umt_sim.platform.resilience.listeners import Report

__all__ = ["Succession"]

WAIT_IF_BROKEN = 60.0  # seconds open when the settings' own wait function raises


class Succession:
    """Makes the phase that follows another one."""

    __slots__ = ("_name", "_randomness", "_report", "_settings")

    def __init__(
        self, name: str, settings: BreakerSettings, randomness: Randomness, report: Report
    ) -> None:
        self._name = name
        self._settings = settings
        self._randomness = randomness
        self._report = report

    def first(self, now: float) -> Phase:
        """What a breaker begins with; no transition from anywhere."""
        nothing = Disabled()
        if self._settings.initial_state is State.HALF_OPEN:
            nothing.attempt = 1  # half-open is what follows the first opening
        return self.after(nothing, self._settings.initial_state, now)

    def after(
        self, before: Phase, state: State, now: float, for_seconds: float | None = None
    ) -> Phase:
        """*state* as it follows *before*; open for *for_seconds* instead of the usual wait."""
        match state:
            case State.CLOSED:
                return self._recovered(before, now)
            case State.OPEN:
                return self._open(before, now, for_seconds)
            case State.HALF_OPEN:
                return HalfOpen(self._settings, before.attempt, now)
            case State.FORCED_OPEN:
                return ForcedOpen(before.attempt + 1)
            case State.DISABLED:
                return Disabled()
            case State.METRICS_ONLY:
                return MetricsOnly(self._window(now), self._settings.trip)

    def closed(self, now: float, running: Running | None = None) -> Closed:
        """Closed as an operator orders it, or with the probes *running* as its own calls."""
        window = self._window(now)
        if self._settings.watches_running_calls:
            return Watchful(window, self._settings, running)
        return Closed(window, self._settings.trip, running)

    def _recovered(self, before: Phase, now: float) -> Closed:
        if not isinstance(before, HalfOpen):
            return self.closed(now)
        closed = self.closed(now, before.probes)
        if self._settings.ramp_up_seconds:
            return RampUp(closed, self._settings, now)
        return closed

    def _open(self, before: Phase, now: float, for_seconds: float | None) -> Open:
        attempt = before.attempt + 1
        seconds = self._wait(attempt) if for_seconds is None else for_seconds
        automatic = self._settings.automatic_half_open
        return Open(before.window, attempt, now + seconds, automatic=automatic)

    def _wait(self, attempt: int) -> float:
        try:
            seconds = self._settings.wait.seconds(attempt, self._randomness)
            if not (isfinite(seconds) and seconds > 0):
                raise ValueError(
                    f"wait_in_open gave {seconds} s for attempt {attempt}; "
                    "return a positive number of seconds"
                )
        except Exception as error:  # noqa: BLE001  # opening must not fail half-way
            self._report(error, self._name)
            return WAIT_IF_BROKEN
        return seconds

    def _window(self, now: float) -> Window:
        return self._settings.window.build(self._settings.minimum_number_of_calls, now)
