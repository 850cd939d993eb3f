"""Plays vectors through a simulated proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.conformance.toxics.vectors import END, RESET, Arrivals, Vector
from umt_sim.network.network import Network
from umt_sim.network.proxy import Proxy
from umt_sim.network.toxic import Direction


async def play(vector: Vector, direction: Direction, network: Network) -> Arrivals:
    """Play a vector through a proxy and return what arrived."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[Any] = loop.create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result((reader, writer))

    network.host("server")
    server = await asyncio.start_server(serve, "server", 1)
    proxy = _Proxy(network.proxy("proxy", listen=("proxy", 1), upstream=("server", 1)), direction)
    for toxic in vector.toxics:
        proxy.add(toxic)
    client = await asyncio.open_connection("proxy", 1)
    ends = [client, await accepted]
    sender, receiver = ends if direction is Direction.UPSTREAM else reversed(ends)
    started = loop.time()
    assert started == 0.0
    seen = Arrivals()
    async with asyncio.TaskGroup() as group:
        receiving = group.create_task(_receive(receiver[0], seen))
        group.create_task(_send(sender, vector.plan))
        for op in vector.ops:
            loop.call_at(op["at"] / 1000, proxy.operation(op))
        await asyncio.sleep(vector.last_moment / 1000 + 1)
        receiving.cancel()
    for _, writer in ends:
        writer.transport.abort()
    server.close()
    return seen


async def _receive(reader: asyncio.StreamReader, seen: Arrivals) -> None:
    loop = asyncio.get_running_loop()
    ending = END
    try:
        while data := await reader.read(1 << 20):
            seen.add(_ms(loop.time()), len(data))
    except ConnectionResetError:
        ending = RESET
    seen.add(_ms(loop.time()), ending)


async def _send(
    sender: tuple[asyncio.StreamReader, asyncio.StreamWriter], plan: list[tuple[float, int | str]]
) -> None:
    """Send as planned. A proxy that has closed the connection takes nothing more."""
    loop = asyncio.get_running_loop()
    writer = sender[1]
    try:
        for at, what in plan:
            await asyncio.sleep(at / 1000 - loop.time())
            if isinstance(what, int):
                writer.write(b"x" * what)
            else:
                writer.write_eof()
    except OSError:
        pass


class _Proxy:
    """A proxy whose toxics in one direction have positions, as the vectors give them."""

    def __init__(self, proxy: Proxy, direction: Direction) -> None:
        self._proxy = proxy
        self._direction = direction
        self._added = 0

    def add(self, toxic: dict[str, Any]) -> None:
        self._added += 1
        self._proxy.add_toxic(
            toxic["type"],
            toxic["attributes"],
            direction=self._direction,
            toxicity=toxic["toxicity"],
            name=f"toxic {self._added}",
        )

    def operation(self, op: dict[str, Any]) -> Callable[[], object]:
        args = op["args"]
        match op["do"]:
            case "add":
                return lambda: self.add(args[0])
            case "update":
                return lambda: self._proxy.update_toxic(self._name(args[0]), args[1])
            case "remove":
                return lambda: self._proxy.remove_toxic(self._name(args[0]))
            case unknown:
                raise ValueError(
                    f"the vector asks for {unknown!r}; add, update and remove are known"
                )

    def _name(self, position: int) -> str:
        return self._proxy.toxics[position - 1].name


def _ms(seconds: float) -> float:
    """Milliseconds, rounded to the nanosecond."""
    return round(seconds * 1000, 6)
