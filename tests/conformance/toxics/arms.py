"""
One test body, three proxies: the simulated one, our stand-in, and Toxiproxy itself.

An arm runs the body on its loop and says when two times are the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import aiohttp

from tests.conformance import real_time
from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.proxy import Proxy
from umt_sim.network.toxic import Direction

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Control(Protocol):
    """A proxy to be tormented. Changes return when every live connection has them."""

    address: tuple[str, int]

    async def add(
        self, type_: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: int
    ) -> None: ...
    async def update(self, name: str) -> None: ...
    async def remove(self, name: str) -> None: ...
    async def enable(self, *, enabled: bool) -> None: ...


class Arm(Protocol):
    def run(self, body: Callable[[], Coroutine[Any, Any, None]]) -> None: ...
    async def serve(self, serve: Serve) -> asyncio.Server: ...
    async def proxy(self, port: int | None = None) -> Control: ...
    def same(self, expected: float, actual: float) -> bool: ...


class VirtualArm:
    """The simulated network: times are exact to the nanosecond."""

    port = 7000

    def run(self, body: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with Kernel(seed=1) as kernel:
            self._network = Network(kernel)
            self._network.host("server")
            kernel.run(body())

    async def serve(self, serve: Serve) -> asyncio.Server:
        return await asyncio.start_server(serve, "server", self.port)

    async def proxy(self, port: int | None = None) -> Control:
        upstream = ("server", port or self.port)
        return _Virtual(self._network.proxy("proxy", listen=("proxy", 1), upstream=upstream))

    def same(self, expected: float, actual: float) -> bool:
        return round(expected, 9) == round(actual, 9)


class _Virtual:
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.address = proxy.listen

    async def add(
        self, type_: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: int
    ) -> None:
        direction = Direction(stream)
        await _done(
            lambda done: self._proxy.add_toxic(
                type_, attributes, direction=direction, toxicity=toxicity, done=done
            )
        )

    async def update(self, name: str) -> None:
        await _done(lambda done: self._proxy.update_toxic(name, done=done))

    async def remove(self, name: str) -> None:
        await _done(lambda done: self._proxy.remove_toxic(name, done))

    async def enable(self, *, enabled: bool) -> None:
        if enabled:
            self._proxy.enable()
        else:
            await _done(self._proxy.disable)


async def _done(change: Callable[[Callable[[], None]], object]) -> None:
    over = asyncio.Event()
    change(over.set)
    await over.wait()


class RealArm:
    """A server on real sockets: timers are late, and requests to its API take a while."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._server: asyncio.Server | None = None

    def run(self, body: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            async with aiohttp.ClientSession(self._url) as self._session:
                try:
                    await body()
                finally:
                    await self._session.post("/reset")
                    await self._session.delete("/proxies/crossing")

        real_time.run(main())

    async def serve(self, serve: Serve) -> asyncio.Server:
        self._server = await asyncio.start_server(serve, "127.0.0.1", 0)
        return self._server

    async def proxy(self, port: int | None = None) -> Control:
        if port is None:
            assert self._server is not None
            port = self._server.sockets[0].getsockname()[1]
        proxy = _Real(self._session)
        await proxy.create(port)
        return proxy

    def same(self, expected: float, actual: float) -> bool:
        return expected - 0.006 <= actual <= 1.05 * expected + 0.06


class _Real:
    path = "/proxies/crossing"

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.address = ("", 0)

    async def create(self, port: int) -> None:
        body = {"name": "crossing", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{port}"}
        async with self._session.post("/proxies", json=body) as answer:
            answer.raise_for_status()
            host, _, text = (await answer.json())["listen"].rpartition(":")
            self.address = (host, int(text))

    async def add(
        self, type_: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: int
    ) -> None:
        body = {
            "type": type_,
            "stream": stream,
            "toxicity": toxicity,
            "attributes": attributes,
        }
        await self._ask("POST", "/toxics", body)

    async def update(self, name: str) -> None:
        await self._ask("PATCH", f"/toxics/{name}", {})

    async def remove(self, name: str) -> None:
        await self._ask("DELETE", f"/toxics/{name}")

    async def enable(self, *, enabled: bool) -> None:
        await self._ask("PATCH", "", {"enabled": enabled})

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        async with self._session.request(method, self.path + path, json=body) as answer:
            answer.raise_for_status()
