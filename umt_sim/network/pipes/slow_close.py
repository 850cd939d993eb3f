"""``slow_close``: passes data, delays the end of the stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from umt_sim.network.pipes.base import Pipe
from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["SlowClosePipe"]


@dataclass(slots=True, eq=False)
class SlowClosePipe(Pipe):
    """``delay`` in milliseconds."""

    type: ClassVar[str] = "slow_close"

    delay: int = 0

    def run(self, stage: Stage) -> Steps[None]:
        """Interrupted while it waits to close, it leaves the end in the inlet for its successor."""
        while (chunk := (yield from stage.receive())) is not None:
            yield from stage.send(chunk)
        if (yield from stage.hold(self.delay / 1000)):
            stage.close()
