"""Heartbeats: sent when nothing else was, missed when nothing came."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["Heartbeat"]


class Heartbeat:
    """
    Both halves of a connection's heartbeat, with RabbitMQ's timing.

    Every half interval in which nothing was sent ends with a heartbeat. The
    client is given up after two whole intervals in which nothing was received.

    Args:
        loop: For timers.
        interval: The negotiated seconds.
        send: Sends a heartbeat.
        listening: Whether the client is read; while it is not, nobody can say it is silent.
        give_up: Ends the connection.

    Attributes:
        sent: Set by the connection whenever it writes.
        received: Set by the connection whenever bytes come.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        interval: float,
        *,
        send: Callable[[], None],
        listening: Callable[[], bool],
        give_up: Callable[[], None],
    ) -> None:
        self.sent = True
        self.received = True
        self._loop = loop
        self._interval = interval
        self._send = send
        self._listening = listening
        self._give_up = give_up
        self._silent = 0
        self._sending = loop.call_later(interval / 2, self._check_sent)
        self._receiving = loop.call_later(interval, self._check_received)

    def stop(self) -> None:
        """Beat no more."""
        self._sending.cancel()
        self._receiving.cancel()

    def _check_sent(self) -> None:
        self._sending = self._loop.call_later(self._interval / 2, self._check_sent)
        if not self.sent:
            self._send()
        self.sent = False

    def _check_received(self) -> None:
        heard = self.received or not self._listening()
        self._silent = 0 if heard else self._silent + 1
        self.received = False
        if self._silent >= 2:
            self._give_up()
            return
        self._receiving = self._loop.call_later(self._interval, self._check_received)
