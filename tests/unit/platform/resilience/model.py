"""
An independent model of the breaker: resilience4j in the plainest words.

It keeps every outcome in a list and counts afresh each time it is asked, shares no code
with the breaker, and speaks the format of the recorded vectors. With *stale_outcomes_count*
it has resilience4j's quirk: the outcome of a call admitted in an earlier state is taken for
one of the present state. Without, it is what our breaker promises: a call counts unless
the breaker has opened, or an operator has acted, since it was admitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WATCHING = ("closed", "half_open", "metrics_only")
SILENT = ("forced_open", "disabled")
ILLEGAL = {("closed", "half_open"), ("metrics_only", "half_open"), ("metrics_only", "open")}


class Illegal(Exception):
    """The step is not in the table."""


@dataclass
class Visible:
    """What the metrics show: the outcomes of one stay, each ``(time, failed, slow)``."""

    period: int
    kind: str  # count, time or none
    size: int
    minimum: int
    outcomes: list[tuple[float, bool, bool]] = field(default_factory=list)
    refused: int = 0

    def at(self, now: float) -> list[tuple[float, bool, bool]]:
        """The outcomes still in the window."""
        if self.kind == "count":
            return self.outcomes[-self.size :]
        oldest = int(now // 1) - self.size + 1
        return [outcome for outcome in self.outcomes if int(outcome[0] // 1) >= oldest]

    def rates(self, now: float) -> tuple[float | None, float | None]:
        """Failure and slow call rate in percent."""
        seen = self.at(now)
        if len(seen) < self.minimum or self.kind == "none":
            return None, None
        failed = sum(outcome[1] for outcome in seen)
        slow = sum(outcome[2] for outcome in seen)
        return failed * 100 / len(seen), slow * 100 / len(seen)


class Model:
    """Ask, end, advance, force and reset; then read ``state``, ``metrics`` and ``events``."""

    def __init__(self, config: dict[str, Any], *, stale_outcomes_count: bool) -> None:
        self.config = config
        self.stale_outcomes_count = stale_outcomes_count
        self.now = 0.0
        self.period = 0
        self.heirs: set[int] = set()  # periods whose calls count in the present one
        self.attempt = int(config["initial_state"] == "half_open")
        self.events: list[str] = []
        self.calls: dict[str, tuple[int, float]] = {}  # id: period and start
        self.stale_seen = False
        self.state = "disabled"
        self.visible = Visible(0, "none", 0, 1)
        self._enter(config["initial_state"], 0.0, None)
        self.events.clear()

    # What can happen

    def advance(self, to: float) -> None:
        """Let time pass and timers fire."""
        while self.timer is not None and self.timer <= to:
            if self.state == "open":
                self._go("half_open", self.timer)
            else:
                self._judged(self.config["half_open_max_wait_to"], self.timer)
        self.now = to

    def ask(self, at: float, name: str) -> bool:
        """Whether a call may begin."""
        self.advance(at)
        if self.state == "open" and at > self.until:
            self._go("half_open", at)
        if self.state in ("open", "forced_open") or (
            self.state == "half_open" and not self.permits
        ):
            self.visible.refused += 1
            self._publish("not_permitted")
            return False
        if self.state == "half_open":
            self.permits -= 1
        self.calls[name] = self.period, at
        return True

    def end(self, at: float, name: str, outcome: str, open_for: float | None = None) -> None:
        """A call ends."""
        self.advance(at)
        period, started = self.calls.pop(name)
        stale = period not in self.heirs
        self.stale_seen = self.stale_seen or stale
        counts = not stale or self.stale_outcomes_count
        if outcome == "cancelled":
            self._give_back(counts)
            return
        if outcome == "ignored":
            self._publish("ignored_error")
            self._give_back(counts)
            return
        failed = outcome == "failure"
        self._publish("error" if failed else "success")
        slow = at - started > self.config["slow_call_duration_s"]
        if self.visible.kind == "none":
            return
        if counts or (self.state == "open" and self.visible.period == period):
            self.visible.outcomes.append((at, failed, slow))
        if counts:
            self._judge(at, open_for)

    def force(self, at: float, to: str, seconds: float | None = None) -> None:
        """An operator orders a state."""
        self.advance(at)
        if (self.state, to) in ILLEGAL:
            raise Illegal
        self._go(to, at, seconds)

    def reset(self, at: float) -> None:
        """An operator orders a fresh start."""
        self.advance(at)
        self._go("closed", at)
        self.events.append("reset")

    # What can be read

    def metrics(self) -> list[float | None]:
        """The numbers in the order of the recordings."""
        seen = self.visible.at(self.now)
        failed = sum(outcome[1] for outcome in seen)
        return [
            *self.visible.rates(self.now),
            len(seen),
            len(seen) - failed,
            failed,
            sum(outcome[2] for outcome in seen),
            sum(outcome[1] and outcome[2] for outcome in seen),
            self.visible.refused,
        ]

    # How it goes on

    def _publish(self, event: str) -> None:
        if self.state not in SILENT:
            self.events.append(event)

    def _give_back(self, counts: bool) -> None:
        if counts and self.state == "half_open":
            self.permits += 1

    def _judge(self, at: float, open_for: float | None) -> None:
        failure_rate, slow_rate = self.visible.rates(at)
        exceeded = []
        if failure_rate is not None and failure_rate >= self.config["failure_rate_threshold"]:
            exceeded.append("failure_rate_exceeded")
        if slow_rate is not None and slow_rate >= self.config["slow_call_rate_threshold"]:
            exceeded.append("slow_call_rate_exceeded")
        if self.state in ("closed", "metrics_only"):
            news = [event for event in exceeded if event not in self.said]
            self.events += news
            self.said += news
        if open_for is not None and self.state in ("closed", "half_open"):
            self._go("open", at, open_for)
        elif self.state == "closed" and exceeded:
            self._go("open", at)
        elif self.state == "half_open" and failure_rate is not None:
            self._judged("open" if exceeded else "closed", at)

    def _judged(self, to: str, at: float) -> None:
        """Leave the half-open state; its probes count in the closed state that follows."""
        probing = self.period
        self._go(to, at)
        if to == "closed":
            self.heirs.add(probing)

    def _go(self, to: str, at: float, seconds: float | None = None) -> None:
        if to != self.state:
            self.events.append("state_transition")
        self._enter(to, at, seconds)

    def _enter(self, to: str, at: float, seconds: float | None) -> None:
        config = self.config
        self.period += 1
        self.heirs = {self.period}
        self.state = to
        self.timer: float | None = None
        self.said: list[str] = []
        if to in ("open", "forced_open"):
            self.attempt += 1
        elif to != "half_open":
            self.attempt = 0
        if to == "open":
            self.until = at + (wait_open(config, self.attempt) if seconds is None else seconds)
            self.timer = self.until if config["auto_half_open"] else None
        elif to == "half_open":
            self.permits = config["half_open_permitted"]
            minimum = min(config["minimum_calls"], self.permits)
            self.visible = Visible(self.period, "count", self.permits, minimum)
            if config["half_open_max_wait_s"]:
                self.timer = at + config["half_open_max_wait_s"]
        elif to in SILENT:
            self.visible = Visible(self.period, "none", 1, 1)
        else:
            size, minimum = config["window_size"], config["minimum_calls"]
            if config["window_type"] == "count":
                minimum = min(minimum, size)
            self.visible = Visible(self.period, config["window_type"], size, minimum)


def wait_open(config: dict[str, Any], attempt: int) -> float:
    """Seconds in the open state; exponential waits are whole milliseconds at every step."""
    wait = config["wait_open"]
    if wait["kind"] == "constant":
        return float(wait["seconds"])
    milliseconds = round(wait["initial_s"] * 1000)
    for _ in range(attempt - 1):
        milliseconds = int(milliseconds * wait["multiplier"])
        if "max_s" in wait:
            milliseconds = min(milliseconds, round(wait["max_s"] * 1000))
    return milliseconds / 1000
