"""
How many calls a breaker lets through before it opens, through scenarios.

One run has many samples: an open breaker tries again at once, and each time a probe closes
it, it begins anew with nothing behind it. Counted are the calls from there to its next opening.
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from statistics import fmean, stdev

import pytest

from tests.experiments.ground_truth import (
    SIGMAS,
    Case,
    Kind,
    assert_near,
    closed_periods,
    failures_in_a_row,
    simulate,
)

SAMPLES = 150
FIRST_FULL_CALLS = 6_000
DEAR = 15_000
"""Calls, from which on a case is for the campaign."""

RATE = 100.0
"""Requests per second: each has its answer before the next one comes."""


@cache
def calls_to_open(seed: int, p: float, breaker: str, calls: int) -> list[int]:
    """The calls of each closed period of a run with so many *calls* in all."""
    result = simulate(
        seed,
        seconds=calls / RATE,
        p=p,
        rate=RATE,
        process="constant",
        policies=f"{{service: {{breaker: {{{breaker}, open_for: 1ms, half_open_calls: 1}}}}}}",
    )
    return [period.calls for period in closed_periods(result)]


def calls_in_a_row(case: Case) -> int:
    """Calls for enough samples, and for the probes between them."""
    mean, _ = failures_in_a_row(case["p"], case["k"])
    return int(SAMPLES * (mean + 1 / (1 - case["p"])))


def samples_in_a_row(case: Case) -> list[int]:
    """Samples of a breaker that counts failures in a row."""
    return calls_to_open(case.seed(), case["p"], f"failures: {case['k']}", calls_in_a_row(case))


def assert_mean(case: Case, samples: list[int], deviation: float) -> None:
    """The mean lies within four standard errors of what is expected."""
    assert len(samples) > SAMPLES / 2
    error = SIGMAS * deviation / sqrt(len(samples))
    assert_near(case.name, case.expected["E[calls to open]"], fmean(samples), error)


def assert_share(case: Case, metric: str, hits: list[bool]) -> None:
    """So does the share of hits."""
    assert hits, f"{case.name}: it never opened in so many calls"
    expected = case.expected[metric]
    error = SIGMAS * sqrt(expected * (1 - expected) / len(hits))
    assert_near(case.name, expected, fmean(hits), error)


@pytest.mark.ground_truth(Kind.CONSECUTIVE, dear=lambda case: calls_in_a_row(case) > DEAR)
def test_failures_in_a_row(case: Case) -> None:
    """(1 - p^k) / (p^k (1 - p)) calls until k of them in a row have failed."""
    _, deviation = failures_in_a_row(case["p"], case["k"])
    assert_mean(case, samples_in_a_row(case), deviation)


@pytest.mark.ground_truth(Kind.WITHIN, dear=lambda case: calls_in_a_row(case) > DEAR)
def test_opening_within_so_many_calls(case: Case) -> None:
    """The share of breakers that the first n calls open."""
    samples = samples_in_a_row(case)
    assert len(samples) > SAMPLES / 2
    assert_share(case, "P(open within n)", [calls <= case["n"] for calls in samples])


@pytest.mark.ground_truth(
    Kind.SLIDING_COUNT, dear=lambda case: SAMPLES * case.expected["E[calls to open]"] > DEAR
)
def test_a_sliding_window(case: Case) -> None:
    """Calls until the failure rate over the last N of them reaches its threshold."""
    breaker = (
        f"window: {case['N']}, minimum_calls: {case['min_calls']},"
        f" failure_rate: {case['threshold']:.9%}"
    )
    p, expected = case["p"], case.expected["E[calls to open]"]
    calls = int(SAMPLES * (expected + 1 / (1 - p)))
    samples = calls_to_open(case.seed(), p, breaker, calls)
    assert_mean(case, samples, stdev(samples))


@pytest.mark.ground_truth(Kind.FIRST_FULL)
def test_a_window_that_opens_when_it_is_first_full(case: Case, campaign: bool) -> None:
    """So many do at the very call that fills the window: reaching the threshold is enough."""
    size, threshold = case["N"], case["threshold"]
    breaker = f"window: {size}, minimum_calls: {size}, failure_rate: {threshold:.9%}"
    samples = [
        calls
        for replication in range(10 if campaign else 1)
        for calls in calls_to_open(case.seed(replication), case["p"], breaker, FIRST_FULL_CALLS)
    ]
    assert_share(case, "P(trip at call N)", [calls == size for calls in samples])
