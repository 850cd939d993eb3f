"""
One client's connection: commands in the order they came, replies in that order.

Each command is held up by the server's capacity and takes effect when that is done.
A pipeline's replies leave together, once there is nothing more to do, as Redis sends
what one turn of its event loop produced.

There is no task: the next step is called when the capacity says so, which spares two
turns of the loop for each command.

What was received is carried out even if the client has closed its end meanwhile: the
request had arrived. A reset is different: the operating system throws away what the
server had not begun.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from fakeredis._helpers import NoResponse

from umt_sim.servers.redis.engine import Wait
from umt_sim.servers.redis.resp import Parser, ProtocolError, encoder, push
from umt_sim.servers.redis.session import Session

if TYPE_CHECKING:
    from umt_sim.servers.capacity import Capacity
    from umt_sim.servers.redis.engine import Command, Engine

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
        self._context = copy_context()  # the server's host, where every step belongs
        self._parser = Parser()
        self._pending: deque[list[bytes]] = deque()
        self._wrong: ProtocolError | None = None
        self._replies: list[bytes] = []
        self._fields: list[bytes] | None = None  # of the command under way
        self._command: Command | None = None
        self._timer: asyncio.TimerHandle | None = None  # ends the wait of a blocking command
        self._advancing = False
        self._ending = False  # no more commands will come
        self._transport: asyncio.Transport
        self._session: Session

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the client, unless there are too many."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if len(self._open_connections) >= int(self._engine.config[b"maxclients"]):
            transport.write(b"-ERR max number of clients reached\r\n")
            transport.close()
            self._ending = True
            return
        self._session = Session(
            self._engine,
            address=_text(transport.get_extra_info("peername")),
            local_address=_text(transport.get_extra_info("sockname")),
            send=self._push,
            disconnect=self._hang_up,
        )
        self._open_connections[self] = None

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
            self._ending = True
        if len(self._pending) > _MOST_PENDING:
            self._transport.pause_reading()
        self._advance()

    def eof_received(self) -> bool:
        """The client has closed its end: finish what it sent, then close ours."""
        self._end()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the client. What it reset was not read; what it closed properly was."""
        if self not in self._open_connections:
            return
        del self._open_connections[self]
        if error is not None:
            self._pending.clear()
        self._end()

    def abort(self) -> None:
        """Break the connection, as when the server's process dies."""
        self._pending.clear()
        self._ending = True
        self._open_connections.pop(self, None)
        self._leave()
        self._transport.abort()

    def _hang_up(self) -> None:
        """Close after the command under way, whatever else was sent (QUIT, CLIENT KILL)."""
        self._pending.clear()
        self._end()

    def _end(self) -> None:
        """No more commands will come. Who waits for a key stops waiting."""
        self._ending = True
        if self._session._blocked:
            self._pending.clear()
            self._stop_waiting()
            self._fields = None
        self._advance()

    def _advance(self) -> None:
        """Begin the next command, if none is under way; send replies when there is no other."""
        if self._advancing:
            return
        self._advancing = True
        pending = self._pending
        while pending and self._fields is None:
            fields = self._fields = pending.popleft()
            command = self._command = self._engine.command(fields)
            operation = "UNKNOWN" if command is None else command.operation
            self._capacity.submit(operation, sum(map(len, fields)), self._served)
            if len(pending) == _MOST_PENDING:
                self._transport.resume_reading()
        self._advancing = False
        if self._fields is None or self._session._blocked:
            self._flush()
        if self._ending and self._fields is None and not pending:
            self._finish()

    def _served(self, error: Exception | None) -> None:
        """The capacity is done with the command: now, or in a turn of its own."""
        if self._advancing:
            self._carry_out(error)
        else:
            self._loop.call_soon(self._go_on, error, context=self._context)

    def _go_on(self, error: Exception | None) -> None:
        self._carry_out(error)
        self._advance()

    def _carry_out(self, error: Exception | None) -> None:
        """Run the command under way, unless the capacity refused it: then the client is cut off."""
        fields = self._fields
        if fields is None:
            return  # the connection was broken meanwhile
        if error is not None:
            self.abort()
            return
        reply = self._session.execute(self._command, fields)
        if reply.__class__ is Wait:
            self._wait(reply)
        else:
            self._answer(reply)

    def _answer(self, reply: Any) -> None:
        if reply.__class__ is not NoResponse:
            self._replies.append(encoder(self._session.protocol)(reply))
        self._fields = None

    def _wait(self, wait: Wait) -> None:
        """Wait for a key until there is something or time is up."""
        wait.answer = self._waited
        self._engine.waiting[self._session] = wait
        self._session._blocked = True
        if wait.seconds is not None:
            self._timer = self._loop.call_later(wait.seconds, self._time_is_up, wait)

    def _time_is_up(self, wait: Wait) -> None:
        self._waited(wait.shape(None))

    def _waited(self, reply: Any) -> None:
        self._stop_waiting()
        self._answer(reply)
        self._advance()

    def _stop_waiting(self) -> None:
        self._engine.waiting.pop(self._session, None)
        self._session._blocked = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _push(self, message: list[Any]) -> None:
        """Send a message of a channel: after what is being answered, else at once."""
        self._replies.append(push(self._session.protocol, message))
        if self._fields is None:
            self._flush()

    def _flush(self) -> None:
        if not self._replies:
            return
        data = b"".join(self._replies)
        self._replies.clear()
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._session._pubsub and self._transport.get_write_buffer_size() > _MOST_UNREAD:
            self._transport.abort()

    def _finish(self) -> None:
        """All was carried out and no more will come."""
        if self._wrong is not None:
            self._replies.append(b"-ERR %b\r\n" % self._wrong.args[0].encode())
            self._flush()
        self._leave()
        self._transport.close()

    def _leave(self) -> None:
        self._stop_waiting()
        self._fields = None
        self._session.close()


def _text(address: Any) -> str:
    return f"{address[0]}:{address[1]}" if address else ""
