"""When open loads are due."""

from __future__ import annotations

import math
from random import Random

import pytest

from umt_sim.workload.arrivals import due_times
from umt_sim.workload.values import OpenArrivals, Stage


def constant(*stages: Stage) -> OpenArrivals:
    return OpenArrivals(stages=stages, process="constant")


def test_constant_arrivals_are_evenly_spaced() -> None:
    """Two a second for two seconds come every half second."""
    due = list(due_times(constant(Stage(2.0, 2.0, 10.0)), Random(1), until=2.1))
    assert [0.5, 1.0, 1.5, 2.0] == due


def test_a_ramp_brings_the_integral_of_its_rate() -> None:
    """From 0/s to 10/s in 10 s, the n-th request is due at sqrt(2n)."""
    due = list(due_times(constant(Stage(0.0, 10.0, 10.0)), Random(1), until=10.0))
    assert [pytest.approx(math.sqrt(2 * n)) for n in range(1, 50)] == due


def test_a_stage_begins_where_the_one_before_ends() -> None:
    """A change of rate neither loses nor repeats an arrival."""
    due = list(
        due_times(constant(Stage(1.0, 1.0, 2.5), Stage(4.0, 4.0, 1.0)), Random(1), until=3.5)
    )
    assert [1.0, 2.0, 2.625, 2.875, 3.125, 3.375] == due


def test_the_last_rate_holds_until_the_end() -> None:
    """Stages shorter than the run go on at their last rate."""
    due = list(due_times(constant(Stage(1.0, 1.0, 1.0)), Random(1), until=4.0))
    assert [1.0, 2.0, 3.0] == due


def test_a_silent_stage_sends_nothing() -> None:
    """Rate zero is allowed between two loads."""
    stages = (Stage(1.0, 1.0, 2.0), Stage(0.0, 0.0, 5.0), Stage(1.0, 1.0, 2.0))
    assert [1.0, 2.0, 8.0] == list(due_times(constant(*stages), Random(1), until=8.5))


def test_poisson_counts_have_their_mean_and_variance() -> None:
    """At 50/s for 20 s, counts over 200 seeds have mean and variance near 1000."""
    load = OpenArrivals(stages=(Stage(50.0, 50.0, 20.0),))
    counts = [sum(1 for _ in due_times(load, Random(seed), until=20.0)) for seed in range(200)]
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / (len(counts) - 1)
    assert abs(mean - 1000) < 4 * math.sqrt(1000 / 200)
    assert abs(variance / 1000 - 1) < 4 * math.sqrt(2 / 199)


def test_one_stream_gives_one_pattern_whatever_the_rate() -> None:
    """Doubling the rate halves the times: the draws are the same."""
    slow = list(due_times(OpenArrivals(stages=(Stage(5.0, 5.0, 20.0),)), Random(3), until=20.0))
    fast = list(due_times(OpenArrivals(stages=(Stage(10.0, 10.0, 10.0),)), Random(3), until=10.0))
    assert [pytest.approx(due / 2) for due in slow] == fast


def test_a_burst_comes_at_once_and_keeps_the_rate() -> None:
    """Six a second in bursts of three are two bursts a second."""
    load = OpenArrivals(stages=(Stage(6.0, 6.0, 9.0),), process="constant", burst=3)
    assert [0.5] * 3 + [1.0] * 3 + [1.5] * 3 == list(due_times(load, Random(1), until=1.9))


def test_poisson_bursts_keep_the_rate_too() -> None:
    """40/s in bursts of 20 for 200 s: 8000 requests on average, and each burst is whole."""
    load = OpenArrivals(stages=(Stage(40.0, 40.0, 200.0),), burst=20)
    due = list(due_times(load, Random(5), until=200.0))
    assert abs(len(due) - 8000) < 4 * math.sqrt(400) * 20
    assert len(due) == 20 * len(set(due))


def test_stages_can_begin_again() -> None:
    """One request a second for two seconds, silence for two, and so on."""
    load = OpenArrivals(
        stages=(Stage(1.0, 1.0, 2.0), Stage(0.0, 0.0, 2.0)), process="constant", repeat=True
    )
    assert [1.0, 2.0, 5.0, 6.0, 9.0] == list(due_times(load, Random(1), until=9.5))
