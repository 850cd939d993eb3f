"""The advice on warm-up finds a transient and leaves a steady state alone."""

from __future__ import annotations

import numpy as np

from umt_sim.measures.warmup import advised_truncation


def test_a_step_is_cut_off_where_it_ends() -> None:
    """Two hundred slow requests before two thousand usual ones."""
    stream = np.random.default_rng(1)
    values = np.concatenate((stream.normal(5.0, 0.1, 200), stream.normal(1.0, 0.1, 2000)))
    assert advised_truncation(values) == 200


def test_a_steady_sample_is_kept_nearly_whole() -> None:
    """There is nothing to gain by leaving something out."""
    values = np.random.default_rng(1).normal(1.0, 0.1, 2000)
    assert (advised_truncation(values) or 0) <= 100


def test_a_short_sample_gets_no_advice() -> None:
    """Below a hundred observations nothing can be said."""
    assert advised_truncation(np.ones(99)) is None
