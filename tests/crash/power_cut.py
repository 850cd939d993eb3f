"""Finds every point at which a host's programs wait, and cuts its power at one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

from umt_sim.kernel.handles import SimHandle, describe_handle, task_of
from umt_sim.kernel.hosts import Host, life_in
from umt_sim.kernel.loop import SimLoop

__all__ = ["Points", "PowerCut", "callbacks", "resumptions"]

Points = Callable[[Any], bool]
"""Says whether a callback that is about to run counts as a point."""


def resumptions(handle: Any) -> bool:
    """A task is about to begin, or to go on after an ``await``."""
    return task_of(handle) is not None


def callbacks(handle: Any) -> bool:
    """Anything is about to happen: also data arriving at a connection, or a timer."""
    return True


class PowerCut:
    """
    Counts the points of one host, and cuts its power at one of them.

    At a point everything before it has happened, and nothing after it. Runs of one
    seed pass the same points, so one that was found in one run can be cut in another.

    Args:
        loop: Runs the host's tasks.
        host: Whose power fails.
        points: What counts as a point.
        cut_at: Number of the point at which the power fails; ``None`` for never.

    Attributes:
        host: As given.
        passed: Where each point was that was passed, in order: its task and source line.
        power_failed: Set when the power was cut.
    """

    def __init__(self, loop: SimLoop, host: Host, *, points: Points, cut_at: int | None) -> None:
        self._loop = loop
        self._is_point = points
        self._cut_at = cut_at
        self.host = host
        self.passed: list[str] = []
        self.power_failed = asyncio.Event()

    @property
    def is_due(self) -> bool:
        """Whether the power is to fail at all."""
        return self._cut_at is not None

    def watch(self) -> None:
        """Look at everything the loop is about to run, from now on."""
        self._loop.inspections.insert(0, self._look)

    def look_away(self) -> None:
        """Look no more."""
        if self._look in self._loop.inspections:
            self._loop.inspections.remove(self._look)

    def _look(self) -> None:
        """Count the points in this batch of callbacks; put the power cut before its own."""
        ready = self._loop._ready
        for place, handle in enumerate(ready):
            if not self._is_here(handle):
                continue
            if len(self.passed) == self._cut_at:
                self.look_away()
                # A context without a host: the harness pulls the plug, not the host itself.
                ready.insert(place, SimHandle(self._cut, (), self._loop, Context()))
                return
            self.passed.append(" ".join(describe_handle(handle)))

    def _is_here(self, handle: Any) -> bool:
        life = life_in(handle._context)
        return (
            life is not None
            and life.host is self.host
            and not handle.cancelled()
            and self._is_point(handle)
        )

    def _cut(self) -> None:
        self.host.crash()
        self.power_failed.set()
