"""
The published experiment on backoff and jitter, through the shipped scenario.

M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015: so many writers who
all want the same row, five ways to pause between attempts; measured are the calls they need
and the time until the last of them is done. All times are a hundred times as long here.
"""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from umt_sim.bootstrap import run

SCENARIO = Path(__file__).parents[2] / "scenarios" / "experiments" / "backoff-jitter.yaml"
CASES: list[dict[str, Any]] = [
    case
    for case in json.loads(
        (Path(__file__).parents[1] / "data" / "ground_truth_breaker.json").read_text()
    )
    if case["section"] == "aws_backoff"
]
STRATEGIES = {
    "None": "{base: 1ms, factor: 1, max: 1ms}",  # 10 us of theirs: no pause to speak of
    "Exponential": "{base: 1s, factor: 2, max: 200s}",
    "FullJitter": "{base: 1s, factor: 2, max: 200s, jitter: full}",
    "EqualJitter": "{base: 1s, factor: 2, max: 200s, jitter: equal}",
    "Decorr": "{base: 500ms, factor: 2, max: 200s, jitter: decorrelated}",
}
THEIRS = 10.0
"""Milliseconds of the experiment in a second here."""

CREATING = 20.0
"""Milliseconds until there is a document to write to, which the experiment does not count."""

LONGEST = 20_000
"""Seconds that the slowest contest may take, and that the network is slow for."""

SIZES = {1: 40, 2: 40, 5: 40, 10: 12, 50: 8, 150: 3}
"""How many writers, and so many contests of them; nobody meets the writers of another one."""

REPRESENTATIVE, SIGMAS = 10, 4


def expected(clients: int, strategy: str) -> dict[str, dict[str, Any]]:
    """The case's metrics by name."""
    wanted = (clients, strategy)
    return {
        case["metric"]: case
        for case in CASES
        if (case["params"]["clients"], case["params"]["strategy"]) == wanted
    }


def contests(clients: int, strategy: str) -> tuple[float, float]:
    """Mean calls of a contest, and its mean milliseconds."""
    count = SIZES[clients]
    together = f"[{{rate: {count}/s, for: 1500ms}}, {{rate: 0/s, for: 1s}}], burst: {count}"
    result = run(
        SCENARIO,
        overrides=(
            f"clock={{duration: {LONGEST}s, warmup: 0s, drain: 10s}}",
            *(f"faults.hop-{hop}.for={LONGEST - 1}s" for hop in (1, 2, 3)),
            f"workload.0.arrivals={{model: open, process: constant, stages: {together}}}",
            f"policies.writer.retry.backoff={STRATEGIES[strategy]}",
            f"policies.writer.settings.writers={clients}",
            "expect=[]",
            "spans={keep: [], sample: 0%}",
        ),
    )
    operations = result.operations
    assert ["ok"] * count == operations.outcome.tolist()
    calls = clients + len(result.retries) / count
    return calls, float(operations.latency_ms.mean()) / 1000 * THEIRS - CREATING


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "clients",
    [
        size if size == REPRESENTATIVE else pytest.param(size, marks=pytest.mark.campaign)
        for size in SIZES
    ],
)
def test_calls_and_time_are_those_of_the_experiment(clients: int, strategy: str) -> None:
    """Both means lie within four standard deviations of the published simulation's."""
    calls, milliseconds = contests(clients, strategy)
    measured = {"calls": calls, "time": milliseconds}
    for metric, case in expected(clients, strategy).items():
        spread = case["rep_sd"] * sqrt(1 / SIZES[clients] + 1 / case["reps"])
        assert case["expected"] == pytest.approx(
            measured[metric], abs=max(SIGMAS * spread, 1e-9)
        ), metric
