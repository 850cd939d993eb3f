"""``timeout``: swallows everything and closes after a silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from umt_sim.network.channel import Silence
from umt_sim.network.pipes.base import Pipe
from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["TimeoutPipe"]


@dataclass(slots=True, eq=False)
class TimeoutPipe(Pipe):
    """``timeout`` in milliseconds; 0 or less never closes by itself."""

    type: ClassVar[str] = "timeout"

    timeout: int = 0

    def run(self, stage: Stage) -> Steps[None]:
        """The clock starts anew at every chunk."""
        patience = self.timeout / 1000 if self.timeout > 0 else None
        try:
            while (yield from stage.receive(patience)) is not None:
                pass
        except Silence:
            pass
        stage.close()

    def remove(self, stage: Stage) -> None:
        """What was dropped cannot be given back, so the connection is cut."""
        stage.close()
