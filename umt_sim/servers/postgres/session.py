"""One client's connection: its messages go to the engine when virtual time has come."""

from __future__ import annotations

import asyncio
import re
from asyncio import CancelledError, Future, TimerHandle
from typing import TYPE_CHECKING, cast

from umt_sim.servers.capacity import QueueFull, Restarted
from umt_sim.servers.postgres import errors, sql, wire
from umt_sim.servers.postgres.backend import IDLE, NOTHING
from umt_sim.servers.postgres.errors import Interrupted, Interruption
from umt_sim.servers.postgres.handshake import Goodbye, open_ride
from umt_sim.servers.postgres.inbox import Batch, Inbox
from umt_sim.servers.postgres.limits import Limits, read_limits
from umt_sim.servers.postgres.wire import (
    COPY_DATA,
    COPY_DONE,
    COPY_FAIL,
    FLUSH,
    FUNCTION_CALL,
    QUERY,
    SYNC,
    TERMINATE,
)

if TYPE_CHECKING:
    from umt_sim.servers.postgres.server import PostgreSQL
    from umt_sim.servers.postgres.turnstile import Ride

__all__ = ["Session"]

COPY_ENDS = (COPY_DONE, COPY_FAIL)
ENDS_TURN = (QUERY, SYNC, FUNCTION_CALL)  # after these the engine says ReadyForQuery

CROWDED = 1 << 20  # bytes a client may send ahead of the answer it waits for

# What the engine does with the rest of a batch and with the transaction when it cannot parse
# something is what it does after any error: by this an error of ours takes effect there too.
MISTAKE_QUERY = wire.message(b"Q", b"interrupted\0")
MISTAKE_PARSE = wire.message(b"P", b"umt_sim\0interrupted\0\0\0")

LISTENS = b"LISTEN\0"
CHANGES_SETTINGS = re.compile(
    rb"C\0\0\0.(?:SET|RESET|COMMIT|ROLLBACK|DISCARD ALL)\0|set_config", re.DOTALL
)


