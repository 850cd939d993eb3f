"""Quantiles of Student's t for whole degrees of freedom."""

from __future__ import annotations

import math
from functools import lru_cache

__all__ = ["student_cdf", "student_quantile"]


def student_cdf(t: float, freedom: int) -> float:
    """
    Probability that Student's t with *freedom* degrees of freedom is at most *t*.

    Source:
        Abramowitz and Stegun (1964), 26.7.3 and 26.7.4: finite sums in the angle
        ``atan(t / √freedom)``.
    """
    angle = math.atan(t / math.sqrt(freedom))
    cosine_squared = math.cos(angle) ** 2
    if freedom % 2:
        term = total = math.cos(angle) if freedom > 1 else 0.0
        for k in range(3, freedom - 1, 2):
            term *= cosine_squared * (k - 1) / k
            total += term
        inside = 2 / math.pi * (angle + math.sin(angle) * total)
    else:
        term = total = 1.0
        for k in range(2, freedom - 1, 2):
            term *= cosine_squared * (k - 1) / k
            total += term
        inside = math.sin(angle) * total
    return (1 + inside) / 2


@lru_cache(maxsize=256)
def student_quantile(probability: float, freedom: int) -> float:
    """
    The value that Student's t does not exceed with *probability* in [0.5, 1).

    Found by bisection to full precision; cached, for a report asks for few of them.

    Raises:
        ValueError: *probability* or *freedom* is out of range.
    """
    if not 0.5 <= probability < 1 or freedom < 1:
        raise ValueError(f"no quantile of Student's t at {probability!r}, {freedom!r}")
    low, high = 0.0, 1.0
    while student_cdf(high, freedom) < probability:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if student_cdf(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return high
