"""``limit_data``: closes the connection after so many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from umt_sim.network.channel import Chunk
from umt_sim.network.pipes.base import Pipe
from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["LimitDataPipe"]


@dataclass(slots=True)
class Passed:
    """Bytes that a link has let through; survives updates of the toxic."""

    bytes: int = 0


@dataclass(slots=True, eq=False)
class LimitDataPipe(Pipe):
    """``bytes``: how many may pass."""

    type: ClassVar[str] = "limit_data"

    bytes: int = 0

    def fresh_state(self) -> Passed:
        """Nothing has passed."""
        return Passed()

    def run(self, stage: Stage) -> Steps[None]:
        """The chunk that crosses the limit is cut short; reaching it closes at once."""
        passed: Passed = stage.state
        while (chunk := (yield from stage.receive())) is not None:
            room = max(0, self.bytes - passed.bytes)
            data = chunk.data[:room]
            if data:
                yield from stage.send(Chunk(data, chunk.read_at))
                passed.bytes += len(data)
            if passed.bytes >= self.bytes:
                break
        stage.close()
