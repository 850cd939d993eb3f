"""Student's t agrees with the printed tables."""

from __future__ import annotations

import pytest

from umt_sim.measures.student import student_cdf, student_quantile


@pytest.mark.parametrize(
    ("probability", "freedom", "value"),
    [
        (0.975, 1, 12.7062),
        (0.975, 2, 4.3027),
        (0.975, 5, 2.5706),
        (0.975, 9, 2.2622),
        (0.975, 13, 2.1604),
        (0.975, 30, 2.0423),
        (0.95, 4, 2.1318),
        (0.995, 10, 3.1693),
        (0.975, 1000, 1.9623),
        (0.5, 7, 0.0),
    ],
)
def test_quantiles_are_those_of_the_tables(probability: float, freedom: int, value: float) -> None:
    """Four decimals, as printed."""
    assert value == pytest.approx(student_quantile(probability, freedom), abs=5e-5)


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 25])
def test_the_distribution_is_symmetric_and_undone_by_its_quantile(freedom: int) -> None:
    """F(-t) = 1 - F(t), and F of the quantile is the probability."""
    assert student_cdf(-1.3, freedom) == pytest.approx(1 - student_cdf(1.3, freedom), abs=1e-14)
    assert student_cdf(student_quantile(0.9, freedom), freedom) == pytest.approx(0.9, abs=1e-12)


@pytest.mark.parametrize(("probability", "freedom"), [(0.4, 3), (1.0, 3), (0.9, 0)])
def test_nonsense_is_refused(probability: float, freedom: int) -> None:
    """A quantile below the median or without freedom is a mistake of the caller."""
    with pytest.raises(ValueError, match="no quantile"):
        student_quantile(probability, freedom)
