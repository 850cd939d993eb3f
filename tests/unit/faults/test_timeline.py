"""Timelines: their windows, and the faults that cannot stand together."""

from __future__ import annotations

import pytest

from umt_sim.faults.actions import (
    Action,
    AddToxic,
    ClockSkew,
    Crash,
    Down,
    HalfOpen,
    Partition,
    Pause,
    RetransmissionDelay,
)
from umt_sim.faults.timeline import Conflict, Fault, Timeline, Window, conflicts
from umt_sim.faults.toxics import Latency

OUTAGE = Down(target="postgres")
SLOW = AddToxic(target="rabbitmq", toxic=Latency(latency_ms=900))


def fault(name: str, at: float, duration: float, action: Action = SLOW) -> Fault:
    return Fault(name, at, duration, action)


def test_windows_cut_the_run_at_its_faults() -> None:
    """Baseline begins after the warm-up, recovery after the fault that ends last."""
    timeline = Timeline(
        [fault("late", 60, 20), fault("early", 40, 50, OUTAGE)], total=120, warmup=10
    )
    assert {
        "baseline": Window("baseline", 10, 40),
        "early": Window("early", 40, 90),
        "late": Window("late", 60, 80),
        "recovery": Window("recovery", 90, 120),
    } == timeline.windows
    assert ["early", "late"] == [fault.name for fault in timeline.faults]


def test_windows_are_half_open() -> None:
    """A moment belongs to the window it starts, not to the one it ends."""
    window = Window("w", 10, 20)
    assert (True, True, False) == (10 in window, 19.999 in window, 20 in window)


def test_a_run_without_faults_is_all_baseline() -> None:
    """There is nothing to recover from."""
    assert {"baseline": Window("baseline", 5, 60)} == Timeline([], total=60, warmup=5).windows


def test_empty_windows_are_left_out() -> None:
    """A fault from the first to the last second leaves neither baseline nor recovery."""
    assert ["whole"] == list(Timeline([fault("whole", 0, 60)], total=60).windows)


def test_active_faults_are_known_at_each_moment() -> None:
    """Overlapping faults are active side by side."""
    timeline = Timeline([fault("a", 10, 20), fault("b", 20, 20, OUTAGE)], total=60)
    active = [[fault.name for fault in timeline.at(moment)] for moment in (9, 10, 20, 30, 40)]
    assert [[], ["a"], ["a", "b"], ["b"], []] == active


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([fault("f", 10, 0)], "lasts 0 s; give it a duration above 0"),
        ([fault("f", -1, 5)], "begins at -1 s; it must begin at 0 s or later"),
        ([fault("f", 50, 11)], "ends at 61 s, after the run's end at 60 s"),
        ([fault("baseline", 5, 5)], "is the name of a window that every run has"),
        ([fault("f", 5, 5), fault("f", 20, 5)], "two faults have this name; each needs its own"),
    ],
)
def test_a_fault_that_cannot_be_is_reported(faults: list[Fault], expected: str) -> None:
    """One clear sentence, naming the fault."""
    (conflict,) = conflicts(faults, 60)
    assert faults[0].name == conflict.fault
    assert conflict.message.startswith(expected)


def test_two_downs_of_one_proxy_cannot_overlap() -> None:
    """The later one is reported; touching ends are no overlap."""
    first = fault("first", 10, 20, OUTAGE)
    message = "begins at 25 s while 'first' still holds down postgres until 30 s; move one of them"
    assert [Conflict("second", message)] == conflicts([first, fault("second", 25, 5, OUTAGE)], 60)
    assert [] == conflicts([first, fault("second", 30, 5, OUTAGE)], 60)
    assert [] == conflicts([first, fault("second", 25, 5, Down(target="redis"))], 60)


def test_a_host_stops_in_one_way_at_a_time() -> None:
    """A crash during a pause is refused; a wrong clock meanwhile is not."""
    pause = fault("pause", 10, 20, Pause(host="web"))
    assert conflicts([pause, fault("crash", 15, 1, Crash(host="web"))], 60)
    assert [] == conflicts([pause, fault("skew", 15, 1, ClockSkew(host="web", offset_s=1))], 60)


def test_all_conflicts_are_told_at_once() -> None:
    """The exception has one line for each."""
    faults = [fault("a", 10, 0), fault("b", 70, 5), fault("b", 80, 5)]
    with pytest.raises(ValueError, match="a: lasts") as caught:
        Timeline(faults, total=60)
    assert len(str(caught.value).splitlines()) == 4


def test_a_one_shot_fault_is_a_moment() -> None:
    """It needs no duration, and its window is empty."""
    timeline = Timeline([fault("reset", 10, 0, HalfOpen(target="redis"))], total=60)
    assert Window("reset", 10, 10) == timeline.windows["reset"]
    assert Window("recovery", 10, 60) == timeline.windows["recovery"]


def test_only_toxics_and_down_are_toxiproxys() -> None:
    """Everything else says that it has no equivalent there."""
    partition = Partition(left="a", right="b")
    assert (True, True, False, False) == (
        SLOW.live,
        OUTAGE.live,
        partition.live,
        Crash(host="a").live,
    )
    assert ("latency", "down", "partition", "a - b") == (
        SLOW.kind,
        OUTAGE.kind,
        partition.kind,
        partition.target,
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Partition(left="a", right="a"), "both hosts are 'a'"),
        (lambda: AddToxic(target="p", toxic=Latency(), toxicity=1.5), "toxicity is 1.5"),
        (lambda: RetransmissionDelay(left="a", right="b", loss=1), "loss is 1; .* from 0 to 0.9"),
    ],
)
def test_actions_are_checked_when_made(build: object, message: str) -> None:
    """The sentence says what is allowed."""
    assert callable(build)
    with pytest.raises(ValueError, match=message):
        build()