class Session(asyncio.Protocol):
    """
    Serves one connection until either side ends it.

    Args:
        server: Whose connection it is.

    Attributes:
        ride: Its way through the engine; none before the greeting.
        limits: Its timeouts.
    """

    def __init__(self, server: PostgreSQL) -> None:
        self.server = server
        self.loop = server.loop
        self.inbox = Inbox(server.loop)
        self.ride: Ride | None = None
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.task: asyncio.Task[None] | None = None
        self.limits = Limits()
        self.has_limits = False
        self._configures = False
        self._listens = False
        self._busy = False
        self._serving = False
        self._copying_extended = False
        self._reason: Interruption | None = None
        self._statement_timer: TimerHandle | None = None
        self._transaction_timer: TimerHandle | None = None
        self._idle_timer: TimerHandle | None = None
        self._writable: Future[None] | None = None
        self._reading_paused = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self.transport = cast("asyncio.Transport", transport)
        self.task = self.server.admit(self)

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        self.inbox.feed(data)
        if len(self.inbox) > CROWDED and self._busy and not self._reading_paused:
            self.transport.pause_reading()
            self._reading_paused = True

    def eof_received(self) -> bool:
        """The client sends no more; what it has sent is still answered."""
        self.inbox.end()
        return not self.transport.get_extra_info("ssl_object")  # TLS cannot be half closed

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
            self.ride = ride = await open_ride(self)
            if self.has_limits:
                self._read_limits(ride)
                self._begin_idling(ride)
            while (batch := await self.inbox.batch()) is not None and batch.last != TERMINATE:
                await self._act_on(ride, batch)
        except Goodbye as goodbye:
            self.say(goodbye.words)
        except wire.ProtocolViolation as violation:
            self.say(errors.fatal("08P01", str(violation)))
        finally:
            self._stop_timers()
            self.server.dismiss(self)
            self.transport.close()

    def say(self, words: bytes) -> None:
        """Send messages to the client, if it is still there."""
        if words and not self.transport.is_closing():
            self.transport.write(words)

    def hear(self, words: bytes) -> None:
        """Notifications have come while the session was idle."""
        self.say(self.server.with_virtual_pids(words))

    def expire(self, last_words: bytes) -> None:
        """End the session from outside."""
        self.say(last_words)
        assert self.task is not None
        self.task.cancel()

    def break_off(self) -> None:
        """The server has died: nothing is said, nothing is waited for."""
        self._stop_timers()
        self.transport.abort()
        if self.ride is not None:
            self.ride.backend.drop()

    def interrupt(self, why: Interruption) -> None:
        """End the statement that runs, if one does."""
        if self._serving:
            assert self.task is not None
            self._reason = why
            self.task.cancel()
        elif self.ride is not None:
            self.server.turnstile.interrupt(self.ride, why)

    async def _act_on(self, ride: Ride, batch: Batch) -> None:
        """Have the engine act on a batch when its time has come, and answer."""
        self._busy = True
        if self._writable is not None:
            await self._writable
        if self.has_limits:
            self._begin_statement(batch)
        answers = self._answers(ride, batch)
        before = ride.backend.status
        try:
            data = self._translated(batch)
            operation = sql.operation(batch)
            if operation is not None:
                await self._serve(operation, len(data))
        except Interrupted as interrupted:
            data, answers = _mistake(batch, answers)
            reply = await self.server.turnstile.run(ride, data, answers)
            reply = interrupted.why.instead_of_error(reply)
        else:
            reply = await self.server.turnstile.run(ride, data, answers)
        if ride.backend.copying and batch.last != COPY_DATA:
            self._copying_extended = batch.last != QUERY
        self._answer(ride, reply, before)
        if self.has_limits and batch.last in ENDS_TURN:
            if self._configures or CHANGES_SETTINGS.search(reply):
                self._read_limits(ride)
            self._begin_idling(ride)
        self._busy = False
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()

    def _answer(self, ride: Ride, reply: bytes, before: bytes) -> None:
        """
        Give the client the engine's reply.

        Raises:
            Goodbye: The session ended with it.
        """
        if LISTENS in reply and not self._listens:
            self._listens = True
            self.server.turnstile.listen(ride)
        if self._listens:
            reply = self.server.with_virtual_pids(reply)
        if before != IDLE and ride.backend.status == IDLE and self.server.dies_at(reply):
            raise Goodbye
        self.say(reply)
        if ride.backend.closed:
            raise Goodbye

    def _answers(self, ride: Ride, batch: Batch) -> int:
        """How the answer to a batch ends: see ``Backend.send``."""
        backend = ride.backend
        if batch.last == FLUSH:
            return NOTHING if backend.failed or not batch.answers else batch.answers
        if batch.last == COPY_DATA:
            return NOTHING
        if batch.last in COPY_ENDS:
            if not backend.copying:
                return NOTHING
            return 1 if self._copying_extended else 0
        return 0

    def _translated(self, batch: Batch) -> bytes:
        """
        The batch in the form for the engine.

        Raises:
            Interrupted: It asks for what has no virtual value.
        """
        if not batch.has_text:
            return batch.data
        if hints := sql.hints(batch.data):
            turnstile = self.server.turnstile
            turnstile.unlocks |= sql.Hint.UNLOCKS in hints
            turnstile.talk |= sql.Hint.NOTIFIES in hints
        data = sql.translated(batch.data)
        if data is not batch.data and sql.RENAMED in data:
            self.has_limits = self.server.has_limits = True
            self._configures = self._configures or b"set_config" in data
        return data

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

    # Timeouts

    def _read_limits(self, ride: Ride) -> None:
        self.limits = read_limits(ride.backend) or self.limits
        ride.lock_timeout = self.limits.lock_timeout
        ride.deadlock_timeout = self.limits.deadlock_timeout

    def _begin_statement(self, batch: Batch) -> None:
        """The session is not idle any more; its statement must end in time."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        seconds = self.limits.statement_timeout
        if seconds > 0 and self._statement_timer is None and batch.answers + batch.executes:
            self._statement_timer = self.loop.call_later(
                seconds, self.interrupt, errors.STATEMENT_TIMEOUT
            )

    def _begin_idling(self, ride: Ride) -> None:
        """A statement is over; what comes next must come in time."""
        if self._statement_timer is not None:
            self._statement_timer.cancel()
            self._statement_timer = None
        limits = self.limits
        idle = ride.backend.status == IDLE
        seconds = (
            limits.idle_session_timeout if idle else limits.idle_in_transaction_session_timeout
        )
        if seconds > 0:
            words = errors.IDLE_SESSION_TIMEOUT if idle else errors.IDLE_IN_TRANSACTION_TIMEOUT
            self._idle_timer = self.loop.call_later(seconds, self.expire, words)
        if self._transaction_timer is not None and idle:
            self._transaction_timer.cancel()
            self._transaction_timer = None
        elif self._transaction_timer is None and not idle and limits.transaction_timeout > 0:
            self._transaction_timer = self.loop.call_later(
                limits.transaction_timeout, self.expire, errors.TRANSACTION_TIMEOUT
            )

    def _stop_timers(self) -> None:
        for timer in (self._statement_timer, self._transaction_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()


def _mistake(batch: Batch, answers: int) -> tuple[bytes, int]:
    """Messages that fail in the engine as *batch* is to fail, and how their answer ends."""
    if batch.last in (QUERY, FUNCTION_CALL):
        return MISTAKE_QUERY, 0
    if batch.last == SYNC:
        return MISTAKE_PARSE + wire.message(b"S", b""), 0
    if batch.last in COPY_ENDS:
        return wire.message(b"f", b"interrupted\0"), answers
    return MISTAKE_PARSE, min(answers, 1)
