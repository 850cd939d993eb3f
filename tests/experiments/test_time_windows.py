"""Breakers of other shapes, which judge what happened within some time, in scenarios."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, stdev

import pytest

from tests.experiments.ground_truth import (
    SIGMAS,
    Case,
    Kind,
    assert_near,
    closed_periods,
    simulate,
    transitions,
)

WINDOWS, SAMPLES = 600, 100
DEAR, CAMPAIGN = 20_000, 150_000
"""Calls, from which on a case is for the campaign, and of each case there."""

SLOWER = 100
"""All times are so many times as long: a window of whole seconds then slides in small steps."""


@pytest.mark.ground_truth(Kind.TUMBLING, dear=lambda case: WINDOWS * case["W"] * case["lam"] > DEAR)
def test_windows_that_tumble(case: Case, campaign: bool) -> None:
    """The share of windows that end with calls enough and failures enough among them."""
    windows = int(CAMPAIGN / (case["W"] * case["lam"])) if campaign else WINDOWS
    breaker = (
        f"{{window: {case['W']}s, minimum_calls: {case['M']}, failure_rate: {case['th']:.9%},"
        " open_for: 1ms}"
    )
    result = simulate(
        case.seed(),
        seconds=(windows + 0.5) * case["W"],
        p=case["p"],
        rate=case["lam"],
        policies=f"{{service: {{breaker: {breaker}}}}}",
        system="tests.experiments.shapes:tumbling",
    )
    expected = case.expected["P(trip in a window)"]
    error = SIGMAS * sqrt(expected * (1 - expected) / windows)
    assert_near(case.name, expected, len(transitions(result)) / windows, error)


@pytest.mark.ground_truth(
    Kind.SLIDING_TIME,
    dear=lambda case: SAMPLES * case["lam"] * case.expected["E[seconds to open]"] > DEAR,
)
def test_failures_within_some_time(case: Case, campaign: bool) -> None:
    """Mean time until so many failures lie close together."""
    expected = case.expected["E[seconds to open]"]
    samples = int(CAMPAIGN / (case["lam"] * expected)) if campaign else SAMPLES
    breaker = (
        f"{{failures: {case['F']}, window: {case['W'] * SLOWER:.0f}s,"
        " open_for: 1ms, half_open_calls: 1}"
    )
    result = simulate(
        case.seed(),
        seconds=samples * expected * SLOWER,
        p=case["p"],
        rate=case["lam"] / SLOWER,
        policies=f"{{service: {{breaker: {breaker}}}}}",
        system="tests.experiments.shapes:counting_failures",
    )
    found = [period.seconds / SLOWER for period in closed_periods(result)]
    assert len(found) > samples / 2
    assert_near(case.name, expected, fmean(found), SIGMAS * stdev(found) / sqrt(len(found)))
