"""
The published experiment on backoff and jitter, through the shipped scenario.

M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015: so many writers who
all want the same row, five ways to pause between attempts; measured are the calls they need
and the time until the last of them is done. All times are a hundred times as long here.
"""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import pytest

from tests.experiments.ground_truth import SIGMAS, Case, Kind, assert_near
from umt_sim.bootstrap import run

SCENARIO = Path(__file__).parents[2] / "scenarios" / "experiments" / "backoff-jitter.yaml"
SLOWER = 100
"""What is a millisecond there is so many here."""

MOST, WRITERS, CAMPAIGN_WRITERS = 40, 120, 400
"""Contests of a case, and writers in all of them; nobody meets the writers of another one."""

DEAR = 10
"""Writers in one contest, from beyond which on a case is for the campaign."""


def backoff(case: Case) -> str:
    """
    The pauses of a strategy, as a scenario has them.

    The published program counts the first failure as the second: that pause is twice the base.
    """
    base, cap = case["base"] * SLOWER, case["cap"] * SLOWER
    return {
        "None": "{base: 1ms, factor: 1, max: 1ms}",  # 10 us of theirs: no pause to speak of
        "Exponential": f"{{base: {2 * base}ms, factor: 2, max: {cap}ms}}",
        "FullJitter": f"{{base: {2 * base}ms, factor: 2, max: {cap}ms, jitter: full}}",
        "EqualJitter": f"{{base: {2 * base}ms, factor: 2, max: {cap}ms, jitter: equal}}",
        "Decorr": f"{{base: {base}ms, factor: 2, max: {cap}ms, jitter: decorrelated}}",
    }[case["strategy"]]


def longest(case: Case) -> int:
    """Seconds that the slowest contest may take, and that the network is slow for."""
    return round(case.expected["time"] * SLOWER / 1000 * 5)


def network(case: Case) -> list[str]:
    """Three hops each way: together the case's mean and deviation, and nearly normal."""
    mean, jitter = round(case["net_mean"] * SLOWER), round(case["net_sd"] * SLOWER)
    hops = [mean // 3, mean // 3, mean - 2 * (mean // 3)]
    return [
        f"faults.hop-{number}={{at: 1ms, for: {longest(case)}s, target: cms, toxic:"
        f" {{type: latency, stream: both, latency: {latency}ms, jitter: {jitter}ms}}}}"
        for number, latency in enumerate(hops, 1)
    ]


def contests(case: Case, count: int) -> tuple[float, float]:
    """Mean calls of a contest, and its mean milliseconds."""
    together = f"[{{rate: {count}/s, for: 1500ms}}, {{rate: 0/s, for: 1s}}], burst: {count}"
    result = run(
        SCENARIO,
        seed=case.seed(),
        overrides=(
            f"clock={{duration: {longest(case) + 1}s, warmup: 0s, drain: 10s}}",
            *network(case),
            f"workload.0.arrivals={{model: open, process: constant, stages: {together}}}",
            f"policies.writer.retry.backoff={backoff(case)}",
            f"policies.writer.settings.writers={case['clients']}",
            "expect=[]",
            "spans={keep: [], sample: 0%}",
        ),
    )
    operations = result.operations
    assert ["ok"] * count == operations.outcome.tolist()
    calls = case["clients"] + len(result.retries) / count
    creating = 2 * case["net_mean"]  # until there is a document; the experiment does not count it
    return calls, float(operations.latency_ms.mean()) / SLOWER - creating


@pytest.mark.ground_truth(Kind.CONTEST, dear=lambda case: case["clients"] > DEAR)
def test_calls_and_time_are_those_of_the_experiment(case: Case, campaign: bool) -> None:
    """Both means lie within four standard deviations of the published simulation's."""
    writers = CAMPAIGN_WRITERS if campaign else WRITERS
    count = min(MOST, max(writers // case["clients"], 3))
    calls, milliseconds = contests(case, count)
    measured = {"calls": calls, "time": milliseconds}
    for metric, expected in case.expected.items():
        row = case.rows[metric]
        tolerance = SIGMAS * row["rep_sd"] * sqrt(1 / count + 1 / row["reps"])
        assert_near(f"{case.name}.{metric}", expected, measured[metric], tolerance)
