"""
The fingerprint of a run: equal exactly when two runs took the same path.

Everything of consequence is noted with its virtual time: draws, tasks, what the
network carries. The notes are hashed in blocks, so a note costs a few hundred
nanoseconds. Between notes the loop counts its turns and keeps ``pulse``, which
changes with every instant it reaches.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

__all__ = ["Tape"]

_BLOCK = 4096  # notes hashed at a time
_MARSHAL_VERSION = 2  # the last without back references, whose use depends on reference counts


class Tape:
    """
    Notes what happens, in order.

    Attributes:
        turns: Turns of the loop until now.
        pulse: A hash over the instants reached. Only numbers go into it, for the hash
            of a string differs between processes.
    """

    def __init__(self) -> None:
        self.turns = 0
        self.pulse = 0
        self.now: Callable[[], float] = lambda: 0.0
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
        block.append((self.now(), self.turns, kind, fields))
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
