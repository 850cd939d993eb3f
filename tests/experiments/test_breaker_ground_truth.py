"""
The breaker and retry cases with known values, through whole scenarios.

Requests come in, pass the platform's guards, and go over the simulated network to a service
that fails with the probability of the case; what is measured comes from the journal. The
cases that need a long run are behind ``--campaign``.
"""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from umt_sim.analysis import Result
from umt_sim.bootstrap import run_plan
from umt_sim.scenario.loader import load_text

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "ground_truth_breaker.json").read_text()
)
SCENARIO = """\
version: 1
name: ground-truth
seed: {seed}
clock: {{duration: {seconds:.0f}s, warmup: 0s, drain: 5s}}
system: caller
services: {{service: {{kind: http, app: echo, errors: {{500: {percent}%}}}}}}
workload: [{{name: {operation}, arrivals: {{model: open, process: {process}, rate: {rate}/s}}}}]
policies: {policies}
spans: {{keep: [], sample: 0%}}
"""
CAMPAIGN_CYCLES, CYCLES = 400, 60
SIGMAS = 4


def cases(kind: str) -> dict[str, dict[str, Any]]:
    """Cases of one kind by what stands before the dot of their id, with all their metrics."""
    found: dict[str, dict[str, Any]] = {}
    for case in CASES:
        if case["params"].get("kind") == kind:
            name = case["id"].partition(".")[0]
            found.setdefault(name, {"params": case["params"]})[case["metric"]] = case["expected"]
    return found


RENEWAL = cases("renewal breaker, open Poisson workload")
RETRY = cases("retry")
LAYERS = cases("layered retries")
CHEAP = ("B17", "B20", "B23")
"""Renewal cases with so few calls a cycle that they need no campaign."""


def simulate(*, seconds: float, p: float, rate: float, policies: str, **more: Any) -> Result:
    """One run against a service that fails with probability *p*."""
    fields = {"seed": 1, "operation": "service", "process": "poisson", **more}
    text = SCENARIO.format(
        seconds=seconds, percent=round(p * 100, 6), rate=rate, policies=policies, **fields
    )
    return run_plan(load_text(text, "ground-truth.yaml"))


def time_in(result: Result, state: str, until: float) -> float:
    """Seconds that the breaker was in *state*."""
    changes = result.breakers[result.breakers.event == "state_transition"]
    starts = [0.0, *changes.at_s]
    states = ["closed", *changes.to_state]
    ends = [*changes.at_s, until]
    return sum(
        min(end, until) - start
        for start, end, found in zip(starts, ends, states, strict=True)
        if found == state and start < until
    )


@pytest.mark.parametrize(
    "name",
    [name if name in CHEAP else pytest.param(name, marks=pytest.mark.campaign) for name in RENEWAL],
)
def test_a_breaker_in_a_steady_state(name: str, campaign: bool) -> None:
    """Shares of refused and successful calls and of the time open are those of the renewal."""
    case = RENEWAL[name]
    lam, p, k, wait, h = (case["params"][key] for key in ("lam", "p", "k", "T", "h"))
    cycles = (CAMPAIGN_CYCLES if campaign else CYCLES) if name in CHEAP else CYCLES // 6
    seconds = cycles * _cycle(lam, p, k, wait, h)
    breaker = f"{{failures: {k}, open_for: {wait}s, half_open_calls: {h}}}"
    result = simulate(
        seconds=seconds, p=p, rate=lam, policies=f"{{service: {{breaker: {breaker}}}}}"
    )
    operations = result.operations
    measured = {
        "rejected": float((operations.error == "CircuitOpenError").mean()),
        "success": float((operations.outcome == "ok").mean()),
        "frac_open": time_in(result, "open", seconds) / seconds,
    }
    for metric, value in measured.items():
        tolerance = SIGMAS * SPREAD[name][metric] / sqrt(cycles)
        assert abs(value - case[metric]) <= tolerance, (metric, value, case[metric], tolerance)


def _cycle(lam: float, p: float, k: int, wait: float, h: int) -> float:
    """Mean seconds from one closing to the next: closed, then open until *h* probes succeed."""
    closed = (1 - p**k) / (p**k * (1 - p)) / lam
    attempts = 1 / (1 - p) ** h
    probes = sum((1 - p) ** i for i in range(h))
    return closed + attempts * (wait + probes / lam)


def _spreads() -> dict[str, dict[str, float]]:
    """The asymptotic standard deviation over one cycle, from the notes of the cases."""
    found: dict[str, dict[str, float]] = {}
    for case in CASES:
        name, _, metric = case["id"].partition(".")
        if name in RENEWAL:
            spread = case["note"].rpartition("cycles = ")[2].partition("/sqrt")[0]
            found.setdefault(name, {})[metric] = float(spread)
    return found


SPREAD = _spreads()


@pytest.mark.parametrize("name", list(RETRY))
def test_retries_of_single_requests(name: str) -> None:
    """Attempts per request, and the share that fails after all of them."""
    case = RETRY[name]
    p, retries = case["params"]["p"], case["params"]["retries"]
    policy = f"{{service: {{retry: {{max_attempts: {retries + 1}, backoff: {{base: 1ms}}}}}}}}"
    result = simulate(seconds=100, p=p, rate=30, policies=policy, process="constant")
    n = len(result.operations)
    attempts = 1 + len(result.retries) / n
    failed = float((result.operations.outcome != "ok").mean())
    spread = sqrt(_attempts_variance(p, retries))
    assert abs(attempts - case["E[attempts]"]) <= SIGMAS * spread / sqrt(n)
    final = case["P(final failure)"]
    assert abs(failed - final) <= SIGMAS * sqrt(final * (1 - final) / n)


def _attempts_variance(p: float, retries: int) -> float:
    """Of min(geometric, retries + 1)."""
    weights = [(1 - p) * p**i for i in range(retries)] + [p**retries]
    mean = sum((i + 1) * weight for i, weight in enumerate(weights))
    return sum((i + 1 - mean) ** 2 * weight for i, weight in enumerate(weights))


@pytest.mark.parametrize("name", list(LAYERS))
def test_retries_through_layers(name: str) -> None:
    """Attempts at the bottom for each request at the top: exact where everything fails."""
    case = LAYERS[name]
    p, retries, layers = (case["params"][key] for key in ("p", "retries", "layers"))
    retry = f"{{retry: {{max_attempts: {retries + 1}, backoff: {{base: 1ms}}}}}}"
    policies = "{" + ", ".join(f"layer-{n}: {retry}" for n in range(layers)) + "}"
    certain = p == 1
    result = simulate(
        seconds=10 if certain else 100,
        p=p,
        rate=1 if certain else 20,
        policies=policies,
        operation="through_all",
        process="constant",
    )
    n = len(result.operations)
    attempts = 1 + len(result.retries) / n
    expected = case["E[bottom attempts/request]"]
    # With p = 0.5 almost every request is a geometric number of attempts: sd sqrt(2).
    assert abs(attempts - expected) <= (0 if certain else SIGMAS * sqrt(2 / n))
