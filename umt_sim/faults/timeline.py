"""When what goes wrong: named faults in order, and the windows of time they cut a run into."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from umt_sim.faults.actions import Action

__all__ = ["BASELINE", "RECOVERY", "Conflict", "Fault", "Timeline", "Window", "conflicts"]

BASELINE = "baseline"
RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One entry of a timeline.

    Attributes:
        name: Names its window; unique in its timeline.
        at: When it begins, in seconds of the run.
        duration: How long it lasts, in seconds; 0 only for a one-shot action.
        action: What happens.
    """

    name: str
    at: float
    duration: float
    action: Action

    @property
    def until(self) -> float:
        """When it is over."""
        return self.at + self.duration


@dataclass(frozen=True, slots=True)
class Window:
    """
    A named stretch of a run, half-open: *start* belongs to it, *end* does not.

    Attributes:
        start, end: Seconds of the run. Equal for a one-shot fault: it is a moment.
    """

    name: str
    start: float
    end: float

    def __contains__(self, at: float) -> bool:
        return self.start <= at < self.end

    @property
    def duration(self) -> float:
        """Its length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why *fault* cannot stand in its timeline."""

    fault: str
    message: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.message}"


def conflicts(faults: Iterable[Fault], total: float) -> list[Conflict]:
    """
    Everything wrong with *faults* in a run of *total* seconds, in order of time.

    A fault must begin and end within the run, last longer than nothing unless it
    is a moment by nature, have a name of its own, and not claim what another one
    that overlaps it needs for itself.
    """
    ordered = sorted(faults, key=lambda fault: fault.at)
    found = [conflict for fault in ordered for conflict in _alone(fault, total)]
    for first, second in itertools.combinations(ordered, 2):
        found.extend(_together(first, second))
    return found


class Timeline:
    """
    The faults of a run in order of time, checked against each other.

    Args:
        faults: In any order; equal times keep the order given.
        total: Length of the run in seconds, without the drain.
        warmup: Seconds at its start that belong to no window.

    Raises:
        ValueError: There are conflicts; the message has one line for each.
    """

    def __init__(self, faults: Iterable[Fault], *, total: float, warmup: float = 0.0) -> None:
        self.faults: tuple[Fault, ...] = tuple(sorted(faults, key=lambda fault: fault.at))
        self.total = total
        self.warmup = warmup
        found = conflicts(self.faults, total)
        if found:
            raise ValueError("\n".join(map(str, found)))

    @property
    def windows(self) -> dict[str, Window]:
        """
        Every window by name, in order of time.

        ``baseline`` runs from the end of the warm-up to the first fault, or to the
        end if there is none; ``recovery`` from the end of the last to the end. Where
        one would be empty it is left out.
        """
        windows = {}
        first = self.faults[0].at if self.faults else self.total
        if first > self.warmup:
            windows[BASELINE] = Window(BASELINE, self.warmup, first)
        for fault in self.faults:
            windows[fault.name] = Window(fault.name, fault.at, fault.until)
        last = max((self.warmup, *(fault.until for fault in self.faults)))
        if self.faults and last < self.total:
            windows[RECOVERY] = Window(RECOVERY, last, self.total)
        return windows

    def at(self, moment: float) -> Sequence[Fault]:
        """The faults that are active at *moment*."""
        return [fault for fault in self.faults if fault.at <= moment < fault.until]


def _alone(fault: Fault, total: float) -> list[Conflict]:
    """What is wrong with *fault* by itself."""
    found = []
    if fault.name in (BASELINE, RECOVERY):
        found.append(
            f"is the name of a window that every run has; choose another than {fault.name!r}"
        )
    if not (math.isfinite(fault.at) and fault.at >= 0):
        found.append(f"begins at {fault.at:g} s; it must begin at 0 s or later")
    if fault.duration < 0 or (fault.duration == 0 and not fault.action.one_shot):
        found.append(f"lasts {fault.duration:g} s; give it a duration above 0")
    if fault.until > total or (fault.action.one_shot and fault.at >= total):
        found.append(f"ends at {fault.until:g} s, after the run's end at {total:g} s")
    return [Conflict(fault.name, message) for message in found]


def _together(first: Fault, second: Fault) -> list[Conflict]:
    """What is wrong with two faults, *first* beginning no later than *second*."""
    if first.name == second.name:
        return [Conflict(second.name, "two faults have this name; each needs its own")]
    claim = second.action.exclusive
    if claim is None or claim != first.action.exclusive or second.at >= first.until:
        return []
    return [
        Conflict(
            second.name,
            f"begins at {second.at:g} s while {first.name!r} still holds {claim} until"
            f" {first.until:g} s; move one of them",
        )
    ]
