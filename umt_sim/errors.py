"""
What the person running trials must fix. One tree, so "catch all of ours" is possible.

    UmtSimError
      ScenarioError            the scenario file or its use is wrong; raised before anything starts
      WorldError
        WorldUnavailable       a service the scenario needs is not there
        UnsupportedFault       asked of a world without that ability
        ToxiproxyError         Toxiproxy refused, failed or did not answer
      KernelError
        Stalled                nothing is scheduled and tasks still wait
        Livelock               an instant of virtual time does not end
        WallClockLeak          code under test reached for real time, a socket or a thread
        Nondeterminism         two runs of one seed differ
      JournalError             a journal is incomplete, unreadable or still being written
      SearchError              a set of runs cannot be carried out

A failed expectation is a value (a verdict), never an exception. What production
code meets and handles is the other tree, in ``umt_sim.platform.errors``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "AwaitedTaskCancelled",
    "JournalError",
    "KernelError",
    "Livelock",
    "Nondeterminism",
    "Problem",
    "ScenarioError",
    "SearchError",
    "Stalled",
    "ToxiproxyError",
    "UmtSimError",
    "UnsupportedFault",
    "WallClockLeak",
    "WorldError",
    "WorldUnavailable",
]


class UmtSimError(Exception):
    """Base of every error this project raises for the experimenter."""


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing wrong in a scenario file.

    Attributes:
        path: The file as the user named it.
        line: Line in the file, counted from 1; ``None`` when no place fits.
        column: Column in that line, counted from 1.
        pointer: Where in the document, as dotted keys: ``faults.outage.for``.
        message: What is wrong and what to write instead.
    """

    path: str
    line: int | None
    column: int | None
    pointer: str
    message: str

    def __str__(self) -> str:
        place = self.path
        if self.line is not None:
            place += f":{self.line}"
            if self.column is not None:
                place += f":{self.column}"
        return ": ".join(part for part in (place, self.pointer, self.message) if part)


class ScenarioError(UmtSimError):
    """The scenario cannot be used as written. Carries every problem, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class WorldError(UmtSimError):
    """A world could not supply what the scenario asks of it."""


class WorldUnavailable(WorldError):
    """A service could not be found or started."""

    def __init__(
        self, service: str, reason: str, *, tried: Iterable[str] = (), remedy: str
    ) -> None:
        self.service = service
        self.reason = reason
        self.tried = tuple(tried)
        self.remedy = remedy
        looked = f" (looked at {', '.join(self.tried)})" if self.tried else ""
        super().__init__(f"{service}: {reason}{looked}; {remedy}")

    @classmethod
    def together(cls, missing: Sequence[WorldUnavailable]) -> WorldUnavailable:
        """One error for all that are *missing*, with what to do about each."""
        lines = dict.fromkeys(map(str, missing))
        if len(lines) == 1:
            return missing[0]
        services = dict.fromkeys(error.service for error in missing)
        remedy = "what to do about each:" + "".join(f"\n  {line}" for line in lines)
        return cls(", ".join(services), "cannot be had here", remedy=remedy)


class UnsupportedFault(WorldError):
    """A fault was asked of a world that cannot do it."""

    def __init__(self, world: str, fault: str, supported: Iterable[str]) -> None:
        self.world = world
        self.fault = fault
        self.supported = tuple(supported)
        super().__init__(
            f"the {world} world cannot do {fault!r}; it can do {', '.join(self.supported)}"
        )


class ToxiproxyError(WorldError):
    """
    Toxiproxy refused a call, failed, or did not answer.

    Attributes:
        absent: What was asked for, or the server itself, is not there.
    """

    def __init__(self, message: str, *, absent: bool = False) -> None:
        self.absent = absent
        super().__init__(message)


class KernelError(UmtSimError):
    """The simulation itself cannot go on, or cannot be trusted."""


class Stalled(KernelError):
    """Nothing is scheduled, yet tasks wait: names who waits for what."""

    def __init__(self, at: float, pending: Sequence[str]) -> None:
        self.at = at
        self.pending = tuple(pending)
        waiting = "".join(f"\n  {line}" for line in self.pending) or " nobody"
        super().__init__(
            f"stalled at {at:.9g} s of virtual time: nothing is scheduled any more;"
            f" waiting:{waiting}"
        )


class Livelock(KernelError):
    """One instant of virtual time does not end."""

    def __init__(
        self, at: float, steps: int, busiest: Sequence[str], *, unit: str = "turns"
    ) -> None:
        self.at = at
        self.steps = steps
        self.busiest = tuple(busiest)
        names = "".join(f"\n  {line}" for line in self.busiest)
        super().__init__(
            f"livelock: {steps} {unit} at {at:.9g} s of virtual time, and the clock does not move;"
            f" busiest:{names}\n(a loop that waits for nothing must sleep for more than 0 s)"
        )


class WallClockLeak(KernelError):
    """Code under test reached for the real machine from inside virtual time."""

    def __init__(self, call: str, where: str, instead: str) -> None:
        self.call = call
        self.where = where
        super().__init__(f"{call} called in virtual time at {where}; {instead}")


class Nondeterminism(KernelError):
    """Two runs of one seed took different paths; names the first difference."""

    def __init__(self, index: int, at: float, first: str, second: str) -> None:
        self.index = index
        self.at = at
        self.first = first
        self.second = second
        super().__init__(
            f"two runs of one seed differ from entry {index} of the tape, at {at:.9g} s:"
            f"\n  first run:  {first}\n  second run: {second}"
        )


class AwaitedTaskCancelled(KernelError):
    """A SimPy process waited for a task, and the task was cancelled."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(f"cancelled while a SimPy process waited for it: {task}")


class JournalError(UmtSimError):
    """A journal is incomplete, unreadable or still being written."""


class SearchError(UmtSimError):
    """A set of runs cannot be carried out: one of them crashed, or its process died."""
