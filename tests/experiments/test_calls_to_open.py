"""
How many calls a breaker lets through before it opens, through scenarios.

One run has many samples: an open breaker tries again at once, and each time a probe closes
it, it begins anew with nothing behind it. Counted are the calls from there to its next opening.
"""

from __future__ import annotations

from math import sqrt
from statistics import fmean, stdev
from typing import Any

import pytest

from tests.experiments.test_breaker_ground_truth import SIGMAS, cases, simulate

CONSECUTIVE = cases("consecutive-failure threshold")
SLIDING = cases("sliding count window")
FIRST_FULL = cases("count window trips when first full (rate >= threshold)")
SAMPLES = 150
DEAR = 50.0
"""Calls to open, from which on a case is for the campaign."""


def calls_to_open(p: float, breaker: str, expected: float) -> list[int]:
    """Calls until the breaker opened, each time that it had been closed."""
    result = simulate(
        seconds=SAMPLES * (expected + 1 / (1 - p)) / 100,
        p=p,
        rate=100,
        process="constant",
        policies=f"{{service: {{breaker: {{{breaker}, open_for: 1ms, half_open_calls: 1}}}}}}",
    )
    counts: list[int] = []
    calls, closed = 0, True
    for event, state in zip(result.breakers.event, result.breakers.to_state, strict=True):
        if event in ("success", "error"):
            calls += closed
        elif event == "state_transition":
            if state == "open" and closed:
                counts.append(calls)
            calls, closed = 0, state == "closed"
    return counts


def dear(found: dict[str, dict[str, Any]]) -> list[Any]:
    """Names of the cases, those with many calls for the campaign."""
    return [
        pytest.param(name, marks=pytest.mark.campaign) if case["E[calls to open]"] > DEAR else name
        for name, case in found.items()
    ]


def assert_mean(expected: float, samples: list[int]) -> None:
    """The mean lies within four standard errors of what is expected."""
    assert len(samples) > SAMPLES / 2
    error = SIGMAS * stdev(samples) / sqrt(len(samples))
    assert expected == pytest.approx(fmean(samples), abs=error)


@pytest.mark.parametrize("name", dear(CONSECUTIVE))
def test_failures_in_a_row(name: str) -> None:
    """(1 - p^k) / (p^k (1 - p)) calls until k of them in a row have failed."""
    case = CONSECUTIVE[name]
    p, k, expected = case["params"]["p"], case["params"]["k"], case["E[calls to open]"]
    assert_mean(expected, calls_to_open(p, f"failures: {k}", expected))


@pytest.mark.parametrize("name", dear(SLIDING))
def test_a_sliding_window(name: str) -> None:
    """Calls until the failure rate over the last N of them reaches its threshold."""
    case = SLIDING[name]
    params, expected = case["params"], case["E[calls to open]"]
    breaker = (
        f"window: {params['N']}, minimum_calls: {params['min_calls']},"
        f" failure_rate: {params['threshold'] * 100}%"
    )
    assert_mean(expected, calls_to_open(params["p"], breaker, expected))


@pytest.mark.parametrize("name", [name for name in FIRST_FULL if name in ("B07", "B11")])
def test_a_window_that_opens_when_it_is_first_full(name: str) -> None:
    """So many do at the very call that fills the window: reaching the threshold is enough."""
    case = FIRST_FULL[name]
    size, p, expected = case["params"]["N"], case["params"]["p"], case["P(trip at call N)"]
    breaker = f"window: {size}, minimum_calls: {size}, failure_rate: 50%"
    samples = calls_to_open(p, breaker, 35.0 if p < 0.5 else 15.0)
    share = sum(count == size for count in samples) / len(samples)
    assert expected == pytest.approx(
        share, abs=SIGMAS * sqrt(expected * (1 - expected) / len(samples))
    )
