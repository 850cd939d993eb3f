"""
Replays recorded vectors and scenarios, on our breaker and on the model.

Both formats become the same list of ``Step``s. A ``Driver`` performs one on the breaker, a
``ModelDriver`` on the model, and both answer with an ``Observation`` that can be compared.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.unit.platform.resilience.clock import HandClock
from tests.unit.platform.resilience.model import Illegal, Model, wait_open
from umt_sim.platform.resilience import CircuitOpenError, IllegalStateTransition
from umt_sim.platform.resilience.breaker import (
    BreakerEvent,
    BreakerSettings,
    CircuitBreaker,
    CountBased,
    FailureRate,
    Permit,
    SlowCallRate,
    State,
    TimeBased,
)


class Recorded(Exception):
    """Counts as a failure; may order the breaker open for some seconds."""

    def __init__(self, open_for: float | None = None) -> None:
        self.open_for = open_for


class Ignored(Exception):
    """Does not count."""


class Unrecorded(Exception):
    """Counts as a success."""


@dataclass(frozen=True)
class Step:
    """One thing that happens; ``act`` is ask, end, attempt, advance, force or reset."""

    at: float
    act: str
    name: str = "call"
    outcome: str = ""
    duration: float = 0.0
    to: str = ""
    argument: float | None = None


@dataclass(frozen=True)
class Observation:
    """What can be seen after a step. ``error`` is whether the step was refused as illegal."""

    permitted: bool | None
    error: bool
    state: str
    metrics: tuple[float, ...]
    events: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A recorded run: its configuration, and each step with what the real one showed."""

    name: str
    config: dict[str, Any]
    steps: list[tuple[Step, Observation]]


