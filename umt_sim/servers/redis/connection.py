"""
One client's connection: commands in the order they came, replies in that order.

Each command is held up by the server's capacity and takes effect when that is done.
A pipeline's replies leave together, once there is nothing more to do, as Redis sends
what one turn of its event loop produced.

What was received is carried out even if the client has closed its end meanwhile: the
request had arrived. A reset is different: the operating system throws away what the
server had not begun.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from fakeredis._helpers import NoResponse

from umt_sim.servers.capacity import QueueFull, Restarted
from umt_sim.servers.redis.engine import Wait
from umt_sim.servers.redis.resp import Parser, ProtocolError, encoder, push
from umt_sim.servers.redis.session import Session

if TYPE_CHECKING:
    from umt_sim.servers.capacity import Capacity
    from umt_sim.servers.redis.engine import Engine

__all__ = ["Connection"]

# Unprocessed commands beyond this stay in the socket, so that the client feels them.
_MOST_PENDING = 1000
# A subscriber that does not read is disconnected (`client-output-buffer-limit pubsub`).
_MOST_UNREAD = 32 * 1024 * 1024


class Connection(asyncio.Protocol):
    """
    The server's end of one connection.

    Args:
        engine: The state behind all connections.
        capacity: How long commands take.
        open_connections: The server's connections; this one is there while it is open.
        most_connections: ``maxclients``.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        capacity: Capacity,
        open_connections: dict[Connection, None],
    ) -> None:
        self._engine = engine
        self._capacity = capacity
        self._open_connections = open_connections
        self._loop = asyncio.get_running_loop()
        self._parser = Parser()
        self._pending: deque[list[bytes]] = deque()
        self._wrong: ProtocolError | None = None
        self._replies: list[bytes] = []
        self._idle: asyncio.Future[None] | None = None  # while there is nothing to do
        self._ending = False  # no more commands will come
        self._transport: asyncio.Transport
        self._session: Session
        self.task: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the client, unless there are too many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if len(self._open_connections) >= int(self._engine.config[b"maxclients"]):
            transport.write(b"-ERR max number of clients reached\r\n")
            transport.close()
            return
        self._session = Session(
            self._engine,
            address=_text(transport.get_extra_info("peername")),
            local_address=_text(transport.get_extra_info("sockname")),
            send=self._push,
            disconnect=self._end,
        )
        self._open_connections[self] = None
        self.task = self._loop.create_task(self._converse(), name="redis-connection")
        self.task.add_done_callback(self._report)

    def data_received(self, data: bytes) -> None:
        """Take the commands that are complete."""
        if self._ending:
            return
        try:
            self._pending.extend(self._parser.feed(data))
        except ProtocolError as error:
            message, commands = error.args
            self._pending.extend(commands)
            self._wrong = ProtocolError(message)
            self._end()
        if len(self._pending) > _MOST_PENDING:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The client has closed its end: finish what it sent, then close ours."""
        self._end()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the client."""
        if self not in self._open_connections:
            return
        del self._open_connections[self]
        if error is not None:
            self._pending.clear()
        self._end()

    def abort(self) -> None:
        """Break the connection, as when the server's process dies."""
        self._pending.clear()
        self._transport.abort()

    def _report(self, task: asyncio.Task[None]) -> None:
        """Tell the loop at once if the conversation ended by a bug of ours."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler(
                {"message": "a Redis connection failed", "exception": error, "task": task}
            )

    def _end(self) -> None:
        self._ending = True
        self._wake()

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    async def _converse(self) -> None:
        """Carry out one command after the other until the client has gone."""
        try:
            while await self._has_command():
                if not await self._carry_out(self._pending.popleft()):
                    return
            if self._wrong is not None:
                self._replies.append(b"-ERR %b\r\n" % self._wrong.args[0].encode())
            self._flush()
        finally:
            self._session.close()
            self._transport.close()

    async def _has_command(self) -> bool:
        while not self._pending:
            if self._ending:
                return False
            self._flush()
            self._idle = self._loop.create_future()
            try:
                await self._idle
            finally:
                self._idle = None
        return True

    async def _carry_out(self, fields: list[bytes]) -> bool:
        """Run one command when the capacity is done with it; whether to go on."""
        command = self._engine.command(fields)
        try:
            await self._capacity.serve(
                "UNKNOWN" if command is None else command.operation,
                size=sum(map(len, fields)),
            )
        except (QueueFull, Restarted):
            self._transport.abort()
            return False
        reply = self._session.execute(command, fields)
        if reply.__class__ is Wait:
            self._flush()
            reply = await self._outcome(reply)
        if reply.__class__ is not NoResponse:
            self._replies.append(encoder(self._session.protocol)(reply))
        if len(self._pending) == _MOST_PENDING:
            self._transport.resume_reading()
        return True

    async def _outcome(self, wait: Wait) -> Any:
        """Wait for a key, until time is up or the client goes away."""
        wait.answer = self._loop.create_future()
        self._engine.waiting[self._session] = wait
        self._session._blocked = True
        try:
            async with asyncio.timeout(wait.seconds):
                return await wait.answer
        except TimeoutError:
            return wait.shape(None)
        finally:
            self._engine.waiting.pop(self._session, None)
            self._session._blocked = False

    def _push(self, message: list[Any]) -> None:
        self._replies.append(push(self._session.protocol, message))
        if self._idle is not None:
            self._flush()

    def _flush(self) -> None:
        if not self._replies:
            return
        if not self._transport.is_closing():
            self._transport.write(b"".join(self._replies))
            if self._transport.get_write_buffer_size() > _MOST_UNREAD and self._session._pubsub:
                self._transport.abort()
        self._replies.clear()


def _text(address: Any) -> str:
    return f"{address[0]}:{address[1]}" if address else ""
