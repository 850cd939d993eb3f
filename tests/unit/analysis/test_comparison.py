"""Two policies are compared seed by seed."""

from __future__ import annotations

from random import Random

import pytest

from tests.fakes.journals import journal, request
from umt_sim.analysis import Result
from umt_sim.analysis.comparison import compare


def run(seed: int, slower: float) -> Result:
    """A run whose luck is the seed's and whose policy costs *slower* seconds a request."""
    stream = Random(seed)
    luck = stream.uniform(0.1, 1.0)
    records = [request(n, n * 0.1, luck + stream.uniform(0, 0.05) + slower) for n in range(1000)]
    return Result(journal(*records, seed=seed))


def test_a_small_difference_shows_through_great_luck() -> None:
    """Runs differ by hundreds of milliseconds from seed to seed, the policies by ten."""
    found = compare([run(s, 0.0) for s in range(8)], [run(s, 0.01) for s in range(8)])
    p95 = found.set_index("number").loc["p95_ms"]
    assert p95["difference"] == pytest.approx(10.0)
    assert p95["low"] == pytest.approx(10.0)
    assert (p95["pairs"], p95["clear"]) == (8, True)


def test_no_difference_is_not_clear() -> None:
    """The interval holds zero."""
    found = compare([run(s, 0.0) for s in range(3)], [run(s, 0.0) for s in range(3)])
    assert not found["clear"].any()


def test_only_seeds_in_common_make_pairs() -> None:
    """Without any there is nothing to compare."""
    found = compare([run(s, 0.0) for s in (1, 2, 3)], [run(s, 0.0) for s in (3, 2, 9)])
    assert found["pairs"].tolist() == [2] * len(found)
    with pytest.raises(ValueError, match=r"no seed in common: \[1\] and \[2\]"):
        compare([run(1, 0.0)], [run(2, 0.0)])
