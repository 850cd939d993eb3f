"""Attempts, layers, pauses and budgets of retries, breakers around and inside, in scenarios."""

from __future__ import annotations

from math import prod, sqrt
from pathlib import Path
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
from umt_sim.analysis import Result
from umt_sim.bootstrap import run

BUDGET = Path(__file__).parents[2] / "scenarios" / "experiments" / "retry-budget-load.yaml"
ATTEMPTS, REQUESTS = 4_000, 500
SAMPLES, CAMPAIGN_SAMPLES = 50, 500
AT_ONCE = "backoff: {base: 1ms, factor: 1, max: 1ms}"


def attempts(p: float, most: int) -> tuple[float, float]:
    """Mean and standard deviation of the attempts until one succeeds, or there were *most*."""
    weights = [(1 - p) * p**made for made in range(most - 1)] + [p ** (most - 1)]
    mean = sum(made * weight for made, weight in enumerate(weights, 1))
    square = sum(made**2 * weight for made, weight in enumerate(weights, 1))
    return mean, sqrt(max(square - mean**2, 0))


def requests(case: Case, policies: str, most: int, operation: str = "service") -> Result:
    """A run of so many requests that all their attempts together cost as much in every case."""
    mean, _ = attempts(case["p"], most)
    return simulate(
        case.seed(),
        seconds=ATTEMPTS / mean / 10,
        p=case["p"],
        rate=10,
        process="constant",
        policies=policies,
        operation=operation,
    )


def assert_attempts(case: Case, metric: str, result: Result, most: int) -> None:
    """The attempts per request are those expected; exactly, where nothing is left to chance."""
    made = 1 + len(result.retries) / len(result.operations)
    _, deviation = attempts(case["p"], most)
    error = SIGMAS * deviation / sqrt(len(result.operations))
    assert_near(f"{case.name}.{metric}", case.expected[metric], made, error)


@pytest.mark.ground_truth(Kind.RETRY)
def test_retries_of_single_requests(case: Case) -> None:
    """Attempts per request, and the share that fails after all of them."""
    most = case["retries"] + 1
    policies = f"{{service: {{retry: {{max_attempts: {most}, {AT_ONCE}}}}}}}"
    result = requests(case, policies, most)
    assert_attempts(case, "E[attempts]", result, most)
    final = case.expected["P(final failure)"]
    error = SIGMAS * sqrt(final * (1 - final) / len(result.operations))
    failed = float((result.operations.outcome != "ok").mean())
    assert_near(f"{case.name}.P(final failure)", final, failed, error)


@pytest.mark.ground_truth(Kind.LAYERS)
def test_retries_through_layers(case: Case) -> None:
    """Attempts at the bottom for each request at the top: up to (r + 1)^k."""
    each, layers = case["retries"] + 1, case["layers"]
    retry = f"{{retry: {{max_attempts: {each}, {AT_ONCE}}}}}"
    policies = "{" + ", ".join(f"layer-{n}: {retry}" for n in range(layers)) + "}"
    most = prod([each] * layers)
    result = requests(case, policies, most, operation="through_all")
    assert_attempts(case, "E[bottom attempts/request]", result, most)


def pauses(case: Case) -> list[float]:
    """Exponential pauses before jitter."""
    return [min(case["cap"], case["base"] * 2**n) for n in range(case["sleeps"])]


def jitter_of(case: Case) -> str:
    """The jitter that the case is about: it only says so by its mean."""
    shares = {"full": 0.5, "equal": 0.75, "none": 1.0}
    share = case.expected["E[sum]"] / sum(pauses(case))
    return min(shares, key=lambda jitter: abs(shares[jitter] - share))


@pytest.mark.ground_truth(Kind.BACKOFF)
def test_sum_of_pauses(case: Case) -> None:
    """A request that always fails waits half of the exponential sum, or three quarters of it."""
    backoff = f"{{base: {case['base']}s, max: {case['cap']}s, jitter: {jitter_of(case)}}}"
    retry = f"{{max_attempts: {case['sleeps'] + 1}, backoff: {backoff}}}"
    result = simulate(
        case.seed(),
        seconds=REQUESTS / 10,
        p=1,
        rate=10,
        process="constant",
        policies=f"{{service: {{retry: {retry}}}}}",
    )
    sums = (result.operations.latency_ms / 1000).tolist()
    measured = {"E[sum]": fmean(sums), "sd[sum]": stdev(sums)}
    errors = {"E[sum]": stdev(sums) / sqrt(len(sums)), "sd[sum]": stdev(sums) / sqrt(2 * len(sums))}
    for metric, expected in case.expected.items():
        assert_near(case.name, expected, measured[metric], SIGMAS * errors[metric])


def assert_calls_to_open(case: Case, order: str, p: float, samples: int) -> None:
    """Calls, each failing with *p*, that a breaker around or inside a retry sees until it opens."""
    mean, deviation = failures_in_a_row(p, case["k"])
    policy = (
        f"{{retry: {{max_attempts: {case['retries'] + 1}, {AT_ONCE}}},"
        f" breaker: {{failures: {case['k']}, open_for: 1ms, half_open_calls: 1}},"
        f" settings: {{order: {order}}}}}"
    )
    result = simulate(
        case.seed(),
        seconds=samples * (mean + 1 / (1 - p)) / 10,
        p=case["p"],
        rate=10,
        process="constant",
        policies=f"{{service: {policy}}}",
    )
    calls = [period.calls for period in closed_periods(result)]
    (expected,) = case.expected.values()
    assert len(calls) > samples / 2
    assert_near(case.name, expected, fmean(calls), SIGMAS * deviation / sqrt(len(calls)))


@pytest.mark.ground_truth(Kind.OUTSIDE)
def test_a_breaker_outside_the_retry(case: Case, campaign: bool) -> None:
    """It sees requests, which rarely fail, and takes long to open."""
    p = case["p"] ** (case["retries"] + 1)
    assert_calls_to_open(case, "[breaker, retry]", p, CAMPAIGN_SAMPLES if campaign else SAMPLES)


@pytest.mark.ground_truth(Kind.INSIDE)
def test_a_breaker_inside_the_retry(case: Case, campaign: bool) -> None:
    """It sees every attempt, and opens soon."""
    samples = CAMPAIGN_SAMPLES if campaign else SAMPLES
    assert_calls_to_open(case, "[retry, breaker]", case["p"], samples)


@pytest.mark.parametrize(("errors", "share"), [(0.8, 0.2), (0.5, 0.3), (0.15, 0.2)])
def test_load_under_a_retry_budget(errors: float, share: float) -> None:
    """min(1 / (1 - x), 1 + r + (B - 1) / m) attempts for each of m requests."""
    overrides = (
        f"services.search.errors={{500: {errors:.0%}}}",
        f"policies.search.retry.budget={share:.0%}",
        "expect=[]",
    )
    result = run(BUDGET, overrides=overrides)
    m, bucket = len(result.operations), 10
    free, budgeted = 1 / (1 - errors), 1 + share + (bucket - 1) / m
    _, deviation = attempts(errors, 50)
    error = SIGMAS * deviation / sqrt(m) if free < budgeted else 2 / m
    assert_near("load", min(free, budgeted), 1 + len(result.retries) / m, error)
