"""One circuit breaker of a run, as a notebook shows it."""

from __future__ import annotations

import pytest

from tests.fakes.journals import brownout
from tests.fakes.pictures import cut_off, ink, overlapping
from umt_sim.analysis import Result

RESULT = Result(brownout())


def test_a_breaker_has_states_worth_and_transitions() -> None:
    """The seconds of its states add up to the run; the table starts where it left closed."""
    breaker = RESULT.breaker("content-creation")
    assert sum(breaker.seconds_in.values()) == pytest.approx(RESULT.readings.run.duration)
    assert 1 == breaker.worth.saved
    assert ("closed", "open") == tuple(breaker.transitions.loc[0, ["from_state", "to_state"]])


def test_a_breaker_shows_itself() -> None:
    """Its lane below the faults, and its numbers in words; nothing collides."""
    breaker = RESULT.breaker("content-creation")
    figure = breaker.plot()
    assert ink(figure) > 0.01
    assert [] == overlapping(figure)
    assert [] == cut_off(figure)
    page = breaker._repr_html_()
    assert "1 calls saved, 0 wasted" in page
    assert "data:image/png" in page


def test_a_breaker_that_is_not_there_is_named() -> None:
    """With those that are."""
    with pytest.raises(ValueError, match="no breaker 'db' in this run; there are content-creation"):
        RESULT.breaker("db")
