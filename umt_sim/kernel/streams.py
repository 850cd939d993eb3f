"""
Named streams of random numbers, one for each concern.

A stream's seed is the run's seed and its path. So a fault that is added draws
from a stream of its own and shifts no other draw.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from umt_sim.kernel.tape import Tape

__all__ = ["Stream", "Streams"]


class Stream(Random):
    """
    A ``random.Random`` that notes each draw on the tape.

    The numbers are those of ``Random(seed)``: whatever is drawn goes through one
    of the two methods below.

    Args:
        seed: As for ``random.Random``.
    """

    _path: str
    _note: Callable[..., None]

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self._random = super().random
        self._getrandbits = super().getrandbits

    def noted(self, path: str, tape: Tape) -> Stream:
        """This stream, which notes its draws on *tape* as those of *path* from now on."""
        self._path = path
        self._note = tape.note
        return self

    def random(self) -> float:
        """The next number in [0, 1)."""
        value = self._random()
        self._note("draw", self._path, value)
        return value

    def getrandbits(self, k: int, /) -> int:
        """The next *k* random bits."""
        value = self._getrandbits(k)
        self._note("draw", self._path, value)
        return value


class Streams:
    """
    Hands out the streams of one run.

    Args:
        seed: Names all randomness of the run.
        tape: Notes the draws.
    """

    def __init__(self, seed: int, tape: Tape) -> None:
        self.seed = seed
        self._tape = tape
        self._streams: dict[str, Stream] = {}

    def stream(self, path: str) -> Stream:
        """The stream of one concern, e.g. ``"network/rabbitmq/upstream"``; always the same one."""
        stream = self._streams.get(path)
        if stream is None:
            stream = self._streams[path] = Stream(f"{self.seed}:{path}").noted(path, self._tape)
        return stream
