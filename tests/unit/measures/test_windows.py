"""Windows are what really happened, not what was planned."""

from __future__ import annotations

import pytest

from tests.fakes.journals import fault, journal
from umt_sim.errors import JournalError
from umt_sim.faults.timeline import Window
from umt_sim.journal.recorder import Recorder
from umt_sim.measures.windows import fault_parts, windows_of


def test_faults_cut_a_run_into_windows() -> None:
    """Baseline before the first, recovery after the last, in order of time."""
    found = windows_of(journal(fault("b", 50, 60), fault("a", 30, 40), measured=(10, 100)))
    assert [
        Window("run", 10, 100),
        Window("baseline", 10, 30),
        Window("a", 30, 40),
        Window("b", 50, 60),
        Window("recovery", 60, 100),
    ] == list(found.values())


def test_without_faults_everything_is_baseline() -> None:
    """And there is no recovery."""
    assert list(windows_of(journal(measured=(10, 100)))) == ["run", "baseline"]


def test_the_parts_of_a_random_fault_are_one_window() -> None:
    """From the beginning of the first to the end of the last."""
    found = windows_of(journal(fault("n#1", 30, 35), fault("n#2", 50, 52)))
    assert Window("n", 30, 52) == found["n"]


def test_nothing_of_the_warm_up_is_in_a_window() -> None:
    """A fault from the first second on is measured from the end of the warm-up; so is the rest."""
    found = windows_of(journal(fault("a", 0, 40), fault("b", 2, 5), measured=(10, 100)))
    assert [
        Window("run", 10, 100),
        Window("a", 10, 40),
        Window("b", 10, 10),
        Window("recovery", 40, 100),
    ] == list(found.values())
    assert (
        Window("recovery", 10, 100)
        == windows_of(journal(fault("b", 2, 5), measured=(10, 100)))["recovery"]
    )


def test_a_fault_without_an_end_lasts_until_the_end() -> None:
    """An interrupted run leaves such a record."""
    found = windows_of(journal(fault("a", 30, None)))  # type: ignore[arg-type]
    assert Window("a", 30, 100.0) == found["a"]
    assert "recovery" not in found


def test_a_run_that_measured_nothing_has_no_windows() -> None:
    """It cannot be judged, and says so."""
    empty = Recorder(lambda: 0.0).close({})
    with pytest.raises(JournalError, match="nothing to judge"):
        windows_of(empty)


def test_the_parts_of_a_fault_are_when_it_was_in_force() -> None:
    """Each part by itself, in order of time."""
    found = fault_parts(journal(fault("n#2", 50, 52), fault("n#1", 30, 35), fault("a", 40, 41)))
    assert {
        "n": [Window("n", 30, 35), Window("n", 50, 52)],
        "a": [Window("a", 40, 41)],
    } == found
