"""``slicer``: cuts chunks into small pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from umt_sim.network.channel import Chunk
from umt_sim.network.pipes.base import Pipe
from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["SlicerPipe"]


@dataclass(slots=True, eq=False)
class SlicerPipe(Pipe):
    """``average_size`` and ``size_variation`` in bytes, ``delay`` in **microseconds**."""

    type: ClassVar[str] = "slicer"

    average_size: int = 0
    size_variation: int = 0
    delay: int = 0

    def run(self, stage: Stage) -> Steps[None]:
        """
        The delay follows every piece, the last one included.

        On a clock that rings late, lateness is taken off the next piece's delay:
        a chunk of many pieces would gather much of it.
        """
        while (chunk := (yield from stage.receive())) is not None:
            late = 0.0
            for end, piece in self._pieces(stage, chunk.data):
                yield from stage.send(Chunk(piece, chunk.read_at))
                due = stage.now() + self.delay / 1e6 - late
                if not (yield from stage.hold(due - stage.now())):
                    yield from stage.send(Chunk(chunk.data[end:], chunk.read_at))
                    return
                late = stage.now() - due
        stage.close()

    def _pieces(self, stage: Stage, data: bytes) -> list[tuple[int, bytes]]:
        """Each piece of *data* with the position where it ends."""
        return [(end, data[start:end]) for start, end in self._cuts(stage, 0, len(data))]

    def _cuts(self, stage: Stage, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Halve until a piece exceeds the average by no more than the variation."""
        size = end - start
        if size < 2 or size - self.average_size <= self.size_variation:
            yield start, end
            return
        middle = start + size // 2
        if self.size_variation > 0:
            middle += stage.random.randrange(2 * self.size_variation) - self.size_variation
            middle = min(max(middle, start + 1), end - 1)
        yield from self._cuts(stage, start, middle)
        yield from self._cuts(stage, middle, end)
