"""Two runs of one plan are compared record by record."""

from __future__ import annotations

import pytest

from tests.fakes.journals import journal, request
from umt_sim.analysis import Result
from umt_sim.analysis.difference import insist_same
from umt_sim.errors import Nondeterminism


def test_equal_runs_are_equal() -> None:
    """Same records, same tape."""
    insist_same(
        Result(journal(request(0, 1.0), tape_hash="a")),
        Result(journal(request(0, 1.0), tape_hash="a")),
    )


def test_the_earliest_different_record_is_named() -> None:
    """By its time and both versions."""
    first = journal(request(0, 1.0), request(1, 5.0, 0.5))
    second = journal(request(0, 1.0), request(1, 5.0, 0.7))
    with pytest.raises(Nondeterminism) as caught:
        insist_same(Result(first), Result(second))
    assert (1, 5.5) == (caught.value.index, caught.value.at)
    assert "completed=5.5" in caught.value.first
    assert "completed=5.7" in caught.value.second


def test_a_missing_record_is_a_difference() -> None:
    """One run went on longer."""
    with pytest.raises(Nondeterminism, match="None"):
        insist_same(Result(journal(request(0, 1.0))), Result(journal()))


def test_tapes_may_differ_where_journals_do_not() -> None:
    """The tape sees more than the journal."""
    with pytest.raises(Nondeterminism, match="with equal journals"):
        insist_same(Result(journal(tape_hash="a")), Result(journal(tape_hash="b")))
