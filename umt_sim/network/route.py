"""
The way from one host to another: how long it takes, and what is wrong with it.

A route is one direction. Every flow between the two hosts uses it, so a fault
on the route meets them all, bytes already under way included.
"""

from __future__ import annotations

from collections.abc import Hashable
from math import inf
from typing import TYPE_CHECKING, Protocol

from umt_sim.network.touched import Touched

if TYPE_CHECKING:
    from random import Random

__all__ = ["Loss", "Route", "Waiter"]

SEGMENT = 1448  # bytes of payload in an Ethernet frame, TCP timestamps on


class Waiter(Protocol):
    """Something that came to a route and could not pass."""

    def opened(self) -> None:
        """The route's state has changed: look again."""
        ...


class Loss:
    """
    Loses packets at random, which TCP turns into delay.

    Args:
        probability: Of each packet to be lost, every time it is sent.
        timeout: Seconds until the first retransmission; doubles for each further one.
        stream: Where the draws come from.
        touched: Counts what it delays.
    """

    def __init__(
        self, probability: float, timeout: float, stream: Random, touched: Touched
    ) -> None:
        self._probability = probability
        self._timeout = timeout
        self._stream = stream
        self._touched = touched

    def delay(self, connection: Hashable, size: int) -> float:
        """
        Seconds by which *size* bytes of *connection* arrive later.

        One draw for each round: the bytes are delayed once more if any of their
        packets is lost, all retransmitted packets counting as one.
        """
        packets = max(1, -(-size // SEGMENT))
        chance = 1 - (1 - self._probability) ** packets
        delay, timeout = 0.0, self._timeout
        while self._stream.random() < chance:
            delay += timeout
            timeout = min(2 * timeout, 120.0)
            chance = self._probability
        if delay:
            self._touched.meet(connection, size)
        return delay


class Route:
    """
    One direction between two hosts.

    Attributes:
        latency: Seconds that everything takes.
        rate: Bytes per second of each flow; ``None`` for no limit.
        plain: Nothing takes time here and nothing is wrong: bytes arrive as they are sent.
    """

    def __init__(self, source: str, target: str) -> None:
        self.source = source
        self.target = target
        self.latency = 0.0
        self.rate: float | None = None
        self.plain = True
        self._cuts: list[Touched] = []
        self._holds: list[Touched] = []
        self._losses: list[Loss] = []
        self._waiters: dict[Waiter, None] = {}

    def __repr__(self) -> str:
        return f"<Route {self.source} -> {self.target}>"

    @property
    def is_cut(self) -> bool:
        """Packets are lost here."""
        return bool(self._cuts)

    @property
    def is_held(self) -> bool:
        """Packets are kept here."""
        return bool(self._holds)

    @property
    def blocked(self) -> bool:
        """Nothing gets through now."""
        return bool(self._cuts or self._holds)

    def configure(self, latency: float, rate: float | None) -> None:
        """Set what is true of the route when nothing is wrong; ``ValueError`` if it cannot be."""
        if not 0 <= latency < inf:
            raise ValueError(f"{self.source} to {self.target}: a latency of {latency} s cannot be")
        if rate is not None and not rate > 0:
            raise ValueError(f"{self.source} to {self.target}: a rate of {rate} bytes/s cannot be")
        self.latency = latency
        self.rate = rate
        self._changed()

    def cut(self, touched: Touched) -> None:
        """Lose everything until ``mend`` is called with the same counter."""
        self._cuts.append(touched)
        self._changed()

    def mend(self, touched: Touched) -> None:
        """Take one ``cut`` back. Others may remain."""
        self._cuts.remove(touched)
        self._changed()

    def hold(self, touched: Touched) -> None:
        """Keep everything until ``release`` is called with the same counter."""
        self._holds.append(touched)
        self._changed()

    def release(self, touched: Touched) -> None:
        """Take one ``hold`` back. Others may remain."""
        self._holds.remove(touched)
        self._changed()

    def lose(self, loss: Loss) -> None:
        """Add random loss."""
        self._losses.append(loss)
        self._changed()

    def stop_losing(self, loss: Loss) -> None:
        """Take random loss back."""
        self._losses.remove(loss)
        self._changed()

    def lag(self, connection: Hashable, size: int) -> float:
        """Seconds that *size* bytes of *connection* take longer because packets are lost."""
        return sum(loss.delay(connection, size) for loss in self._losses)

    def meet(self, connection: Hashable, size: int) -> None:
        """Count *size* bytes of *connection* that met a block here."""
        for touched in (*self._cuts, *self._holds):
            touched.meet(connection, size)

    def wait(self, waiter: Waiter) -> None:
        """Tell *waiter* at the next change, once."""
        self._waiters[waiter] = None

    def _changed(self) -> None:
        self.plain = not (self.latency or self.rate or self.blocked or self._losses)
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters:
            waiter.opened()
