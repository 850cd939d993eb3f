"""The server: listens, accepts, stops, restarts with or without its data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from umt_sim.servers.redis.connection import Connection
from umt_sim.servers.redis.engine import Engine, Persistence

if TYPE_CHECKING:
    from random import Random

    from umt_sim.servers.capacity import Capacity

__all__ = ["Redis"]


class Redis:
    """
    A Redis server on the running loop.

    Args:
        capacity: How many commands at once, and how long each takes. The operation is the
            command's name in capitals: ``GET``, ``CONFIG GET``, ``UNKNOWN``.
        clock: Unix time in seconds (``time.time``, virtual inside the kernel). Expiry is
            measured by it; fakeredis reads ``time.time`` itself for stream ids and TIME.
        stream: What random evictions are drawn from.
        config: Redis configuration, as for CONFIG SET: ``{"requirepass": "secret"}``.
        persistence: What of the data ``stop`` or ``restart`` leaves for the next ``start``.
        snapshot_every: Seconds between two snapshots of their own accord, under
            ``Persistence.SNAPSHOT``; one more is taken by ``stop``. ``None`` leaves it to SAVE
            and BGSAVE.

    Raises:
        ValueError: The configuration has a name or value that is not modelled.
    """

    def __init__(
        self,
        *,
        capacity: Capacity,
        clock: Callable[[], float],
        stream: Random,
        config: Mapping[str, str] | None = None,
        persistence: Persistence = Persistence.ALWAYS,
        snapshot_every: float | None = None,
    ) -> None:
        if snapshot_every is not None and snapshot_every <= 0:
            raise ValueError(f"snapshot_every must be above 0 seconds, got {snapshot_every!r}")
        self._capacity = capacity
        self._clock = clock
        self._stream = stream
        self._config = {k.encode(): v.encode() for k, v in (config or {}).items()}
        self._persistence = persistence
        self._snapshot_every = snapshot_every
        self._disk: dict[int, dict[bytes, Any]] = {}
        self._connections: dict[Connection, None] = {}
        self._listener: asyncio.Server | None = None
        self._snapshots: asyncio.Task[None] | None = None
        self._engine = self._new_engine()

    def _new_engine(self) -> Engine:
        return Engine(clock=self._clock, config=self._config, stream=self._stream)

    @property
    def port(self) -> int:
        """
        The port that is listened on.

        Raises:
            RuntimeError: The server is not started.
        """
        if self._listener is None:
            raise RuntimeError("the Redis server is not started")
        return int(self._listener.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Load what was kept, and listen; port 0 picks a free one."""
        self._engine = self._new_engine()
        self._engine.load(self._disk)
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(
                engine=self._engine,
                capacity=self._capacity,
                open_connections=self._connections,
            ),
            host,
            port,
        )
        if self._snapshot_every is not None:
            self._snapshots = asyncio.create_task(self._keep_saving(self._snapshot_every))

    async def _keep_saving(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            self._engine.save()

    async def stop(self) -> None:
        """
        Stop listening, break all connections, keep what persistence keeps.

        Source: Redis saves before it ends in good order if it saves by itself at all
        (``prepareForShutdown`` in server.c).
        """
        if self._listener is not None:
            if self._snapshot_every is not None:
                self._engine.save()
            self.crash()
            await asyncio.sleep(0)  # the transports close in a turn of their own

    def crash(self) -> None:
        """
        Vanish: connections break, and what was being served did not happen.

        ``start`` comes back with what persistence keeps. That is the same as after ``stop``
        but for a snapshot, which nobody takes now: Redis says nothing to its clients then
        either, and every other write is on its disk at once or never.
        Usable also when the host of the server has lost its power.

        Raises:
            RuntimeError: The server is not started.
        """
        if self._listener is None:
            raise RuntimeError("the Redis server is not started")
        self._listener.close()
        self._listener = None
        if self._snapshots is not None:
            self._snapshots.cancel()
        for connection in list(self._connections):
            connection.abort()
        self._capacity.restart()
        self._disk = self._kept()

    async def restart(self, *, down_for: float = 0.0) -> None:
        """
        Stop, stay away for *down_for* seconds, and start again on the same port.

        Whoever is connected loses the connection. What is left of the data is
        ``persistence``; how slow the start is, the capacity's warm-up.
        """
        if self._listener is None:
            raise RuntimeError("a Redis server that is not started cannot restart")
        host, port = self._listener.sockets[0].getsockname()[:2]
        await self.stop()
        await asyncio.sleep(down_for)
        await self.start(host, port)

    def _kept(self) -> dict[int, dict[bytes, Any]]:
        if self._persistence is Persistence.NONE:
            return {}
        if self._persistence is Persistence.SNAPSHOT:
            return self._engine.saved
        return self._engine.contents()
