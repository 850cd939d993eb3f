"""The simulated proxy against the vectors, to the nanosecond."""

from __future__ import annotations

import pytest

from tests.conformance.toxics.vectors import Vector
from tests.conformance.toxics.virtual import play
from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.toxic import Direction


@pytest.mark.parametrize("direction", Direction, ids=[d.value for d in Direction])
def test_vector_is_met_to_the_nanosecond(vector: Vector, direction: Direction) -> None:
    """In either direction, bytes and ends come at exactly the times that the vector gives."""
    with Kernel(seed=1) as kernel:
        seen = kernel.run(play(vector, direction, Network(kernel)))
    assert vector.expected.ending == seen.ending
    assert vector.expected.steps == seen.steps
