"""``bandwidth``: lets bytes go no faster than a rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from umt_sim.network.channel import Chunk
from umt_sim.network.pipes.base import Pipe
from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["BandwidthPipe"]

SLAB_MS = 100


@dataclass(slots=True, eq=False)
class BandwidthPipe(Pipe):
    """``rate`` in kilobytes (of 1000 bytes) per second, which is bytes per millisecond."""

    type: ClassVar[str] = "bandwidth"

    rate: int = 0

    def run(self, stage: Stage) -> Steps[None]:
        """
        Each chunk leaves after its transmission time; what takes longer than a slab, in slabs.

        The transmission time is a debt. On a clock that rings late, lateness is
        paid back from the next chunk's; idle time earns nothing.
        """
        debt_ms = 0.0
        while (chunk := (yield from stage.receive())) is not None:
            debt_ms = debt_ms + len(chunk.data) / self.rate if self.rate > 0 else 0.0
            while 0 < SLAB_MS * self.rate < len(chunk.data):
                if not (yield from stage.hold(SLAB_MS / 1000)):
                    yield from stage.send(chunk)
                    return
                slab = SLAB_MS * self.rate
                yield from stage.send(Chunk(chunk.data[:slab], chunk.read_at))
                chunk.data = chunk.data[slab:]
                debt_ms -= SLAB_MS
            started = stage.now()
            if not (yield from stage.hold(debt_ms / 1000)):
                yield from stage.send(chunk)
                return
            debt_ms -= 1000 * (stage.now() - started)
            yield from stage.send(chunk)
        stage.close()
