"""
When to open: rules over a window, joined with ``&`` and ``|``.

A rule answers ``True`` (open), ``False`` (all is well) or ``None`` (too early to say), and
the joints follow Kleene's logic of three values: ``True | None`` is ``True``,
``True & None`` is ``None``. In the closed state only ``True`` matters. In the half-open
state ``True`` opens again, ``False`` closes, and ``None`` waits for more probes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from umt_sim.platform.resilience.breaker.window import CountWindow, Window

__all__ = [
    "AllOf",
    "AnyOf",
    "ConsecutiveFailures",
    "FailureRate",
    "Rule",
    "SlowCallRate",
    "SlowCallsInFlight",
]


class Rule:
    """Base of the rules. A rule of one's own defines ``judge``."""

    __slots__ = ()

    def judge(self, window: Window) -> bool | None:
        """What the calls seen in the closed state say."""
        raise NotImplementedError

    def judge_probes(self, window: CountWindow) -> bool | None:
        """What the probes seen in the half-open state say."""
        return self.judge(window)

    def patience(self, window: Window) -> int:  # noqa: ARG002  # a simple rule may need it
        """
        How many more calls must end before ``judge`` can say yes, if it has just not.

        A bound, at least 1: until then the rule is not asked, so judging costs a healthy
        callee nothing. A time window that drops a second asks again at once.
        """
        return 1

    def leaves(self) -> Iterator[Rule]:
        """The simple rules this one is made of, in the order they are written."""
        yield self

    def __or__(self, other: Rule) -> AnyOf:
        return AnyOf(self, other)

    def __and__(self, other: Rule) -> AllOf:
        return AllOf(self, other)


@dataclass(frozen=True, slots=True)
class ConsecutiveFailures(Rule):
    """
    *limit* failures in a row.

    Of probes it asks more: the first that fails opens again, and all of them must
    succeed to close.
    """

    limit: int

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(
                f"failure_threshold is {self.limit}; write 1 or more failures in a row"
            )

    def patience(self, window: Window) -> int:
        """What is missing from the row."""
        return max(self.limit - window.streak, 1)

    def judge(self, window: Window) -> bool:
        """Whether the latest calls were failures only."""
        return window.streak >= self.limit

    def judge_probes(self, window: CountWindow) -> bool | None:
        """Whether a probe failed; until all are in, success proves nothing."""
        if window.failed:
            return True
        return False if window.calls >= window.size else None


@dataclass(frozen=True, slots=True)
class FailureRate(Rule):
    """At least *percent* of the calls in the window failed."""

    percent: float

    def __post_init__(self) -> None:
        _check_percent("failure rate", self.percent)

    def patience(self, window: Window) -> int:
        """What is missing from the share, and from the minimum."""
        return _patience(self.percent, window.failed, window)

    def judge(self, window: Window) -> bool | None:
        """Whether the failure rate has reached the threshold."""
        rate = window.failure_rate
        return None if rate is None else rate >= self.percent


@dataclass(frozen=True, slots=True)
class SlowCallRate(Rule):
    """At least *percent* of the calls in the window took longer than the slow threshold."""

    percent: float

    def __post_init__(self) -> None:
        _check_percent("slow call rate", self.percent)

    def patience(self, window: Window) -> int:
        """What is missing from the share, and from the minimum."""
        return _patience(self.percent, window.slow, window)

    def judge(self, window: Window) -> bool | None:
        """Whether the slow call rate has reached the threshold."""
        rate = window.slow_call_rate
        return None if rate is None else rate >= self.percent


@dataclass(frozen=True, slots=True)
class SlowCallsInFlight(Rule):
    """
    *limit* calls are still running and already slower than the slow threshold.

    A server that hangs records no outcomes at all, so the rates stay as they were. This
    rule does not wait for the calls to end; it is judged when the next call asks.
    """

    limit: int

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"slow calls in flight is {self.limit}; write 1 or more calls")

    def judge(self, window: Window) -> bool:
        """Whether too many running calls are overdue."""
        return window.overdue >= self.limit


@dataclass(frozen=True, slots=True)
class AnyOf(Rule):
    """Either rule is enough."""

    first: Rule
    second: Rule

    def patience(self, window: Window) -> int:
        """That of the rule that may say yes sooner."""
        return min(self.first.patience(window), self.second.patience(window))

    def judge(self, window: Window) -> bool | None:
        """Three-valued *or*."""
        first = self.first.judge(window)
        return True if first else _either(first, self.second.judge(window))

    def judge_probes(self, window: CountWindow) -> bool | None:
        """Three-valued *or*."""
        return _either(self.first.judge_probes(window), self.second.judge_probes(window))

    def leaves(self) -> Iterator[Rule]:
        """The leaves of both."""
        yield from self.first.leaves()
        yield from self.second.leaves()


@dataclass(frozen=True, slots=True)
class AllOf(Rule):
    """Both rules are needed."""

    first: Rule
    second: Rule

    def patience(self, window: Window) -> int:
        """That of the rule that can say yes only later."""
        return max(self.first.patience(window), self.second.patience(window))

    def judge(self, window: Window) -> bool | None:
        """Three-valued *and*."""
        first = self.first.judge(window)
        return False if first is False else _both(first, self.second.judge(window))

    def judge_probes(self, window: CountWindow) -> bool | None:
        """Three-valued *and*."""
        return _both(self.first.judge_probes(window), self.second.judge_probes(window))

    def leaves(self) -> Iterator[Rule]:
        """The leaves of both."""
        yield from self.first.leaves()
        yield from self.second.leaves()


def _either(first: bool | None, second: bool | None) -> bool | None:
    if first or second:
        return True
    return None if first is None or second is None else False


def _both(first: bool | None, second: bool | None) -> bool | None:
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def _patience(percent: float, bad: int, window: Window) -> int:
    """Calls until *bad* of them can be *percent* of those in *window*, all others going badly."""
    calls = window.calls
    needed = int(percent * max(calls, window.minimum) / 100)  # rounded down: rather ask too early
    return max(window.minimum - calls, needed - bad, 1)


def _check_percent(what: str, percent: float) -> None:
    if 0 < percent < 1:
        raise ValueError(f"{what} is {percent}; write {percent * 100:g} for so many percent")
    if not 0 < percent <= 100:
        raise ValueError(f"{what} is {percent}; write a percentage from 1 to 100")
