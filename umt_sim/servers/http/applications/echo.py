"""
Any dependency of which only matters whether and when it answers.

It says back what it was asked for, and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from umt_sim.servers.http.application import Answer, Call, Route, route

if TYPE_CHECKING:
    from random import Random

__all__ = ["Echo"]


class Echo:
    """
    Says back what it was asked for.

    Args:
        stream: Not read: nothing here is left to chance. All applications are made alike.
    """

    name = "echo"

    def __init__(self, stream: Random) -> None:  # noqa: ARG002  see above
        self.routes: Sequence[Route] = (route("GET", "/{word}", "echo", self._echo),)

    def _echo(self, call: Call) -> Answer:
        return Answer({"word": call.parameters["word"]})
