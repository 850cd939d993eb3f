"""Windows, held to a list of what went through them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from umt_sim.platform.resilience.breaker.window import (
    FAILED,
    SLOW,
    CountWindow,
    TimeWindow,
    Window,
    percentile,
)


@given(st.integers(1, 6), st.integers(1, 8), st.lists(st.integers(0, 3), max_size=40))
def test_count_window_is_a_list_of_the_last_calls(
    size: int, minimum: int, outcomes: list[int]
) -> None:
    """Whatever went through, the counts are those of the last *size* outcomes."""
    window = CountWindow(size, minimum)
    for number, outcome in enumerate(outcomes):
        window.record(outcome, float(number), 0.0)
    _assert_counts(window, outcomes[-size:], outcomes, min(minimum, size))
    assert [float(n) for n in range(len(outcomes))][-size:] == window.latencies()


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=40),
    st.integers(0, 60),
)
def test_time_window_is_a_list_of_the_last_seconds(
    size: int, calls: list[tuple[int, int]], silence: int
) -> None:
    """The counts are those of the outcomes in the current second and those before it."""
    window, now, seen = TimeWindow(size, 1, 0.0), 0.0, []
    for outcome, quarters in calls:
        now += quarters / 4
        window.record(outcome, 0.0, now)
        seen.append((now, outcome))
    now += silence / 4
    window.move(now)
    inside = [outcome for at, outcome in seen if int(at) > int(now) - size]
    _assert_counts(window, inside, [outcome for _, outcome in seen], 1)


def _assert_counts(window: Window, inside: list[int], ever: list[int], minimum: int) -> None:
    failed = sum(bool(outcome & FAILED) for outcome in inside)
    slow = sum(bool(outcome & SLOW) for outcome in inside)
    both = sum(outcome == FAILED | SLOW for outcome in inside)
    assert (len(inside), failed, slow, both) == (
        window.calls,
        window.failed,
        window.slow,
        window.slow_failed,
    )
    known = len(inside) >= minimum
    assert (failed * 100 / len(inside) if known else None) == window.failure_rate
    assert (slow * 100 / len(inside) if known else None) == window.slow_call_rate
    streak = next((n for n, o in enumerate(reversed(ever)) if not o & FAILED), len(ever))
    assert streak == window.streak


def test_percentile_is_one_of_the_values() -> None:
    """Nearest rank: the smallest value that so many percent do not exceed."""
    values = [float(value) for value in range(1, 101)]
    assert [1.0, 50.0, 95.0, 99.0, 100.0] == [percentile(values, p) for p in (0, 50, 95, 99, 100)]
    assert percentile([], 50) is None
