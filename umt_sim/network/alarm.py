"""
Wake-ups of the simulated network.

A lean SimPy event: the environment processes it without a pass of asyncio's
loop, which halves the cost of a delayed message. It cannot be taken out of
the environment's queue, so a cancelled one rings for nobody, yet at its time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from umt_sim.network.routine import Wake

__all__ = ["EventAlarm", "NoAlarm"]


class EventAlarm:
    """
    What the environment needs of an event, and no more.

    Args:
        wake: Called when the alarm rings.
    """

    __slots__ = ("_wake", "callbacks")
    _ok = True

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self.callbacks: tuple[Callable[[Any], None], ...] = (self._ring,)

    def cancel(self) -> None:
        """Ring for nobody."""
        self.callbacks = ()

    def _ring(self, _event: object) -> None:
        self._wake()


class NoAlarm:
    """An alarm after the end of time."""

    def cancel(self) -> None:
        """Nothing to cancel."""
