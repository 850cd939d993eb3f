"""A line to a server that can be cut: our proxy, on the simulated network or on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from umt_sim.kernel.loop import SimLoop
from umt_sim.network.network import HARNESS, Network
from umt_sim.network.proxy import Proxy
from umt_sim.network.toxic import Direction
from umt_sim.network.toxiproxy.machine import MachineGround

__all__ = ["Line"]


class Line:
    """
    A proxy before a server, on whatever the running loop stands on.

    Args:
        host: The server's.
        port: The server's.

    Attributes:
        host: Where clients connect.
        port: Where clients connect.
    """

    def __init__(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(loop, SimLoop):
            network = loop._source
            assert isinstance(network, Network)
            self.host, self.port = HARNESS, 4000
            self._proxy = network.proxy("line", listen=(HARNESS, 4000), upstream=(host, port))
            return
        self._proxy = Proxy(
            "line",
            listen=("127.0.0.1", 0),
            upstream=(host, port),
            ground=MachineGround(loop, Random),
        )
        self._proxy.enable()
        self.host, self.port = self._proxy.listen

    @property
    def connections(self) -> int:
        """How many go through it now."""
        return self._proxy.connections

    def cut(self) -> None:
        """End every connection and refuse others."""
        self._proxy.disable()

    def mend(self) -> None:
        """Let clients through again."""
        self._proxy.enable()

    async def swallow_answers(self) -> None:
        """From now on lose what the server says; what clients say still arrives."""
        await self._changed(
            lambda done: self._proxy.add_toxic(
                "timeout", {"timeout": 0}, direction=Direction.DOWNSTREAM, done=done
            )
        )

    async def _changed(self, change: Callable[[Callable[[], None]], object]) -> None:
        over = asyncio.Event()
        change(over.set)
        await over.wait()
