"""
Named stretches of a run, as they really happened.

``baseline`` is the measured time before the first fault, each fault names the time
it lasted, ``recovery`` is what follows the last. Windows are half-open: a request
belongs to the one it was *scheduled* in.
"""

from __future__ import annotations

from umt_sim.errors import JournalError
from umt_sim.faults.timeline import BASELINE, RECOVERY, Window
from umt_sim.journal.recorder import Journal
from umt_sim.journal.records import FaultRecord, PhaseRecord

__all__ = ["RUN", "fault_of", "fault_parts", "windows_of"]

RUN = "run"

_PART = "#"  # separates a random fault's name from the number of its part


def fault_of(name: str) -> str:
    """The scenario's name of a fault; a random one was carried out in numbered parts."""
    return name.partition(_PART)[0]


def windows_of(journal: Journal) -> dict[str, Window]:
    """
    Every window of a run by name, in order of time; ``run`` is all that was measured.

    Whatever began in the warm-up begins with the measured phase here: what comes before it is
    left out of every window.

    Args:
        journal: A closed journal.

    Raises:
        JournalError: The run ended before anything was measured.
    """
    run = _measured(journal)
    faults = {
        name: Window(
            name,
            max(run.start, parts[0].start),
            max(run.start, *(part.end for part in parts)),
        )
        for name, parts in fault_parts(journal).items()
    }
    windows = {RUN: run}
    first = min((window.start for window in faults.values()), default=run.end)
    last = max((window.end for window in faults.values()), default=run.end)
    if first > run.start:
        windows[BASELINE] = Window(BASELINE, run.start, first)
    windows.update(faults)
    if last < run.end:
        windows[RECOVERY] = Window(RECOVERY, last, run.end)
    return windows


def fault_parts(journal: Journal) -> dict[str, list[Window]]:
    """
    When each fault was in force, in order of time: a random one has several parts.

    Raises:
        JournalError: The run ended before anything was measured.
    """
    end = _measured(journal).end
    faults: dict[str, list[Window]] = {}
    for record in sorted(journal.of(FaultRecord), key=lambda record: record.started):
        name = fault_of(record.name)
        until = record.ended if record.ended is not None else end
        faults.setdefault(name, []).append(Window(name, record.started, until))
    return faults


def _measured(journal: Journal) -> Window:
    for phase in journal.of(PhaseRecord):
        if phase.name == "measure":
            return Window(RUN, phase.started, phase.ended)
    raise JournalError("the run ended before its measured phase began; there is nothing to judge")
