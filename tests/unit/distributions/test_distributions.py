"""Distributions: closed forms, inversion, one number for each sample, refusals."""

from __future__ import annotations

import math
from random import Random

import pytest

from umt_sim.distributions import (
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    Lognormal,
    Mixture,
    Uniform,
    Weibull,
)

EACH = [
    Constant(0.25),
    Exponential(2.0),
    Uniform(1.0, 3.0),
    Weibull(scale=2.0, shape=1.7),
    Weibull(scale=2.0, shape=0.8),
    Lognormal(mu=-1.0, sigma=0.6),
    Gamma(shape=0.4, scale=3.0),
    Gamma(shape=7.5, scale=0.2),
    Empirical([0.1, 0.4, 0.4, 2.0]),
    Mixture([Exponential(0.02), Constant(1.0)], [0.9, 0.1]),
]
CONTINUOUS = [each for each in EACH if not isinstance(each, Constant | Empirical | Mixture)]


class CountingStream(Random):
    """A stream that counts the uniform numbers taken from it."""

    taken = 0

    def random(self) -> float:
        """Count, and draw."""
        self.taken += 1
        return super().random()


@pytest.mark.parametrize("distribution", EACH, ids=repr)
def test_a_sample_takes_exactly_one_number(distribution: Distribution) -> None:
    """Whatever is drawn, the stream moves on by one."""
    stream = CountingStream(1)
    for _ in range(100):
        distribution.sample(stream)
    assert 100 == stream.taken


@pytest.mark.parametrize("distribution", EACH, ids=repr)
def test_a_sample_is_what_its_number_leads_to(distribution: Distribution) -> None:
    """``sample`` is ``draw`` of the stream's next number."""
    samples, numbers = Random(5), Random(5)
    for _ in range(200):
        assert distribution.draw(numbers.random()) == distribution.sample(samples)


@pytest.mark.parametrize("distribution", EACH, ids=repr)
def test_the_stated_moments_are_those_of_the_samples(distribution: Distribution) -> None:
    """Mean and scv agree with the average over evenly spread numbers."""
    n = 50_000
    times = [distribution.draw((i + 0.5) / n) for i in range(n)]
    mean = math.fsum(times) / n
    scv = math.fsum((time - mean) ** 2 for time in times) / n / mean**2
    assert distribution.mean == pytest.approx(mean, rel=2e-3)
    assert distribution.scv == pytest.approx(scv, rel=3e-2, abs=1e-12)


@pytest.mark.parametrize("distribution", CONTINUOUS, ids=repr)
def test_larger_numbers_lead_to_longer_times(distribution: Distribution) -> None:
    """Inversion is increasing, so a common stream keeps order between two policies."""
    times = [distribution.draw(i / 1000) for i in range(1000)]
    assert sorted(times) == times


@pytest.mark.parametrize("distribution", EACH, ids=repr)
@pytest.mark.parametrize("u", [0.0, 2.0**-53, 1 - 2.0**-53])
def test_the_ends_of_the_unit_interval_are_finite(distribution: Distribution, u: float) -> None:
    """The smallest and the largest number a stream can give lead to finite times."""
    assert 0 <= distribution.draw(u) < math.inf


def test_lognormal_by_quantiles_has_those_quantiles() -> None:
    """p50 and p99 given are p50 and p99 found."""
    distribution = Lognormal.by_quantiles(p50=0.4, p99=3.0)
    assert distribution.quantile(0.50) == pytest.approx(0.4)
    assert distribution.quantile(0.99) == pytest.approx(3.0)


@pytest.mark.parametrize("cv", [0.5, 1.0, 2.0])
def test_by_moments_gives_back_the_moments(cv: float) -> None:
    """Lognormal and gamma made from mean and cv have them."""
    for distribution in (
        Lognormal.by_moments(mean=0.01, cv=cv),
        Gamma.by_moments(mean=0.01, cv=cv),
    ):
        assert distribution.mean == pytest.approx(0.01)
        assert distribution.scv == pytest.approx(cv**2)


def test_weibull_by_mean_has_that_mean() -> None:
    """The scale is chosen so that the mean is the one asked for."""
    assert Weibull.by_mean(mean=3.0, shape=0.7).mean == pytest.approx(3.0)


@pytest.mark.parametrize("p", [1e-9, 0.001, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9])
def test_gamma_of_shape_one_is_exponential(p: float) -> None:
    """One stage: the inversion agrees with the closed formula."""
    assert Gamma(shape=1.0, scale=2.0).quantile(p) == pytest.approx(
        Exponential(2.0).quantile(p), rel=1e-9
    )


