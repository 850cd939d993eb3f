"""A simulation from seed to fingerprint."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from umt_sim.kernel.loop import SimLoop
from umt_sim.kernel.streams import Streams
from umt_sim.kernel.tape import Tape

__all__ = ["Kernel"]
T = TypeVar("T")


class Kernel:
    """One simulation."""

    def __init__(self, *, seed: int) -> None:
        self.seed = seed
        self.tape = Tape()
        self.streams = Streams(seed, self.tape)
        self.loop = SimLoop(tape=self.tape)
        self.env = self.loop.env

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *exc: object) -> None:
        self.loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to completion in virtual time."""
        return self.loop.run_until_complete(coroutine)
