"""The proxies of a stand-in server, by name, and the changes its API can make to them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from umt_sim.network.pipes import PIPES
from umt_sim.network.proxy import Proxy
from umt_sim.network.routine import Wake
from umt_sim.network.toxic import Direction, Toxic
from umt_sim.network.toxiproxy.addresses import joined, resolved, split
from umt_sim.network.toxiproxy.errors import (
    PROXY_EXISTS,
    PROXY_NOT_FOUND,
    STREAM_INVALID,
    TOXIC_EXISTS,
    TOXIC_NOT_FOUND,
    TYPE_INVALID,
    Refusal,
)
from umt_sim.network.toxiproxy.machine import MachineGround

__all__ = ["Population", "Served"]


class Served:
    """
    A proxy as its clients described it.

    Changes of its toxics happen one at a time, and each is over when every live
    connection has it; that may take as long as a stage cannot be interrupted.
    Switching it on and off takes turns too, but does not wait for those.

    Args:
        name: Unique.
        listen: As given; the real address once it was enabled.
        upstream: As given.
        ground: Where it stands.
    """

    def __init__(self, name: str, listen: str, upstream: str, ground: MachineGround) -> None:
        self.name = name
        self.upstream = upstream
        self.proxy = Proxy(name, listen=("", 0), upstream=("", 0), ground=ground)
        self._listen = listen
        self._streams: dict[Toxic, str] = {}
        self._turn = asyncio.Lock()
        self._toxics_turn = asyncio.Lock()

    @property
    def listen(self) -> str:
        """Where it listens, or is to listen."""
        return joined(self.proxy.listen) if self.proxy.enabled else self._listen

    def document(self) -> dict[str, Any]:
        """It and its toxics as the API shows them."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.proxy.enabled,
            "Logger": {},
            "toxics": self.toxic_documents(),
        }

    def toxic_documents(self) -> list[dict[str, Any]]:
        """Its toxics as the API shows them."""
        return [self.toxic_document(toxic) for toxic in self.proxy.toxics]

    def toxic_document(self, toxic: Toxic) -> dict[str, Any]:
        """A toxic as the API shows it, its stream in the creator's spelling."""
        whole = toxic.toxicity == int(toxic.toxicity)
        return {
            "attributes": toxic.pipe.attributes(),
            "name": toxic.name,
            "type": toxic.pipe.type,
            "stream": self._streams[toxic],
            "toxicity": int(toxic.toxicity) if whole else toxic.toxicity,
        }

    def toxic(self, name: str) -> Toxic:
        """The toxic of that name, or a refusal."""
        for toxic in self.proxy.toxics:
            if toxic.name == name:
                return toxic
        raise Refusal(*TOXIC_NOT_FOUND)

    async def enable(self) -> None:
        """Listen. A failure is told in Go's words."""
        async with self._turn:
            self._enable()

    async def disable(self) -> None:
        """Stop listening and end every connection."""
        async with self._turn:
            await self._disable()

    async def change(self, listen: str, upstream: str, *, enabled: bool) -> None:
        """Move it, which ends its connections, and switch it on or off."""
        async with self._turn:
            if self.differs(listen, upstream):
                await self._disable()
                self._listen, self.upstream = listen, upstream
            if enabled:
                self._enable()
            else:
                await self._disable()

    def differs(self, listen: str, upstream: str) -> bool:
        """Whether these are other addresses than its own."""
        try:
            return self.listen != resolved(listen) or self.upstream != upstream
        except (ValueError, OSError) as error:
            raise Refusal(str(error), 500) from error

    async def add_toxic(
        self, given: dict[str, Any], read_attributes: Callable[[Toxic], None]
    ) -> Toxic:
        """
        Append a toxic.

        Args:
            given: ``name``, ``type``, ``stream`` and ``toxicity`` as requested.
            read_attributes: Sets the attributes, once it is known what they may be.
        """
        async with self._toxics_turn:
            try:
                direction = Direction(given["stream"].lower())
            except ValueError as error:
                raise Refusal(*STREAM_INVALID) from error
            if given["type"] not in PIPES:
                raise Refusal(*TYPE_INVALID)
            name = given["name"] or f"{given['type']}_{given['stream']}"
            if any(toxic.name == name for toxic in self.proxy.toxics):
                raise Refusal(*TOXIC_EXISTS)
            toxic = Toxic(name, direction, PIPES[given["type"]](), given["toxicity"])
            read_attributes(toxic)
            self._streams[toxic] = given["stream"]
            await _done(lambda done: self.proxy.install(toxic, done))
            return toxic

    async def update_toxic(self, name: str, read: Callable[[Toxic], float]) -> Toxic:
        """Let *read* change a toxic's attributes and tell its toxicity; then start it anew."""
        async with self._toxics_turn:
            toxic = self.toxic(name)
            toxicity = read(toxic)
            await _done(lambda done: self.proxy.update_toxic(name, toxicity=toxicity, done=done))
            return toxic

    async def remove_toxic(self, name: str) -> None:
        """Take a toxic away."""
        async with self._toxics_turn:
            toxic = self.toxic(name)
            await _done(lambda done: self.proxy.remove_toxic(name, done))
            self._streams.pop(toxic)

    async def remove_toxics(self) -> None:
        """Take every toxic away."""
        for toxic in self.proxy.toxics:
            await self.remove_toxic(toxic.name)

    def _enable(self) -> None:
        if self.proxy.enabled:
            return
        try:
            self.proxy.listen = split(self._listen)
        except ValueError as error:
            raise Refusal(f"listen tcp: {error}", 500) from error
        try:
            self.proxy.upstream = split(self.upstream)
        except ValueError:
            self.proxy.upstream = (self.upstream, 0)  # every connection to it will fail
        try:
            self.proxy.enable()
        except OSError as error:
            if error.errno == socket.EAI_NONAME:
                host, _ = self.proxy.listen
                raise Refusal(f"listen tcp: lookup {host}: no such host", 500) from error
            text = (error.strerror or str(error)).split(" (while attempting")[0].lower()
            raise Refusal(f"listen tcp {self._listen}: bind: {text}", 500) from error
        self._listen = joined(self.proxy.listen)

    async def _disable(self) -> None:
        await _done(self.proxy.disable)


