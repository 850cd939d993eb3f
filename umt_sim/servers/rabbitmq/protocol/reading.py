"""Whether a client is read: a broker under pressure lets TCP hold its publishers back."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Pressure", "Reading"]


class Pressure(Enum):
    """Why a client is not read."""

    ALARM = "alarm"  # memory or disk is low and the client publishes
    CAPACITY = "capacity"  # too much of what it sent waits to be served


class Reading:
    """
    The reading half of a connection's transport.

    Args:
        transport: Paused while there is any pressure.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._pressures: list[Pressure] = []

    def stopped_by(self, pressure: Pressure) -> bool:
        """Whether *pressure* is one of the reasons not to read."""
        return pressure in self._pressures

    @property
    def stopped(self) -> bool:
        """Whether there is any reason not to read."""
        return bool(self._pressures)

    def stop(self, pressure: Pressure) -> None:
        """Read no further because of *pressure*."""
        if not self._pressures:
            self._transport.pause_reading()
        if pressure not in self._pressures:
            self._pressures.append(pressure)

    def go_on(self, pressure: Pressure) -> None:
        """*pressure* is gone; read on if it was the last."""
        if pressure in self._pressures:
            self._pressures.remove(pressure)
            if not self._pressures:
                self._transport.resume_reading()
