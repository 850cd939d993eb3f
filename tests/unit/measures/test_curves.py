"""How far two runs drift apart."""

from __future__ import annotations

import numpy as np
import pytest

from umt_sim.measures.curves import widest_gap


@pytest.mark.parametrize(
    ("first", "second", "gap"),
    [
        ([], [], (0, None)),
        ([1.0, 2.0], [2.0, 1.0], (0, None)),
        ([1.0, 2.0, 3.0], [5.0, 6.0, 7.0], (3, 3.0)),
        ([1.0, 4.0], [2.0, 3.0], (1, 1.0)),
        ([1.0, np.inf], [1.0], (0, None)),
    ],
    ids=["nothing", "same", "late", "crossing", "never"],
)
def test_the_widest_gap_is_the_largest_difference_of_two_counts(
    first: list[float], second: list[float], gap: tuple[int, float | None]
) -> None:
    """In events, with the moment it was first reached; what never happened does not count."""
    assert gap == widest_gap(np.array(first), np.array(second))
