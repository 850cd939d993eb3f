"""``noop``: passes everything on. The hidden first stage of every link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from umt_sim.network.pipes.base import Pipe
from umt_sim.network.routine import Steps

if TYPE_CHECKING:
    from umt_sim.network.stage import Stage

__all__ = ["NoopPipe"]


@dataclass(slots=True, eq=False)
class NoopPipe(Pipe):
    """No settings."""

    type: ClassVar[str] = "noop"

    def run(self, stage: Stage) -> Steps[None]:
        """Also what a toxic does on a connection that its toxicity spares."""
        while (chunk := (yield from stage.receive())) is not None:
            yield from stage.send(chunk)
        stage.close()
