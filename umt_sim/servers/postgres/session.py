"""One client's connection: its messages go to the engine when virtual time has come."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Future
from typing import TYPE_CHECKING, cast

from umt_sim.servers.capacity import QueueFull, Restarted
from umt_sim.servers.postgres import errors, sql, wire
from umt_sim.servers.postgres.backend import NOTHING
from umt_sim.servers.postgres.errors import Interrupted, Interruption
from umt_sim.servers.postgres.handshake import Goodbye, open_ride
from umt_sim.servers.postgres.inbox import Batch, Inbox

if TYPE_CHECKING:
    from umt_sim.servers.postgres.server import PostgreSQL
    from umt_sim.servers.postgres.turnstile import Ride

__all__ = ["Session"]

QUERY, SYNC, FLUSH, COPY_DATA, COPY_DONE, COPY_FAIL, TERMINATE, FUNCTION = b"QSHdcfXF"
COPY_ENDS = (COPY_DONE, COPY_FAIL)

CROWDED = 1 << 20  # bytes a client may send ahead of the answer it waits for

# What an engine that cannot parse it does with the rest of the batch and the transaction is
# what it does after any error: so an error of ours takes effect in the engine too.
MISTAKE_QUERY = wire.message(b"Q", b"interrupted\0")
MISTAKE_PARSE = wire.message(b"P", b"umt_sim\0interrupted\0\0\0")


class Session(asyncio.Protocol):
    """
    Serves one connection until either side ends it.

    Args:
        server: Whose connection it is.
    """

    def __init__(self, server: PostgreSQL) -> None:
        self.server = server
        self.loop = server.loop
        self.inbox = Inbox(server.loop)
        self.ride: Ride | None = None
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.task: asyncio.Task[None] | None = None
        self._serving = False
        self._reason: Interruption | None = None
        self._writable: Future[None] | None = None
        self._copying_extended = False
        self._reading_paused = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self.transport = cast("asyncio.Transport", transport)
        self.task = self.server.admit(self)

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        self.inbox.feed(data)
        if self._serving and len(self.inbox) > CROWDED and not self._reading_paused:
            self.transport.pause_reading()
            self._reading_paused = True

    def eof_received(self) -> bool:
        """The client sends no more; what it has sent is still answered."""
        self.inbox.end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """The connection is gone; what was received is still done, as a real server would."""
        self.inbox.end()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client does not read what it is sent."""
        self._writable = self.loop.create_future()

    def resume_writing(self) -> None:
        """The client reads again, or has gone."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # The life of a session

    async def run(self) -> None:
        """Serve the connection to its end."""
        try:
            self.ride = await open_ride(self)
            while (batch := await self.inbox.batch()) is not None and batch.last != TERMINATE:
                await self._act_on(batch)
        except Goodbye as goodbye:
            self.say(goodbye.words)
        except wire.ProtocolViolation as violation:
            self.say(errors.fatal("08P01", str(violation)))
        finally:
            if self.ride is not None:
                self.server.turnstile.leave(self.ride)
            self.transport.close()
            self.server.dismiss(self)

    def say(self, words: bytes) -> None:
        """Send messages to the client, if it is still there."""
        if words and not self.transport.is_closing():
            self.transport.write(words)

    def hear(self, words: bytes) -> None:
        """Notifications have come while the session was idle."""
        self.say(words)

    def expire(self, last_words: bytes) -> None:
        """End the session from outside."""
        self.say(last_words)
        if self.task is not None:
            self.task.cancel()

    def interrupt(self, why: Interruption) -> None:
        """End the statement that runs, if one does."""
        if self._serving:
            assert self.task is not None
            self._reason = why
            self.task.cancel()
        elif self.ride is not None:
            self.server.turnstile.interrupt(self.ride, why)

    async def _act_on(self, batch: Batch) -> None:
        """Have the engine act on a batch when its time has come, and answer."""
        if self._writable is not None:
            await self._writable
        ride = self.ride
        assert ride is not None
        data = batch.data
        answers = self._answers(batch)
        try:
            if batch.has_text:
                data = sql.translated(data)
            operation = sql.operation(batch)
            if operation is not None:
                await self._serve(operation, len(data))
        except Interrupted as interrupted:
            data = MISTAKE_QUERY if batch.last == QUERY else MISTAKE_PARSE
            if batch.last == SYNC:
                data += wire.message(b"S", b"")
            else:
                answers = min(answers, 1)
            reply = await self.server.turnstile.run(ride, data, answers)
            reply = interrupted.why.instead_of_error(reply)
        else:
            reply = await self.server.turnstile.run(ride, data, answers)
        self.say(reply)
        self._copying_extended = ride.backend.copying and batch.last != QUERY
        if ride.backend.closed:
            raise Goodbye(b"")
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()

    def _answers(self, batch: Batch) -> int:
        """How the answer to a batch ends: see ``Backend.send``."""
        assert self.ride is not None
        backend = self.ride.backend
        match batch.last:
            case int(kind) if kind == FLUSH:
                return NOTHING if backend.failed or not batch.answers else batch.answers
            case int(kind) if kind == COPY_DATA:
                return NOTHING
            case int(kind) if kind in COPY_ENDS:
                if not backend.copying:
                    return NOTHING
                return 1 if self._copying_extended else 0
        return 0

    async def _serve(self, operation: str, size: int) -> None:
        """
        Wait until the operation has been served.

        Raises:
            Interrupted: It will not be.
        """
        self._serving = True
        try:
            await self.server.capacity.serve(operation, size=size)
        except QueueFull as full:
            raise Interrupted(Interruption("53000", str(full))) from full
        except Restarted as restarted:
            raise Goodbye(errors.ADMIN_SHUTDOWN) from restarted
        except CancelledError:
            why, self._reason = self._reason, None
            assert self.task is not None
            if why is None or self.task.uncancel():
                raise
            raise Interrupted(why) from None
        finally:
            self._serving = False
