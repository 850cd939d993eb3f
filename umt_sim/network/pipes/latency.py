"""``latency``: holds each chunk until it is old enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from umt_sim.network.pipes.base import Pipe
from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["LatencyPipe"]


@dataclass(slots=True, eq=False)
class LatencyPipe(Pipe):
    """Milliseconds; ``jitter`` is uniform over the whole milliseconds of [-jitter, jitter)."""

    type: ClassVar[str] = "latency"
    buffer: ClassVar[int] = 1024

    latency: int = 0
    jitter: int = 0

    def run(self, stage: Stage) -> Steps[None]:
        """Age counts from the read of the socket, so chunks in flight overlap."""
        while (chunk := (yield from stage.receive())) is not None:
            wait = self._delay(stage) - (stage.now() - chunk.read_at)
            if not (yield from stage.hold(wait)):
                yield from stage.send(chunk)
                return
            # Aged by the wait that was due, even a negative one: behind a second latency,
            # chunks that queued here bunch up.
            chunk.read_at += wait
            yield from stage.send(chunk)
        stage.close()

    def _delay(self, stage: Stage) -> float:
        delay = self.latency
        if self.jitter > 0:
            delay += stage.random.randrange(2 * self.jitter) - self.jitter
        return delay / 1000
