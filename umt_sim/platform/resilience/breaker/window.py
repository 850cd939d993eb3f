"""
Sliding windows: what happened lately, as numbers.

A window knows nothing of states or rules and can be used alone. Every operation is O(1),
moving a time window apart, which costs one step for each second that has passed (at most
its size). Outcomes are small integers: bit 0 says slow, bit 1 says failed, so that from
``FAILED`` upwards are the failures. A tally is a list indexed by them.

Rates are percentages, ``None`` while fewer than *minimum* calls are in the window.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Final, Protocol

__all__ = [
    "FAILED",
    "SLOW",
    "SLOW_FAILED",
    "SUCCEEDED",
    "CountWindow",
    "NullWindow",
    "TimeWindow",
    "Window",
    "percentile",
]

SUCCEEDED: Final = 0
SLOW: Final = 1
FAILED: Final = 2
SLOW_FAILED: Final = FAILED | SLOW

_UNUSED: Final = 4  # a place of a count window that has not held a call yet

LATENCIES_KEPT: Final = 128  # of a time window; a count window keeps one per call


class Window(Protocol):
    """Counts the calls that ended lately. All durations and times are seconds."""

    minimum: int  # calls before rates exist
    streak: int  # failures since the last success
    patience: int  # calls to record before a rule need look again; whoever asks rules sets it
    overdue: int  # calls still running that are already slow, as of the last admission

    def count_refusal(self) -> object:
        """Count a call that was refused while this window is the visible one; needs no lock."""
        ...

    def record(self, outcome: int, duration: float, now: float) -> bool:
        """Count a call that ended at *now*; return whether patience is over."""
        ...

    def move(self, now: float) -> None:
        """Drop what is too old at *now*."""
        ...

    def latencies(self) -> list[float]:
        """Durations of the latest recorded calls, in no particular order."""
        ...

    @property
    def not_permitted(self) -> int:
        """Refusals counted so far."""
        ...

    @property
    def calls(self) -> int:
        """Calls in the window."""
        ...

    @property
    def failed(self) -> int:
        """Those that failed."""
        ...

    @property
    def slow(self) -> int:
        """Those that were slow."""
        ...

    @property
    def slow_failed(self) -> int:
        """Those that were both."""
        ...

    @property
    def failure_rate(self) -> float | None:
        """Percentage of calls that failed."""
        ...

    @property
    def slow_call_rate(self) -> float | None:
        """Percentage of calls that were slow."""
        ...


class _Counts:
    """The numbers every window shows, made from a tally."""

    __slots__ = ("_looks", "count_refusal", "minimum", "overdue", "patience", "streak")

    def __init__(self, minimum: int) -> None:
        self.minimum = minimum
        self.streak = self.patience = self.overdue = 0
        # One step of a C iterator, which no thread can be interrupted in: what an open breaker
        # does most costs half of what it would under the lock.
        self.count_refusal = count().__next__
        self._looks = 0

    @property
    def _tally(self) -> list[int]:
        return [0, 0, 0, 0]

    @property
    def not_permitted(self) -> int:
        refusals = self.count_refusal() - self._looks  # looking counts, too
        self._looks += 1
        return refusals

    @property
    def calls(self) -> int:
        return sum(self._tally[:_UNUSED])

    @property
    def failed(self) -> int:
        return self._tally[FAILED] + self._tally[SLOW_FAILED]

    @property
    def slow(self) -> int:
        return self._tally[SLOW] + self._tally[SLOW_FAILED]

    @property
    def slow_failed(self) -> int:
        return self._tally[SLOW_FAILED]

    @property
    def failure_rate(self) -> float | None:
        calls = self.calls
        return None if calls < self.minimum else self.failed * 100.0 / calls

    @property
    def slow_call_rate(self) -> float | None:
        calls = self.calls
        return None if calls < self.minimum else self.slow * 100.0 / calls


class CountWindow(_Counts):
    """
    The last *size* calls.

    A ring of outcomes, always full: it begins with places that hold no call yet. While all
    calls in it end alike it need not turn, and while all end well nothing changes at all.
    """

    __slots__ = ("_durations", "_ring", "_tally", "size")

    def __init__(self, size: int, minimum: int) -> None:
        super().__init__(min(minimum, size))
        self.size = size
        self._tally: list[int] = [0, 0, 0, 0, size]
        self._ring = deque([_UNUSED] * size, maxlen=size)
        self._durations: deque[float] = deque(maxlen=size)

    def record(self, outcome: int, duration: float, now: float) -> bool:  # noqa: ARG002  # a time window needs it
        """Count a call that ended; return whether patience is over."""
        self._durations.append(duration)
        tally = self._tally
        if tally[outcome] != self.size:
            tally[self._ring[0]] -= 1
            tally[outcome] += 1
            self._ring.append(outcome)
        elif not outcome:
            return False  # one more good call among none but good ones
        if outcome >= FAILED:
            self.streak += 1
        elif self.streak:
            self.streak = 0
        self.patience = left = self.patience - 1
        return left <= 0

    def move(self, now: float) -> None:
        """Nothing ages: only a new call pushes an old one out."""

    def latencies(self) -> list[float]:
        """Durations of the calls in the window."""
        return list(self._durations)


class TimeWindow(_Counts):
    """
    The calls that ended in the current clock second and the *size* - 1 before it.

    One tally per whole second of the clock, so the window's true length is between
    *size* - 1 and *size* seconds. That is resilience4j's grain.
    """

    __slots__ = ("_bucket", "_buckets", "_durations", "_next", "_past", "_second", "size")

    def __init__(self, size: int, minimum: int, now: float) -> None:
        super().__init__(minimum)
        self.size = size
        self._past = [0, 0, 0, 0]  # all seconds but the current one
        self._buckets = [[0, 0, 0, 0] for _ in range(size)]
        self._settle_on(int(now // 1))
        self._durations: deque[float] = deque(maxlen=LATENCIES_KEPT)

    def record(self, outcome: int, duration: float, now: float) -> bool:
        """Count a call that ended at *now*; return whether patience is over."""
        if now >= self._next:
            self.move(now)
        self._durations.append(duration)
        self._bucket[outcome] += 1
        if outcome >= FAILED:
            self.streak += 1
        elif self.streak:
            self.streak = 0
        self.patience = left = self.patience - 1
        return left <= 0

    def move(self, now: float) -> None:
        """Drop the seconds that are too old at *now*. Patience ends: a rate may have leapt."""
        if now < self._next:
            return
        second = int(now // 1)
        passed = second - self._second
        self._past = self._tally
        for step in range(1, min(passed, self.size) + 1):
            self._drop(self._buckets[(self._second + step) % self.size])
        self._settle_on(second)
        self.patience = 0

    def _settle_on(self, second: int) -> None:
        self._second = second
        self._next = second + 1
        self._bucket = self._buckets[second % self.size]

    def _drop(self, bucket: list[int]) -> None:
        self._past = [kept - old for kept, old in zip(self._past, bucket, strict=True)]
        bucket[:] = 0, 0, 0, 0

    @property
    def _tally(self) -> list[int]:
        return [past + now for past, now in zip(self._past, self._bucket, strict=True)]

    def latencies(self) -> list[float]:
        """Durations of the latest calls, whether or not they are still in the window."""
        return list(self._durations)


class NullWindow(_Counts):
    """Counts refusals and nothing else: what a disabled or forced-open breaker shows."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(minimum=1)

    def record(self, outcome: int, duration: float, now: float) -> bool:  # noqa: ARG002  # the protocol's
        """Count nothing."""
        return False

    def move(self, now: float) -> None:
        """Nothing is here to age."""

    def latencies(self) -> list[float]:
        """No durations."""
        return []


def percentile(durations: list[float], percent: float) -> float | None:
    """
    The smallest duration that at least *percent* of *durations* do not exceed.

    The nearest-rank definition: always one of the values. ``None`` if there are none.
    """
    if not durations:
        return None
    ordered = sorted(durations)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(int(rank), 1) - 1]
