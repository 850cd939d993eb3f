"""Plays vectors through a proxy on real sockets, all at once so that it takes little time."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp

from tests.conformance.toxics.vectors import END, RESET, Arrivals, Vector

SETTLING = 0.004  # seconds, less than the vectors' tolerance for being early
SILENCE = 0.4  # seconds to listen after everything should have happened
CHUNK = 1 << 20


async def play_all(url: str, vectors: list[Vector], direction: str) -> dict[str, Arrivals]:
    """What arrived, by vector."""
    async with aiohttp.ClientSession(url) as session:
        played = await asyncio.gather(
            *(_play(session, vector, direction, number) for number, vector in enumerate(vectors))
        )
    return {vector.id: seen for vector, seen in zip(vectors, played, strict=True)}


async def _play(
    session: aiohttp.ClientSession, vector: Vector, direction: str, number: int
) -> Arrivals:
    await asyncio.sleep(0.02 * number)  # set-up costs time on the clock of the others
    loop = asyncio.get_running_loop()
    proxy = _Proxy(session, f"{direction} {vector.id}", direction)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        address = await proxy.create(listener.getsockname()[1])
        for toxic in vector.toxics:
            await proxy.add(toxic)
        client = socket.socket()
        client.settimeout(0)
        await loop.sock_connect(client, address)
        server, _ = await loop.sock_accept(listener)
        server.settimeout(0)
        # Both peers are connected a moment before the proxy has set up its links.
        await asyncio.sleep(SETTLING)
        started = loop.time()
    sender, receiver = (client, server) if direction == "upstream" else (server, client)
    seen = Arrivals()
    try:
        async with asyncio.timeout(vector.last_moment / 1000 + SILENCE):
            await asyncio.gather(
                _receive(receiver, seen, started),
                _send(sender, vector.plan, started),
                _operate(proxy, vector.ops, started),
                asyncio.sleep(60),
            )
    except TimeoutError:
        pass
    finally:
        client.close()
        server.close()
        await proxy.delete()
    return seen


async def _receive(sock: socket.socket, seen: Arrivals, started: float) -> None:
    loop = asyncio.get_running_loop()
    ending = END
    try:
        while data := await loop.sock_recv(sock, CHUNK):
            seen.add((loop.time() - started) * 1000, len(data))
    except ConnectionResetError:
        ending = RESET
    seen.add((loop.time() - started) * 1000, ending)


async def _send(sock: socket.socket, plan: list[tuple[float, int | str]], started: float) -> None:
    """Send as planned. A proxy that has closed the connection takes nothing more."""
    loop = asyncio.get_running_loop()
    try:
        for at, what in plan:
            await _until(started + at / 1000)
            if isinstance(what, int):
                await loop.sock_sendall(sock, b"x" * what)
            else:
                sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


async def _operate(proxy: _Proxy, ops: list[dict[str, Any]], started: float) -> None:
    for op in ops:
        await _until(started + op["at"] / 1000)
        await proxy.operate(op)


async def _until(when: float) -> None:
    await asyncio.sleep(when - asyncio.get_running_loop().time())


class _Proxy:
    """One proxy of a server, through its API."""

    def __init__(self, session: aiohttp.ClientSession, name: str, direction: str) -> None:
        self._session = session
        self._name = name.replace(" ", "-")
        self._direction = direction
        self._toxics: list[str] = []
        self._added = 0

    async def create(self, port: int) -> tuple[str, int]:
        made = await self._ask(
            "POST",
            "/proxies",
            {"name": self._name, "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{port}"},
        )
        host, _, port_text = made["listen"].rpartition(":")
        return host, int(port_text)

    async def delete(self) -> None:
        await self._ask("DELETE", f"/proxies/{self._name}")

    async def add(self, toxic: dict[str, Any]) -> None:
        self._added += 1
        name = f"toxic-{self._added}"
        self._toxics.append(name)
        body = toxic | {"name": name, "stream": self._direction}
        await self._ask("POST", f"/proxies/{self._name}/toxics", body)

    async def operate(self, op: dict[str, Any]) -> None:
        match op["do"], op["args"]:
            case "add", [toxic]:
                await self.add(toxic)
            case "update", [position, attributes]:
                path = f"/proxies/{self._name}/toxics/{self._toxics[position - 1]}"
                await self._ask("PATCH", path, {"attributes": attributes})
            case "remove", [position]:
                name = self._toxics.pop(position - 1)
                await self._ask("DELETE", f"/proxies/{self._name}/toxics/{name}")
            case what:
                raise ValueError(f"the vector asks for {what}; add, update and remove are known")

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        async with self._session.request(method, path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json() if answer.status != 204 else None