@pytest.mark.parametrize("shape", [0.05, 0.5, 2.0, 30.0, 1e4])
@pytest.mark.parametrize("p", [1e-6, 0.01, 0.5, 0.99, 1 - 1e-6])
def test_gamma_inversion_undoes_the_distribution_function(shape: float, p: float) -> None:
    """cdf(quantile(p)) is p, for heavy and for nearly normal shapes."""
    distribution = Gamma(shape=shape, scale=0.5)
    assert distribution.cdf(distribution.quantile(p)) == pytest.approx(p, rel=1e-8)


@pytest.mark.parametrize(
    "distribution",
    [Exponential(0.3), Weibull(2.0, 0.7), Lognormal.by_quantiles(p50=0.4, p99=3.0)],
)
@pytest.mark.parametrize("p", [1e-6, 0.01, 0.5, 0.99, 1 - 1e-6])
def test_closed_inversions_undo_the_distribution_function(
    distribution: Exponential | Weibull | Lognormal, p: float
) -> None:
    """cdf(quantile(p)) is p, and no time is below zero."""
    assert distribution.cdf(distribution.quantile(p)) == pytest.approx(p, rel=1e-9)
    assert distribution.cdf(0.0) == 0.0


def test_a_lognormal_without_spread_is_a_step() -> None:
    """Sigma 0: everything takes the median."""
    step = Lognormal(mu=0.0, sigma=0.0)
    assert [0.0, 1.0] == [step.cdf(0.999), step.cdf(1.0)]


def test_chi_squared_quantiles_agree_with_the_tables() -> None:
    """Chi-squared with k degrees of freedom is gamma(k/2, 2); values from printed tables."""
    assert Gamma(shape=0.5, scale=2.0).quantile(0.95) == pytest.approx(3.841459, abs=1e-6)
    assert Gamma(shape=5.0, scale=2.0).quantile(0.99) == pytest.approx(23.209251, abs=1e-6)
    assert Gamma(shape=50.0, scale=2.0).quantile(0.05) == pytest.approx(77.929465, abs=1e-6)


def test_empirical_quantiles_are_observed_values() -> None:
    """The p-quantile is the smallest value that a share p does not exceed."""
    distribution = Empirical([4.0, 1.0, 3.0, 2.0])
    assert [1.0, 1.0, 2.0, 3.0] == [distribution.quantile(p) for p in (0.0, 0.25, 0.5, 0.75)]


def test_a_mixture_picks_by_weight_and_draws_with_the_rest() -> None:
    """Below the first weight the first component is asked, with the number stretched."""
    distribution = Mixture([Uniform(0.0, 1.0), Uniform(10.0, 11.0)], [3.0, 1.0])
    assert [0.0, pytest.approx(0.5), 10.0, pytest.approx(10.5)] == [
        distribution.draw(u) for u in (0.0, 0.375, 0.75, 0.875)
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1), "at least 0, got -1"),
        (lambda: Exponential(0), "above 0, got 0"),
        (lambda: Exponential(math.nan), "above 0, got nan"),
        (lambda: Uniform(2, 1), "low <= high, got 2 and 1"),
        (lambda: Weibull(scale=1, shape=0), "shape of a Weibull"),
        (lambda: Lognormal(mu=math.inf, sigma=1), "median of a lognormal"),
        (lambda: Lognormal.by_quantiles(p50=2, p99=1), "p50 <= p99, got 2 and 1"),
        (lambda: Lognormal.by_moments(mean=1, cv=-1), "cv of a lognormal"),
        (lambda: Gamma(shape=-1, scale=1), "shape of a gamma"),
        (lambda: Empirical([]), "at least one value"),
        (lambda: Empirical([1, -2]), "observed time"),
        (lambda: Mixture([], []), "at least one component"),
        (lambda: Mixture([Constant(1)], [1, 2]), "got 2 for 1"),
        (lambda: Mixture([Constant(1)], [0]), "weight of a component"),
        (lambda: Exponential(1).quantile(1.0), "probability in [0, 1), got 1.0"),
    ],
)
def test_nonsense_is_refused_with_a_reason(make: object, message: str) -> None:
    """A ValueError names what is wrong and the value that was given."""
    with pytest.raises(ValueError) as caught:
        make()  # type: ignore[operator]
    assert message in str(caught.value)
