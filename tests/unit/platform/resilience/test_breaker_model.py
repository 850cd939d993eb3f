"""The breaker against the independent model, in whatever order Hypothesis thinks of."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from tests.unit.platform.resilience.replay import Driver, ModelDriver, Step

EIGHTHS = st.integers(0, 80).map(lambda eighths: eighths / 8)
STATES = ("closed", "open", "half_open", "forced_open", "disabled", "metrics_only")
OUTCOMES = ("success", "failure", "ignored", "unrecorded", "cancelled")


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Small numbers, so that every corner is near."""
    wait = draw(st.sampled_from([0.75, 2.0, 5.125]))
    exponential = {
        "kind": "exponential",
        "initial_s": wait,
        "multiplier": draw(st.sampled_from([1, 1.5, 2])),
        "max_s": 12.5,
    }
    return {
        "window_type": draw(st.sampled_from(["count", "time"])),
        "window_size": draw(st.integers(1, 5)),
        "minimum_calls": draw(st.integers(1, 6)),
        "failure_rate_threshold": draw(st.sampled_from([1, 25, 50, 100])),
        "slow_call_rate_threshold": draw(st.sampled_from([1, 50, 100])),
        "slow_call_duration_s": draw(st.sampled_from([0.5, 1, 60])),
        "half_open_permitted": draw(st.integers(1, 4)),
        "wait_open": draw(st.sampled_from([{"kind": "constant", "seconds": wait}, exponential])),
        "auto_half_open": draw(st.booleans()),
        "half_open_max_wait_s": draw(st.sampled_from([0, 1, 3.5])),
        "half_open_max_wait_to": draw(st.sampled_from(["open", "closed"])),
        "initial_state": draw(st.sampled_from(STATES)),
        "ignored_also_recorded": draw(st.booleans()),
    }


class Twins(RuleBasedStateMachine):
    """Everything happens to both."""

    calls: Bundle[str] = Bundle("calls")

    @initialize(config=configurations())
    def begin(self, config: dict[str, Any]) -> None:
        """Two breakers of one configuration."""
        self.breaker = Driver(config)
        self.model = ModelDriver(config, stale_outcomes_count=False)
        self.now = 0.0
        self.number = 0

    def both(self, act: str, **rest: Any) -> Any:
        """Do a step to both and compare what is seen."""
        step = Step(self.now, act, **rest)
        seen = self.breaker.do(step)
        assert self.model.do(step) == seen, step
        return seen

    @rule(seconds=EIGHTHS)
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        self.both("advance")

    @rule(target=calls)
    def ask(self) -> Any:
        """A call begins, if it may."""
        self.number += 1
        name = str(self.number)
        return name if self.both("ask", name=name).permitted else multiple()

    @rule(name=consumes(calls), outcome=st.sampled_from(OUTCOMES))
    def end(self, name: str, outcome: str) -> None:
        """A call ends."""
        self.both("end", name=name, outcome=outcome)

    @rule(name=consumes(calls), seconds=st.integers(1, 9))
    def end_with_an_order(self, name: str, seconds: int) -> None:
        """A call ends and orders the breaker open."""
        self.both("end", name=name, outcome="open_for_failure", argument=float(seconds))

    @rule(to=st.sampled_from(STATES))
    def order(self, to: str) -> None:
        """An operator orders a state."""
        self.both("force", to=to)

    @rule()
    def reset(self) -> None:
        """An operator orders a fresh start."""
        self.both("reset")

    @invariant()
    def never_more_than_the_budget(self) -> None:
        """What was recorded in the half-open state is within its budget."""
        if hasattr(self, "breaker"):
            seen = self.breaker.breaker.snapshot()
            if seen.state.value == "half_open":
                permitted = self.breaker.breaker.settings.permitted_calls_in_half_open
                assert permitted >= seen.buffered_calls


TestTwins = Twins.TestCase
TestTwins.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)
