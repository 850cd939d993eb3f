"""A sweep's tables have a row for each trial, or one for each point over its seeds."""

from __future__ import annotations

import pytest

from umt_sim.expectations.verdicts import Status
from umt_sim.measures.estimates import Estimate
from umt_sim.scenario.yaml import parse_scalar
from umt_sim.search.grid import Point, edits, points
from umt_sim.search.sweep import Sweep, Tried


def test_points_are_all_combinations_the_last_path_fastest() -> None:
    """Two values of one and two of another are four points."""
    assert [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ] == points({"a": [1, 2], "b": ["x", "y"]})


@pytest.mark.parametrize(
    "value", [3, 2.5, True, None, "2s", "1m30s", "10%", "20/s", "64KB", "10KB/s", "full", "true",
              "3", "a b", "1..20", "null", "", [1, "2s"], {"dist": "constant", "value": "3ms"}]
)  # fmt: skip
def test_an_edit_is_read_back_as_the_value_it_was_made_of(value: object) -> None:
    """Quantities stay as people write them; everything else is safe."""
    (edit,) = edits({"some.path": value})
    path, _, text = edit.partition("=")
    assert ("some.path", value) == (path, parse_scalar(text, "edit"))


def tried(point: Point, seed: int, value: float | None, *, passed: bool = True) -> Tried:
    status = Status.PASSED if passed else Status.FAILED
    return Tried(point, seed, status, {"p95": Estimate(value, 10, 0.1, 0.9)}, "umt-sim run", None)


SLOW, FAST = {"timeout": "2s"}, {"timeout": "1s"}
SWEEP = Sweep(
    [
        tried(SLOW, 1, 0.5), tried(SLOW, 2, 0.9), tried(SLOW, 3, 0.7, passed=False),
        tried(FAST, 1, 0.4), tried(FAST, 2, 0.8), tried(FAST, 3, 0.6),
    ]
)  # fmt: skip


def test_each_trial_has_a_row_with_its_interval() -> None:
    """The values swept, seed and verdict, then the numbers."""
    first = SWEEP.frame.iloc[0].to_dict()
    assert first == {
        "timeout": "2s", "seed": 1, "status": "passed", "p95": 0.5, "p95 low": 0.1, "p95 high": 0.9
    }  # fmt: skip
    assert len(SWEEP.frame) == 6


def test_each_point_has_a_row_and_its_paired_change() -> None:
    """The seeds differ much, the points by 0.1 in every pair: the change is certain."""
    slow, fast = (row.to_dict() for _, row in SWEEP.summary().iterrows())
    assert ("2s", 2, 3) == (slow["timeout"], slow["passed"], slow["seeds"])
    assert fast["p95 high"] - fast["p95 low"] > 0.9
    assert [pytest.approx(-0.1)] * 3 == [
        fast["p95 change"], fast["p95 change low"], fast["p95 change high"]
    ]  # fmt: skip


def test_a_number_that_some_seeds_lack_is_the_mean_of_the_others() -> None:
    """And none of all of them is nothing."""
    sweep = Sweep([tried(SLOW, 1, None), tried(SLOW, 2, 0.8), tried(FAST, 1, None)])
    assert [0.8, None] == [value if value == value else None for value in sweep.summary()["p95"]]
