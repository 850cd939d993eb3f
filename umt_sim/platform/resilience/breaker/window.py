"""
Sliding windows: what happened lately, as numbers.

A window knows nothing of states or rules and can be used alone. Every operation is O(1),
moving a time window apart, which costs one step for each second that has passed (at most
its size). Outcomes are small integers: bit 0 says slow, bit 1 says failed, so that from
``FAILED`` upwards are the failures.

Rates are percentages, ``None`` while fewer than *minimum* calls are in the window.
"""

from __future__ import annotations

from collections import deque
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

LATENCIES_KEPT: Final = 128  # of a time window; a count window keeps one per call


class Window(Protocol):
    """Counts the calls that ended lately. All durations and times are seconds."""

    minimum: int  # calls before rates exist
    calls: int
    failed: int
    slow: int
    slow_failed: int
    streak: int  # failures since the last success
    overdue: int  # calls still running that are already slow, as of the last admission
    not_permitted: int  # calls refused while this window was the visible one

    def record(self, outcome: int, duration: float, now: float) -> int:
        """Count a call that ended at *now*; return the failed and slow calls in the window."""
        ...

    def move(self, now: float) -> None:
        """Drop what is too old at *now*."""
        ...

    def latencies(self) -> list[float]:
        """Durations of the latest recorded calls, in no particular order."""
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
    """The numbers every window shows."""

    __slots__ = (
        "calls",
        "failed",
        "minimum",
        "not_permitted",
        "overdue",
        "slow",
        "slow_failed",
        "streak",
    )

    def __init__(self, minimum: int) -> None:
        self.minimum = minimum
        self.calls = self.failed = self.slow = self.slow_failed = 0
        self.streak = self.overdue = self.not_permitted = 0

    @property
    def failure_rate(self) -> float | None:
        return None if self.calls < self.minimum else self.failed * 100.0 / self.calls

    @property
    def slow_call_rate(self) -> float | None:
        return None if self.calls < self.minimum else self.slow * 100.0 / self.calls


class CountWindow(_Counts):
    """
    The last *size* calls.

    A ring of small integers, always full: places not yet used hold a plain success, which
    changes no count when it is overwritten. As long as no failed or slow call is in the ring
    it is all zeros, and turning it by another zero would change nothing; so a healthy call
    costs one ``append``, of its duration.
    """

    __slots__ = ("_at", "_durations", "_ring", "size")

    def __init__(self, size: int, minimum: int) -> None:
        super().__init__(min(minimum, size))
        self.size = size
        self._ring = [SUCCEEDED] * size
        self._at = 0
        self._durations: deque[float] = deque(maxlen=size)

    def record(self, outcome: int, duration: float, now: float) -> int:  # noqa: ARG002  # a time window needs it
        """Count a call that ended; return the failed and slow calls in the window."""
        self._durations.append(duration)
        if self.calls < self.size:
            self.calls += 1
        if not (outcome or self.failed or self.slow):
            return 0
        ring = self._ring
        self._at = at = (self._at or self.size) - 1  # backwards, which is one comparison less
        evicted = ring[at]
        if evicted != outcome:
            ring[at] = outcome
            self.failed += (outcome >= FAILED) - (evicted >= FAILED)
            self.slow += (outcome & SLOW) - (evicted & SLOW)
            self.slow_failed += (outcome == SLOW_FAILED) - (evicted == SLOW_FAILED)
        if outcome >= FAILED:
            self.streak += 1
        else:
            self.streak = 0
        return self.failed + self.slow

    def move(self, now: float) -> None:
        """Nothing ages: only a new call pushes an old one out."""

    def latencies(self) -> list[float]:
        """Durations of the calls in the window."""
        return list(self._durations)


class TimeWindow(_Counts):
    """
    The calls that ended in the current clock second and the *size* - 1 before it.

    One bucket of four counts per whole second of the clock, so the window's true length
    is between *size* - 1 and *size* seconds. That is resilience4j's grain.
    """

    __slots__ = ("_bucket", "_buckets", "_durations", "_next", "_second", "size")

    def __init__(self, size: int, minimum: int, now: float) -> None:
        super().__init__(minimum)
        self.size = size
        self._buckets = [[0, 0, 0, 0] for _ in range(size)]
        self._settle_on(int(now // 1))
        self._durations: deque[float] = deque(maxlen=LATENCIES_KEPT)

    def record(self, outcome: int, duration: float, now: float) -> int:
        """Count a call that ended at *now*; return the failed and slow calls in the window."""
        if now >= self._next:
            self.move(now)
        self._durations.append(duration)
        self._bucket[0] += 1
        self.calls += 1
        if outcome:
            self._count(outcome)
        if outcome >= FAILED:
            self.streak += 1
        else:
            self.streak = 0
        return self.failed + self.slow

    def _count(self, outcome: int) -> None:
        bucket = self._bucket
        failed, slow, both = outcome >= FAILED, outcome & SLOW, outcome == SLOW_FAILED
        bucket[1] += failed
        bucket[2] += slow
        bucket[3] += both
        self.failed += failed
        self.slow += slow
        self.slow_failed += both

    def move(self, now: float) -> None:
        """Drop the seconds that are too old at *now*."""
        if now < self._next:
            return
        second = int(now // 1)
        passed = second - self._second
        for step in range(1, min(passed, self.size) + 1):
            self._drop(self._buckets[(self._second + step) % self.size])
        self._settle_on(second)

    def _settle_on(self, second: int) -> None:
        self._second = second
        self._next = second + 1
        self._bucket = self._buckets[second % self.size]

    def _drop(self, bucket: list[int]) -> None:
        self.calls -= bucket[0]
        self.failed -= bucket[1]
        self.slow -= bucket[2]
        self.slow_failed -= bucket[3]
        bucket[:] = 0, 0, 0, 0

    def latencies(self) -> list[float]:
        """Durations of the latest calls, whether or not they are still in the window."""
        return list(self._durations)


class NullWindow(_Counts):
    """Counts refusals and nothing else: what a disabled or forced-open breaker shows."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(minimum=1)

    def record(self, outcome: int, duration: float, now: float) -> int:  # noqa: ARG002  # the protocol's
        """Count nothing."""
        return 0

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
