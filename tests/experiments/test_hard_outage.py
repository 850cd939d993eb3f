"""
A breaker through an outage in which every call runs into its timeout, through scenarios.

One run has many outages, far enough apart for the breaker to be closed again. How long each
lasts is left to chance, so that its end meets the breaker anywhere between two probes, C seconds
apart. What is sent during an outage is lost. A probe under way when it ends fails at once and not
after its timeout tau: recovery is seen tau^2 / 2C earlier than in the formula, which is less than
a hundredth of it in the shipped cases.
"""

from __future__ import annotations

from math import sqrt
from random import Random
from statistics import fmean, stdev
from typing import NamedTuple

import pytest

from tests.experiments.ground_truth import (
    SIGMAS,
    Case,
    Kind,
    assert_near,
    simulate,
    transitions,
)
from umt_sim.analysis import Result

OUTAGES, CAMPAIGN_OUTAGES = 12, 40
DEAR = 50_000
"""Calls, from which on a case is for the campaign."""


class Outage(NamedTuple):
    """When it begins and ends."""

    at: float
    until: float


def between_probes(case: Case) -> float:
    """Mean seconds from one probe to the next: wait, timeout, and the next call."""
    wait, timeout, gap = case["T"], case["tau"], 1 / case["lam"]
    return float(wait + timeout + gap)


def quiet(case: Case) -> float:
    """Seconds between two outages."""
    return float(2 * between_probes(case) + 20 / case["lam"])


def outages(case: Case, count: int) -> list[Outage]:
    """So many, each of the case's length and a part of the time between two probes."""
    draws, found, at = Random(case.seed()), [], quiet(case)
    for _ in range(count):
        lasts = round(case["D"] + draws.random() * between_probes(case), 3)
        found.append(Outage(at, at + lasts))
        at += lasts + quiet(case)
    return found


def endure(case: Case, times: list[Outage]) -> Result:
    """A run through all of them."""
    lost = "target: service, toxic: {type: timeout, stream: upstream, timeout: 0s}"
    faults = ", ".join(
        f"outage-{number}: {{at: {at:.3f}s, for: {until - at:.3f}s, {lost}}}"
        for number, (at, until) in enumerate(times)
    )
    breaker = f"{{failures: {case['k']}, open_for: {case['T']}s, half_open_calls: 1}}"
    return simulate(
        case.seed(),
        seconds=times[-1].until + quiet(case),
        p=0,
        rate=case["lam"],
        policies=f"{{service: {{timeout: {case['tau']}s, breaker: {breaker}}}}}",
        faults=f"{{{faults}}}",
    )


def story(result: Result, outage: Outage) -> dict[str, float]:
    """The metrics of one outage."""
    changes = transitions(result)
    opened = next(at for at, state in changes if state == "open" and at >= outage.at)
    probes = [at for at, state in changes if state == "half_open" and at >= outage.at]
    started = result.operations.started_s
    return {
        "E[time to open]": opened - outage.at,
        "E[calls leaked before open]": int(((started >= outage.at) & (started < opened)).sum()),
        "E[probes during outage]": sum(at < outage.until for at in probes),
        "E[recovery detection]": min(at for at in probes if at >= outage.until) - outage.until,
    }


def least_deviation(metric: str, expected: float) -> float:
    """What is counted varies, unless its mean is a whole number: by so much at least."""
    part = expected % 1 if metric == "E[probes during outage]" else 0.0
    return sqrt(part * (1 - part))


def dear(case: Case) -> bool:
    """Whether a case makes many calls."""
    return bool(case["lam"] * OUTAGES * (case["D"] + quiet(case)) > DEAR)


@pytest.mark.ground_truth(Kind.OUTAGE, dear=dear)
def test_what_a_hard_outage_costs(case: Case, campaign: bool) -> None:
    """Time to open, calls that leak before, probes during, and the time until somebody notices."""
    times = outages(case, CAMPAIGN_OUTAGES if campaign else OUTAGES)
    result = endure(case, times)
    stories = [story(result, outage) for outage in times]
    for metric, expected in case.expected.items():
        samples = [found[metric] for found in stories]
        error = SIGMAS * max(stdev(samples), least_deviation(metric, expected)) / sqrt(len(samples))
        assert_near(f"{case.name}.{metric}", expected, fmean(samples), error)
