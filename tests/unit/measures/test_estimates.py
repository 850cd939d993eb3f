"""Numbers carry their sample size, and intervals that hold the truth as often as stated."""

from __future__ import annotations

import math

import numpy as np
import pytest

from umt_sim.measures.estimates import (
    PASSING,
    STEADY,
    Batching,
    Estimate,
    Floats,
    mean_estimate,
    needed_for_quantile,
    over_replications,
    quantile_estimate,
    ratio_estimate,
    share_estimate,
)


def test_nothing_observed_is_undefined_not_zero() -> None:
    """An empty sample has no mean, no quantile, no share."""
    empty = np.array([])
    assert Estimate(None, 0) == mean_estimate(empty)
    assert Estimate(None, 0) == quantile_estimate(empty, 0.95)
    assert Estimate(None, 0) == share_estimate(empty.astype(bool))
    assert Estimate(None, 0) == over_replications([])


def test_a_quantile_is_the_smallest_value_that_enough_of_the_sample_reach() -> None:
    """Of 1..100 the median is 50, the 95th percentile 95, the 99th 99."""
    sample = np.arange(1.0, 101.0)
    assert [50.0, 95.0, 99.0, 100.0] == [
        quantile_estimate(sample, q).value for q in (0.5, 0.95, 0.99, 0.999)
    ]


def test_an_unanswered_request_counts_as_infinitely_late() -> None:
    """Six of a hundred outstanding leave no finite 95th percentile."""
    sample = np.concatenate((np.ones(94), np.full(6, np.inf)))
    assert math.inf == quantile_estimate(sample, 0.95).value
    assert quantile_estimate(sample, 0.9).value == 1.0


def test_a_sample_that_does_not_bound_a_quantile_from_above_says_so() -> None:
    """Fifty values say nothing about how large the 99th percentile may be."""
    assert math.inf == quantile_estimate(np.arange(50.0), 0.99).high


def test_small_samples_get_no_interval() -> None:
    """Below five observations a batch there is a value and nothing else."""
    assert Estimate(1.0, 29) == mean_estimate(np.ones(29))
    assert mean_estimate(np.ones(30)) == Estimate(1.0, 30, 1.0, 1.0)


def test_an_error_rate_of_zero_still_has_an_upper_bound() -> None:
    """No failure in 300 requests does not prove that there are none."""
    estimate = share_estimate(np.zeros(300, dtype=bool))
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert 0.005 < (estimate.high or 0.0) < 0.03


def test_batch_means_by_hand() -> None:
    """Six batch means 1..6: mean 3.5, t(5) = 2.5706, standard error √3.5/√6."""
    sample = np.repeat(np.arange(1.0, 7.0), 10)
    half = 2.570582 * math.sqrt(3.5 / 6)
    estimate = mean_estimate(sample)
    assert (3.5, 60) == (estimate.value, estimate.n)
    assert estimate.low == pytest.approx(3.5 - half, rel=1e-6)
    assert estimate.high == pytest.approx(3.5 + half, rel=1e-6)


def test_a_trend_is_no_spread_where_a_course_is_expected() -> None:
    """A ramp has a wide interval as a steady state and a narrow one as a passing course."""
    ramp = np.linspace(0, 1, 600)
    steady, passing = mean_estimate(ramp, STEADY), mean_estimate(ramp, PASSING)

    def width(estimate: Estimate) -> float:
        assert estimate.low is not None
        assert estimate.high is not None
        return estimate.high - estimate.low

    assert width(steady) > 5 * width(passing)


def test_a_rate_is_counts_over_seconds_with_slices_for_the_interval() -> None:
    """Equal counts in every slice leave no doubt."""
    estimate = ratio_estimate(np.full(6, 20.0), np.full(6, 2.0), 120)
    assert Estimate(10.0, 120, 10.0, 10.0) == estimate


def test_replications_use_students_t() -> None:
    """Mean 10 ± t(2) · 1/√3 for 9, 10, 11; a single run has no interval."""
    estimate = over_replications([9.0, 10.0, 11.0])
    assert estimate.value == 10.0
    assert estimate.high == pytest.approx(10 + 4.302653 / math.sqrt(3), rel=1e-6)
    assert Estimate(4.0, 1) == over_replications([4.0])


@pytest.mark.parametrize(("q", "needed"), [(0.5, 20), (0.95, 200), (0.99, 1000), (0.999, 10000)])
def test_a_quantile_needs_ten_observations_beyond_it(q: float, needed: int) -> None:
    """Fewer make it mostly luck."""
    assert needed == needed_for_quantile(q)


def sojourns(stream: np.random.Generator, n: int, *, load: float = 0.8) -> Floats:
    """Sojourn times of *n* customers of an M/M/1 queue after a warm-up, by Lindley's recursion."""
    warm = 2_000
    services = stream.exponential(load, n + warm)
    gaps = stream.exponential(1.0, n + warm)
    walk = np.concatenate(([0.0], np.cumsum(services[:-1] - gaps[1:])))
    waits = walk - np.minimum.accumulate(walk)
    found: Floats = (waits + services)[warm:]
    return found


MEAN = 0.8 / (1 - 0.8)  # of the exponential sojourn time of M/M/1
P95 = -math.log(0.05) * MEAN


def covered(batching: Batching, n: int, runs: int = 200) -> dict[str, float]:
    """Share of runs whose interval holds the truth, for mean, p95 and the share beyond p95."""
    stream = np.random.default_rng(20261122)
    hits = {"mean": 0, "p95": 0, "share": 0}
    for _ in range(runs):
        sample = sojourns(stream, n)
        for name, truth, estimate in (
            ("mean", MEAN, mean_estimate(sample, batching)),
            ("p95", P95, quantile_estimate(sample, 0.95, batching)),
            ("share", 0.05, share_estimate(sample > P95, batching)),
        ):
            assert estimate.low is not None
            assert estimate.high is not None
            hits[name] += estimate.low <= truth <= estimate.high
    return {name: count / runs for name, count in hits.items()}


def test_steady_intervals_hold_the_truth_as_often_as_the_docstring_says() -> None:
    """On M/M/1 at 80 % load with 10 000 requests, about nine in ten; naive ones, two in ten."""
    share = covered(STEADY, 10_000)
    assert share["mean"] > 0.88
    assert share["p95"] > 0.85
    assert share["share"] > 0.87


def test_passing_intervals_cover_less_where_nothing_changes() -> None:
    """The price of following a course, as stated: still about nine in ten at 10 000."""
    share = covered(PASSING, 10_000)
    assert share["mean"] > 0.83
    assert share["share"] > 0.84


def test_the_naive_interval_would_cover_a_fifth() -> None:
    """Why there are batches: the same sample treated as independent misses nearly always."""
    stream = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        sample = sojourns(stream, 10_000)
        half = 1.96 * sample.std(ddof=1) / math.sqrt(len(sample))
        hits += abs(sample.mean() - MEAN) <= half
    assert hits / 200 < 0.3
