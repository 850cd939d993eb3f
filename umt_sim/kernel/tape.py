"""
The fingerprint of a run: equal exactly when two runs took the same path.

Everything of consequence is noted with its virtual time: draws, tasks, what the
network carries. The notes are hashed in blocks, so a note costs a few hundred
nanoseconds. Between notes the loop counts its turns and keeps ``pulse``, which
changes with every instant it reaches.
"""

from __future__ import annotations

import asyncio
import marshal
from hashlib import blake2b
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from umt_sim.errors import Nondeterminism
from umt_sim.kernel.handles import describe_handle
from umt_sim.kernel.sources import calling_line

if TYPE_CHECKING:
    from umt_sim.kernel.loop import SimLoop

__all__ = ["Clock", "DetailedTape", "Entry", "Tape"]

_BLOCK = 512  # notes hashed at a time: their bytes fit into memory that malloc has at hand
_MARSHAL_VERSION = 2  # the last without back references, whose use depends on reference counts


class Clock(Protocol):
    """What a tape needs of a simulation's environment; an attribute, read at every note."""

    _now: float


class _Origin:
    _now = 0.0


class Tape:
    """
    Notes what happens, in order.

    Attributes:
        clock: Where the times of the notes are read.
        turns: Turns of the loop until now.
        pulse: A hash over the instants reached. Only numbers go into it, for the hash
            of a string differs between processes.
    """

    def __init__(self) -> None:
        self.turns = 0
        self.pulse = 0
        self.clock: Clock = _Origin()
        self._block: list[tuple[Any, ...]] = []
        self._hash = blake2b(digest_size=16)

    def note(self, kind: str, *fields: Any) -> None:
        """
        Add an entry.

        Args:
            kind: What happened, in a word.
            fields: Numbers, strings, bytes or tuples of them. Never an object's
                address, and no ciphertext: both differ between runs.
        """
        block = self._block
        block.append((self.clock._now, self.turns, kind, fields))
        if len(block) >= _BLOCK:
            self._flush()

    def hexdigest(self) -> str:
        """The fingerprint of the run until now, as 32 hex digits. Asking changes nothing."""
        final = self._hash.copy()
        final.update(marshal.dumps((self._block, self.turns, self.pulse), _MARSHAL_VERSION))
        return final.hexdigest()

    def _flush(self) -> None:
        self._hash.update(marshal.dumps(self._block, _MARSHAL_VERSION))
        self._block.clear()


class Entry(NamedTuple):
    """One note, with everything needed to find its cause."""

    at: float
    turn: int
    pulse: int
    kind: str
    fields: tuple[Any, ...]
    task: str
    line: str

    def __str__(self) -> str:
        what = f"{self.kind} {self.fields}" if self.fields else self.kind
        return f"{what} by {self.task} {self.line} ({self.at:.9g} s)"


class DetailedTape(Tape):
    """
    A tape that keeps its entries, and each callback the loop runs between them.

    Its fingerprint is the plain tape's: the callbacks are kept but not hashed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []

    def watch(self, loop: SimLoop) -> None:
        """Keep what *loop* runs, too."""

        def keep_batch() -> None:
            for handle in loop._ready:
                who, where = describe_handle(handle)
                self._keep("step", (), who, where)

        loop.inspections.append(keep_batch)

    def note(self, kind: str, *fields: Any) -> None:
        """Add an entry, and keep it with the task and the source line it comes from."""
        super().note(kind, *fields)
        self._keep(kind, fields, _current_task(), f"at {calling_line()}")

    def _keep(self, kind: str, fields: tuple[Any, ...], task: str, line: str) -> None:
        self.entries.append(
            Entry(self.clock._now, self.turns, self.pulse, kind, fields, task, line)
        )

    def compare(self, other: DetailedTape) -> None:
        """
        Find where two runs part.

        Raises:
            Nondeterminism: With the first entry that differs.
        """
        for index, (mine, theirs) in enumerate(zip_longest(self.entries, other.entries)):
            if mine != theirs:
                at = (mine or theirs).at
                raise Nondeterminism(
                    index, at, str(mine or "the run has ended"), str(theirs or "the run has ended")
                )


def _current_task() -> str:
    if asyncio._get_running_loop() is None:
        return "the harness"
    task = asyncio.current_task()
    return "a callback" if task is None else task.get_name()
