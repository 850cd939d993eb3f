"""Distributions fitted to observed times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.fakes.samples import sample
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
from umt_sim.measures.fitting import ENOUGH, fit, ks_distance


@pytest.mark.parametrize(
    ("truth", "parameters"),
    [
        (Exponential(0.003), ("mean",)),
        (Lognormal.by_quantiles(p50=0.001, p99=0.008), ("mu", "sigma")),
        (Gamma.by_moments(mean=0.004, cv=0.5), ("shape", "scale")),
        (Weibull.by_mean(mean=0.01, shape=2.5), ("scale", "shape")),
    ],
)
def test_samples_of_a_family_give_back_its_parameters(
    truth: Distribution, parameters: Sequence[str]
) -> None:
    """4000 samples: the family is found, each parameter within 5 %, the distance is chance."""
    found = fit(sample(truth))
    assert type(truth) is type(found.distribution)
    for name in parameters:
        assert getattr(found.distribution, name) == pytest.approx(getattr(truth, name), rel=0.05)
    assert found.distance < 1.63 / 4000**0.5  # 99 % of samples of the true distribution
    assert 3 == len(found.rejected)


def test_where_no_family_fits_the_observed_times_stand_for_themselves() -> None:
    """A fast path and a slow one: forty quantiles of the sample, closer than any family."""
    found = fit(sample(Mixture([Uniform(0.001, 0.002), Uniform(0.1, 0.11)], [3, 1])))
    assert isinstance(found.distribution, Empirical)
    assert 40 == len(found.distribution.values)
    assert found.distance < 0.03 < 0.1 < min(found.rejected.values())


def test_the_distance_is_the_widest_gap_between_two_curves() -> None:
    """Three observations against a uniform: the second step, from 1/3 to 2/3, is 0.4667 off."""
    assert ks_distance(np.array([0.1, 0.2, 0.9]), lambda x: x) == pytest.approx(2 / 3 - 0.2)


def test_too_few_observations_are_not_fitted() -> None:
    """A hundred at least; the message says how many there are."""
    times = sample(Exponential(1.0), ENOUGH)
    assert ENOUGH == fit(times).n
    with pytest.raises(ValueError, match="99 observations are too few to fit; 100 are needed"):
        fit(times[:-1])
    with pytest.raises(ValueError, match="not all alike"):
        fit(sample(Constant(1.0)))
