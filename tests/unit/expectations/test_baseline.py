"""A regression is a paired difference whose interval lies beyond the tolerance; noise is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from umt_sim.errors import JournalError
from umt_sim.expectations.baseline import Baseline, against
from umt_sim.expectations.grammar import number
from umt_sim.expectations.tolerance import Tolerance, tolerance
from umt_sim.expectations.verdicts import Status, Verdict

P95 = "latency(ask).p95"


def baseline(values: Sequence[float | None], name: str = P95, first: int = 1) -> Baseline:
    """One number over some seeds."""
    seeds = tuple(range(first, first + len(values)))
    return Baseline("slow", "sim", {"umt-sim": "1"}, seeds, {name: list(values)})


def compared(
    before: Sequence[float | None], after: Sequence[float | None], allowed: str = "+10%"
) -> Verdict:
    """The verdict on one number."""
    (verdict,) = against(baseline(before), baseline(after), {P95: allowed})
    return verdict


def luck(seed: int, count: int = 8) -> list[float]:
    """Latencies that differ from seed to seed by a quarter."""
    stream = Random(seed)
    return [stream.gauss(0.4, 0.1) for _ in range(count)]


def test_the_same_numbers_are_unchanged() -> None:
    """Not even one seed needs statistics for that."""
    verdict = compared([0.4], [0.4])
    assert (Status.PASSED, True) == (verdict.status, "unchanged" in verdict.evidence)


def test_a_clear_change_beyond_the_tolerance_is_a_regression() -> None:
    """Every seed a fifth slower: between the seeds lies far more, within the pairs nothing."""
    before = luck(1)
    verdict = compared(before, [value * 1.2 for value in before])
    assert verdict.status is Status.FAILED
    assert f"{P95} within +10%" == verdict.name


def test_a_clear_change_within_the_tolerance_is_none() -> None:
    """Every seed a twentieth slower."""
    before = luck(1)
    assert compared(before, [value * 1.05 for value in before]).status is Status.PASSED


def test_an_improvement_is_no_regression() -> None:
    """However large; and for what should be high, a fall is the regression."""
    before = luck(1)
    better = [value * 0.5 for value in before]
    assert compared(before, better).status is Status.PASSED
    assert compared(before, better, "-10%").status is Status.FAILED


def test_noise_is_no_regression() -> None:
    """Other luck on both sides: of 200 comparisons hardly one is called a regression."""
    verdicts = [compared(luck(2 * n), luck(2 * n + 1)).status for n in range(200)]
    assert verdicts.count(Status.FAILED) <= 3


def test_one_seed_cannot_tell() -> None:
    """A change without an interval is inconclusive, and the evidence says what would help."""
    verdict = compared([0.4], [0.5])
    assert (Status.INCONCLUSIVE, True) == (verdict.status, "more seeds" in verdict.evidence)


def test_what_is_not_bounded_any_more_is_a_regression() -> None:
    """Requests that are never answered make the percentile infinite."""
    assert compared([0.4, 0.4], [0.4, math.inf]).status is Status.FAILED
    assert compared([0.4, math.inf], [0.4, 0.4]).status is Status.PASSED


def test_only_seeds_of_both_are_compared() -> None:
    """Undefined values are no values; without a pair nothing can be said."""
    assert compared([0.4, None, 0.4], [0.4, 0.4, 0.4]).status is Status.PASSED
    assert compared([None], [0.4]).status is Status.INCONCLUSIVE


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """One line a number, sorted, six digits, and what is not bounded as a word."""
    numbers = {P95: [0.123456789, math.inf, None], "error_rate(ask)": [0.0, 0.5, 1.0]}
    stored = Baseline("slow", "sim", {"umt-sim": "1"}, (1, 2, 3), numbers)
    stored.save(tmp_path / "baselines" / "slow.json")
    lines = (tmp_path / "baselines" / "slow.json").read_text().splitlines()
    assert [
        '    "error_rate(ask)": [0.0, 0.5, 1.0],',
        '    "latency(ask).p95": [0.123457, "inf", null]',
    ] == lines[6:8]
    again = Baseline.load(tmp_path / "baselines" / "slow.json")
    assert ([0.123457, math.inf, None], (1, 2, 3)) == (again.numbers[P95], again.seeds)
    assert against(stored, again, {P95: "0%"})[0].status is Status.PASSED


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"scenario": 1}'])
def test_what_is_no_baseline_is_refused(tmp_path: Path, content: str | None) -> None:
    """With the file's name, never with a traceback."""
    path = tmp_path / "b.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(JournalError, match=r"b\.json"):
        Baseline.load(path)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (P95, "+10%", Tolerance("+10%", 1, 0.1, 0.0)),
        (P95, "50ms", Tolerance("50ms", 1, 0.0, 0.05)),
        ("error_rate", "+0.5pp", Tolerance("+0.5pp", 1, 0.0, 0.005)),
        ("goodput(ask)", "2/s", Tolerance("2/s", -1, 0.0, 2.0)),
        ("breaker(db).opens", "+3", Tolerance("+3", 1, 0.0, 3.0)),
    ],
)
def test_a_tolerance_has_a_direction_and_a_unit(name: str, text: str, expected: Tolerance) -> None:
    """The direction is the metric's own unless a sign says otherwise."""
    assert expected == tolerance(text, number(name))


@pytest.mark.parametrize(
    ("name", "text"),
    [(P95, "10"), (P95, "1pp"), ("error_rate", "5ms"), ("breaker(db).opens", "3"), (P95, "ten%")],
)
def test_what_is_no_tolerance_is_refused(name: str, text: str) -> None:
    """Without a unit, in another's, or without a sign where it is needed."""
    with pytest.raises(ValueError, match=r"write for example|needs a sign"):
        tolerance(text, number(name))
