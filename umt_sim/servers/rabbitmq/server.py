"""The broker as a server: starts, stops, restarts, crashes, raises alarms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from umt_sim.servers.capacity import Instant
from umt_sim.servers.rabbitmq.core.ledger import Ledger, Recorded, Silent
from umt_sim.servers.rabbitmq.core.ports import Names
from umt_sim.servers.rabbitmq.core.virtual_host import VirtualHost
from umt_sim.servers.rabbitmq.protocol.connection import Connection
from umt_sim.servers.rabbitmq.protocol.line import Workers
from umt_sim.servers.rabbitmq.rules import RABBITMQ_4, Rules

if TYPE_CHECKING:
    from random import Random

    from umt_sim.journal.recorder import Recorder
    from umt_sim.servers.capacity import Capacity

__all__ = ["RabbitMQ"]

_GUEST = {"guest": "guest"}
_GOODBYE = 5.0  # seconds a stopping broker gives clients to read what it sent them


class RabbitMQ:
    """
    An AMQP 0-9-1 broker with RabbitMQ's behaviour, on whatever loop is running.

    What is declared and published lives in this object, so a broker that is stopped
    and started again is a node that restarts: durable queues and exchanges are there,
    persistent messages in them too, the rest is gone. An instance belongs to the loop
    of its first start.

    Left out: clusters, streams, policies, permissions finer than a password,
    transactions (refused with 540) and direct reply-to.

    Args:
        name: Whose queues they are, in the journal.
        rules: The version of RabbitMQ to follow.
        stream: Randomness for the names the broker makes up.
        wall_clock: Date and time, for the ``x-death`` header only.
        capacity: What holds operations up: ``publish``, ``deliver``, ``get``, ``ack``,
            ``declare``. Without it each has its effect at once.
        recorder: The run's journal, if somebody reads it.
        accounts: Passwords by user.
        hosts: Names of the virtual hosts.
    """

    def __init__(
        self,
        *,
        name: str = "rabbitmq",
        rules: Rules = RABBITMQ_4,
        stream: Random,
        wall_clock: Callable[[], datetime],
        capacity: Capacity | None = None,
        recorder: Recorder | None = None,
        accounts: Mapping[str, str] = _GUEST,
        hosts: tuple[str, ...] = ("/",),
    ) -> None:
        self.name = name
        self.rules = rules
        self.accounts = dict(accounts)
        self.hosts: dict[str, VirtualHost] = {}
        self.alarms: tuple[str, ...] = ()
        self.batching = False
        self.workers: Workers | None = None
        if capacity is not None and not isinstance(capacity, Instant):
            self.workers = Workers(capacity)
        self._host_names = hosts
        self._names = Names(stream)
        self._wall_clock = wall_clock
        self._recorder = recorder
        self._server: asyncio.Server | None = None
        self._address = ("", 0)
        self._connections: dict[Connection, None] = {}
        self._all_gone: asyncio.Future[None] | None = None
        self._unflushed: dict[Connection, None] = {}
        self._flush_handle: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop

    # Life.

    async def start(self, host: str, port: int) -> None:
        """
        Listen; port 0 takes a free one.

        Raises:
            OSError: The address cannot be used.
        """
        self._loop = loop = asyncio.get_running_loop()
        if self.hosts:
            for known in self.hosts.values():
                known.come_up()
        else:
            self._make_hosts()
        self._server = await loop.create_server(lambda: Connection(self, loop), host, port)
        self._address = (host, self._server.sockets[0].getsockname()[1])

    def _make_hosts(self) -> None:
        ledger: Ledger = Silent()
        if self._recorder is not None:
            ledger = Recorded(self.name, self._recorder, self._loop)
        self.hosts = {
            name: VirtualHost(
                name,
                rules=self.rules,
                timeline=self._loop,
                wall_clock=self._wall_clock,
                names=self._names,
                ledger=ledger,
            )
            for name in self._host_names
        }

    @property
    def port(self) -> int:
        """The port it listens on, or did last."""
        return self._address[1]

    async def stop(self) -> None:
        """Close every connection with ``connection.close`` 320, as a node that is shut down."""
        self._stop_listening()
        if self._connections:
            self._all_gone = self._loop.create_future()
            self._freeze()
            for connection in list(self._connections):
                connection.shut_down()
            try:
                async with asyncio.timeout(_GOODBYE):
                    await self._all_gone
            except TimeoutError:
                self._abort()
        if self.workers is not None:
            self.workers.drop()
        self._go_down()

    def crash(self) -> None:
        """Vanish: connections are reset, nothing is said, what was under way did not happen."""
        self._stop_listening()
        self._freeze()
        if self.workers is not None:
            self.workers.drop()
        self._abort()
        self._go_down()

    async def restart(self, *, down_for: float = 0.0) -> None:
        """
        Stop, stay away for *down_for* seconds, and come back at the same address.

        Raises:
            RuntimeError: It was never started.
        """
        if not self.hosts:
            raise RuntimeError("a broker that was never started cannot restart")
        await self.stop()
        await asyncio.sleep(down_for)
        await self.start(*self._address)

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _freeze(self) -> None:
        # Messages of one closing connection must not go to the next one to close.
        for connection in self._connections:
            connection.freeze()

    def _abort(self) -> None:
        for connection in list(self._connections):
            connection.crash()

    def _go_down(self) -> None:
        self.alarms = ()
        if self.workers is not None:
            self.workers.capacity.restart()
        for host in self.hosts.values():
            host.go_down()
            host.ledger.settle()

    # Alarms.

    def set_alarm(self, resource: str) -> None:
        """
        Run low on *resource*, ``memory`` or ``disk``: connections that publish are stopped.

        They get ``connection.blocked`` with their next message and are not read any further.
        """
        if resource not in self.alarms:
            self.alarms += (resource,)

    def clear_alarm(self, resource: str) -> None:
        """Have enough of *resource* again; the last one to be cleared lets publishers go on."""
        self.alarms = tuple(other for other in self.alarms if other != resource)
        if not self.alarms:
            for connection in list(self._connections):
                connection.unblock()

    # What connections ask for.

    def connected(self, connection: Connection) -> None:
        """A client came."""
        self._connections[connection] = None

    def disconnected(self, connection: Connection) -> None:
        """A client is gone."""
        self._connections.pop(connection, None)
        if not self._connections and self._all_gone is not None and not self._all_gone.done():
            self._all_gone.set_result(None)

    def wants_flush(self, connection: Connection) -> None:
        """*connection* has something to write, now or at the end of this batch."""
        self._unflushed[connection] = None
        if not self.batching and self._flush_handle is None:
            self._flush_handle = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what was batched: one ``write`` for each connection."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        self.batching = True  # confirms are added now, and written in the same turn
        while self._unflushed:
            batch, self._unflushed = self._unflushed, {}
            for connection in batch:
                connection.flush()
        self.batching = False