class Population:
    """
    Every proxy of a server.

    Args:
        ground: Where they stand.
    """

    def __init__(self, ground: MachineGround) -> None:
        self._ground = ground
        self._served: dict[str, Served] = {}

    def all(self) -> list[Served]:
        """Every proxy, in order of creation."""
        return list(self._served.values())

    def named(self, name: str) -> Served:
        """The proxy of that name, or a refusal."""
        if name not in self._served:
            raise Refusal(*PROXY_NOT_FOUND)
        return self._served[name]

    async def add(self, given: dict[str, Any]) -> Served:
        """Create a proxy, enabled if so asked."""
        if given["name"] in self._served:
            raise Refusal(*PROXY_EXISTS)
        return await self._start(given)

    async def add_or_replace(self, given: dict[str, Any]) -> Served:
        """Create a proxy; one of that name stays if its addresses are the same, else it goes."""
        existing = self._served.get(given["name"])
        if existing is not None:
            if not existing.differs(given["listen"], given["upstream"]):
                return existing
            await existing.disable()
        return await self._start(given)

    async def remove(self, name: str) -> None:
        """End a proxy and forget it."""
        await self.named(name).disable()
        self._served.pop(name, None)

    async def stop(self) -> None:
        """End every proxy."""
        await self._ground.stop()
        for served in self.all():
            await self.remove(served.name)

    async def _start(self, given: dict[str, Any]) -> Served:
        served = Served(given["name"], given["listen"], given["upstream"], self._ground)
        if given["enabled"]:
            await served.enable()
        self._served[served.name] = served
        return served


async def _done(change: Callable[[Wake], object]) -> None:
    """Wait until a change says that it is over."""
    over = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not over.done():
            over.set_result(None)

    change(wake)
    await over
