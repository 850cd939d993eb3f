"""Observations drawn from a known distribution."""

from __future__ import annotations

from random import Random

import numpy as np

from umt_sim.distributions import Distribution
from umt_sim.measures.estimates import Floats

__all__ = ["sample"]


def sample(distribution: Distribution, n: int = 4000) -> Floats:
    """*n* of them, the same ones each time."""
    stream = Random(5)
    return np.array([distribution.sample(stream) for _ in range(n)])