class Driver:
    """Performs steps on our breaker."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.clock = HandClock()
        self.heard: list[BreakerEvent] = []
        self.permits: dict[str, Permit] = {}
        self.breaker = CircuitBreaker(
            "replay",
            settings=settings_of(config),
            clock=self.clock,
            listeners=[self.heard.append],
        )

    def do(self, step: Step) -> Observation:
        """Perform *step*; the end of a call that was never admitted only lets time pass."""
        self.heard.clear()
        permitted, error = None, False
        match step.act:
            case "ask":
                permitted = self._ask(step.at, step.name)
            case "attempt":
                permitted = self._ask(step.at - step.duration, step.name)
                if permitted:
                    self._end(step)
            case "end":
                if step.name in self.permits:
                    self._end(step)
            case "force":
                self.clock.at = step.at
                error = self._force(step)
            case "reset":
                self.clock.at = step.at
                self.breaker.reset()
        self.clock.at = step.at
        return self._observe(permitted, error)

    def _ask(self, at: float, name: str) -> bool:
        self.clock.at = at
        try:
            self.permits[name] = self.breaker.acquire()
        except CircuitOpenError:
            return False
        return True

    def _end(self, step: Step) -> None:
        self.clock.at = step.at
        self.breaker.state  # noqa: B018  # timers due during the call fire before its outcome
        permit = self.permits.pop(step.name)
        match step.outcome:
            case "success" | "slow_success" | "good_result":
                permit.record_result("good")
            case "bad_result":
                permit.record_result("bad")
            case "failure" | "slow_failure":
                permit.record(Recorded())
            case "open_for_failure":
                permit.record(Recorded(step.argument))
            case "ignored":
                permit.record(Ignored())
            case "unrecorded" | "unrecorded_error":
                permit.record(Unrecorded())
            case "cancelled":
                permit.release()
            case unknown:
                raise AssertionError(unknown)

    def _force(self, step: Step) -> bool:
        try:
            if step.to in ("open_for", "open_until"):
                assert step.argument is not None
                seconds = step.argument - (step.at if step.to == "open_until" else 0.0)
                self.breaker.open_for(seconds)
            else:
                self.breaker.transition_to(State(step.to))
        except IllegalStateTransition:
            return True
        return False

    def _observe(self, permitted: bool | None, error: bool) -> Observation:
        seen = self.breaker.snapshot()
        metrics = (
            _rounded(seen.failure_rate),
            _rounded(seen.slow_call_rate),
            seen.buffered_calls,
            seen.successful_calls,
            seen.failed_calls,
            seen.slow_calls,
            seen.slow_failed_calls,
            seen.not_permitted_calls,
        )
        events = tuple(event.kind for event in self.heard)
        return Observation(permitted, error, seen.state.value, metrics, events)


class ModelDriver:
    """Performs steps on the model."""

    def __init__(self, config: dict[str, Any], *, stale_outcomes_count: bool) -> None:
        self.model = Model(config, stale_outcomes_count=stale_outcomes_count)

    def do(self, step: Step) -> Observation:
        """Perform *step*; the end of a call that was never admitted only lets time pass."""
        model = self.model
        model.events.clear()
        permitted, error = None, False
        match step.act:
            case "ask":
                permitted = model.ask(step.at, step.name)
            case "attempt":
                permitted = model.ask(step.at - step.duration, step.name)
                if permitted:
                    model.end(step.at, step.name, *_plain(step))
            case "end":
                if step.name in model.calls:
                    model.end(step.at, step.name, *_plain(step))
            case "force":
                error = self._force(step)
            case "reset":
                model.reset(step.at)
        model.advance(step.at)
        metrics = tuple(_rounded(number) for number in model.metrics())
        return Observation(permitted, error, model.state, metrics, tuple(model.events))

    def _force(self, step: Step) -> bool:
        seconds = step.argument
        if step.to == "open_until":
            assert seconds is not None
            seconds -= step.at
        to = "open" if step.to.startswith("open") else step.to
        try:
            self.model.force(step.at, to, seconds)
        except Illegal:
            return True
        return False


def _plain(step: Step) -> tuple[str, float | None]:
    """The model knows four outcomes; a call is slow by its duration."""
    plain = {
        "slow_success": "success",
        "good_result": "success",
        "unrecorded": "success",
        "unrecorded_error": "success",
        "slow_failure": "failure",
        "bad_result": "failure",
        "open_for_failure": "failure",
    }
    return plain.get(step.outcome, step.outcome), step.argument


def _rounded(rate: float | None) -> float:
    return -1 if rate is None else round(rate, 4)


def settings_of(config: dict[str, Any]) -> BreakerSettings:
    """Our settings from the recorded ones."""
    size = config["window_size"]
    return BreakerSettings(
        trip=FailureRate(config["failure_rate_threshold"])
        | SlowCallRate(config["slow_call_rate_threshold"]),
        window=CountBased(size) if config["window_type"] == "count" else TimeBased(size),
        minimum_number_of_calls=config["minimum_calls"],
        slow_call_duration_seconds=config["slow_call_duration_s"],
        wait_in_open=lambda attempt: wait_open(config, attempt),
        automatic_half_open=config["auto_half_open"],
        permitted_calls_in_half_open=config["half_open_permitted"],
        half_open_max_wait_seconds=config["half_open_max_wait_s"] or None,
        half_open_max_wait_to=State(config["half_open_max_wait_to"]),
        probe_lease_seconds=None,
        ignore=Ignored,
        record=(Recorded, Ignored) if config["ignored_also_recorded"] else Recorded,
        failed_result=lambda result: result == "bad",
        open_for=lambda outcome: getattr(outcome, "open_for", None),
        initial_state=State(config["initial_state"]),
    )


def load(path: Path) -> list[Case]:
    """The cases of a file, plain or gzipped; none if it is about something else."""
    raw = path.read_bytes()
    content = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    if not isinstance(content, dict):
        return []
    scenarios = [_scenario(one) for one in content.get("scenarios", ()) if _is_breaker(one)]
    return scenarios + [_vector(one) for one in content.get("vectors", ()) if _is_breaker(one)]


def _is_breaker(case: Any) -> bool:
    return isinstance(case, dict) and "half_open_permitted" in case.get("config", {})


def _vector(vector: dict[str, Any]) -> Case:
    steps = []
    for step in vector["steps"]:
        expect = step["expect"]
        seen = Observation(
            permitted=expect["permitted"] if _asks(step["event"]) else None,
            error=bool(expect.get("error")),
            state=expect["state"],
            metrics=tuple(
                expect[key]
                for key in (
                    "failure_rate",
                    "slow_call_rate",
                    "buffered",
                    "successful",
                    "failed",
                    "slow",
                    "slow_failed",
                    "not_permitted",
                )
            ),
            events=tuple(expect["events"]),
        )
        steps.append((_vector_step(step), seen))
    return Case(vector["id"], vector["config"], steps)


def _asks(event: str) -> bool:
    return event not in ("complete", "release", "advance", "force", "reset")


def _vector_step(step: dict[str, Any]) -> Step:
    at, event, argument = step["t"], step["event"], step.get("arg")
    match event:
        case "advance" | "reset":
            return Step(at, event)
        case "force":
            return Step(at, event, to=step["to"], argument=argument)
        case "acquire":
            return Step(at, "ask", name=step["id"])
        case "acquire_refused" | "call_not_permitted_expected":
            return Step(at, "ask", name="refused")
        case "complete":
            return Step(at, "end", name=step["id"], outcome=step["outcome"], argument=argument)
        case "release":
            return Step(at, "end", name=step["id"], outcome="cancelled")
        case outcome:
            duration = step.get("duration", 0)
            return Step(at, "attempt", outcome=outcome, duration=duration, argument=argument)


def _scenario(scenario: dict[str, Any]) -> Case:
    steps = []
    for at, act, *arguments, expect in scenario["steps"]:
        asks = act in ("attempt", "begin")
        seen = Observation(
            permitted=expect["permitted"] if asks else None,
            error=bool(expect["error"]),
            state=expect["state"],
            metrics=tuple(expect["metrics"]),
            events=tuple(expect["events"]),
        )
        steps.append((_scenario_step(at, act, arguments), seen))
    return Case(scenario["id"], scenario["config"], steps)


def _scenario_step(at: float, act: str, arguments: list[Any]) -> Step:
    match act:
        case "attempt":
            return Step(at, act, outcome=arguments[0], duration=arguments[1])
        case "begin":
            return Step(at, "ask", name=str(arguments[0]))
        case "end":
            return Step(at, act, name=str(arguments[0]), outcome=arguments[1])
        case "force":
            return Step(at, act, to=arguments[0])
        case _:
            return Step(at, act)
