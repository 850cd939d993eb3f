"""``reset_peer``: ends the connection some time after its first data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from umt_sim.network.pipes.base import Pipe
from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["ResetPeerPipe"]


@dataclass(slots=True, eq=False)
class ResetPeerPipe(Pipe):
    """``timeout`` in milliseconds."""

    type: ClassVar[str] = "reset_peer"
    resets: ClassVar[bool] = True

    timeout: int = 0

    def run(self, stage: Stage) -> Steps[None]:
        """The first chunk, or the end, is dropped; the wait after it cannot be interrupted."""
        yield from stage.receive()
        yield from stage.pause(self.timeout / 1000)
        stage.close()
