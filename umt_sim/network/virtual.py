"""The ground of a simulated proxy: virtual time and the sockets of its host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from umt_sim.network.ground import Dialing, Listening
from umt_sim.network.routine import Wake
from umt_sim.network.site import Site

if TYPE_CHECKING:
    from random import Random

    from umt_sim.network.network import Network

__all__ = ["VirtualGround"]

BACKLOG = 4096  # Go's listeners ask for the system's maximum


class VirtualGround:
    """
    What a proxy on *site* stands on.

    Args:
        network: Its clock, routes and random streams are used.
        site: The proxy's own host.
    """

    def __init__(self, network: Network, site: Site) -> None:
        self._network = network
        self._site = site
        self.now = network.now
        self.call_at = network.call_at
        self.ring_at = network.ring_at

    def listen(self, address: tuple[str, int]) -> Listening:
        """Listen on this proxy's host."""
        return self._site.listen(self._site.ip, address[1], BACKLOG)

    def dial(self, address: tuple[str, int], wake: Wake) -> Dialing:
        """Connect from this proxy's host."""
        return self._network.dial(self._site, address, wake)

    def stream(self, path: str) -> Random:
        """The random stream of one concern."""
        return self._network.stream(path)
