"""Opening a connection: who answers, who refuses, and how long the client's system tries."""

from __future__ import annotations

from errno import ECONNREFUSED, ETIMEDOUT
from typing import TYPE_CHECKING

from umt_sim.network.ground import Clock
from umt_sim.network.listener import Listener
from umt_sim.network.route import Route
from umt_sim.network.routine import Routine, Steps, Wake
from umt_sim.network.site import Site
from umt_sim.network.stream import StreamSocket

if TYPE_CHECKING:
    from umt_sim.network.network import Network

__all__ = ["Handshake"]

PATIENCE = (1, 2, 4, 8, 16, 32, 64)  # seconds: Linux's waits between attempts, 127 s in all


class Handshake:
    """
    One attempt to open a connection from *source* to *port* of *target*.

    The client's system repeats an unanswered request after 1, 3, 7, ... seconds
    and gives up with ETIMEDOUT after 127. A target without a listener refuses.

    Args:
        network: Knows the routes.
        source, target: The hosts.
        address: Whom the client asked for.
        wake: Called when the outcome is known; at once where nothing takes time.
    """

    def __init__(
        self,
        network: Network,
        source: Site,
        target: Site,
        address: tuple[str, int],
        wake: Wake,
    ) -> None:
        self.outcome: StreamSocket | OSError | None = None
        self._network = network
        self._clock: Clock = network
        self._source = source
        self._target = target
        self._address = address
        self._there = network.route(source.name, target.name)
        self._back = network.route(target.name, source.name)
        self._abandoned = False
        self._routine = Routine(self._connect, wake)

    def start(self) -> Handshake:
        """Send the first request."""
        self._routine.wake()
        return self

    def abandon(self) -> None:
        """Nobody wants the connection any more."""
        self._abandoned = True
        if isinstance(self.outcome, StreamSocket):
            self.outcome.close()
        self._routine.wake()

    def opened(self) -> None:
        """A route has changed."""
        self._routine.wake()

    def _connect(self, wake: Wake) -> Steps[None]:
        for patience in PATIENCE:
            retry_at = self._clock.now() + patience
            if (yield from self._travel(self._there, wake)) and (yield from self._ask(wake)):
                return
            yield from self._until(retry_at, wake)
            if self._abandoned:
                return
        self.outcome = OSError(ETIMEDOUT, f"Connect call failed {self._address}")

    def _ask(self, wake: Wake) -> Steps[bool]:
        """The request has arrived; false if it stays unanswered, or the answer is lost."""
        target, port = self._target, self._address[1]
        obstacle = target.obstacle(port)
        if obstacle is not None:
            obstacle.touched.meet(self)
            if not obstacle.answers:
                return False
        listener = None if obstacle is not None else self._listener(port)
        if listener is not None and listener.full:
            return False
        if not (yield from self._travel(self._back, wake)):
            return False
        if listener is None:
            self.outcome = OSError(ECONNREFUSED, f"Connect call failed {self._address}")
        else:
            self.outcome = self._network.pair(self._source, target, self._address, listener)
        return True

    def _listener(self, port: int) -> Listener | None:
        listener = self._target.listeners.get(port)
        if listener is None or (listener.own_host_only and self._target is not self._source):
            return None
        return listener

    def _travel(self, route: Route, wake: Wake) -> Steps[bool]:
        """Cross *route*; false if the packet was lost on it, or nobody waits for it any more."""
        lag = route.latency + route.lag(self, 0)
        if lag:
            yield from self._until(self._clock.now() + lag, wake)
        met = False
        while route.blocked and not self._abandoned:
            if not met:
                route.meet(self, 0)
                met = True
            if route.is_cut:
                return False
            route.wait(self)
            yield
        return not self._abandoned

    def _until(self, when: float, wake: Wake) -> Steps[None]:
        ring = _Ring(wake)
        alarm = self._clock.call_at(when, ring)
        while not ring.rang and not self._abandoned:
            yield
        alarm.cancel()


class _Ring:
    """Remembers that an alarm rang, since a routine may be woken for other reasons."""

    def __init__(self, wake: Wake) -> None:
        self.rang = False
        self._wake = wake

    def __call__(self) -> None:
        self.rang = True
        self._wake()
