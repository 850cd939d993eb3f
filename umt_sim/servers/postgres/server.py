"""PostgreSQL as clients see it: a port, a limit on connections, sessions, restarts."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import AbstractEventLoop, Task
from collections.abc import Callable
from typing import TYPE_CHECKING

from umt_sim.servers.capacity import Capacity, Instant
from umt_sim.servers.postgres import errors, wire
from umt_sim.servers.postgres.clock import CLOCK_FILE, ROWS, SCRIPT, WIDTH, Clock
from umt_sim.servers.postgres.engine import Engine
from umt_sim.servers.postgres.handshake import Goodbye
from umt_sim.servers.postgres.monitor import Monitor
from umt_sim.servers.postgres.session import Session
from umt_sim.servers.postgres.template import Recipe
from umt_sim.servers.postgres.turnstile import Ride, Turnstile

if TYPE_CHECKING:
    from random import Random

__all__ = ["PostgreSQL", "recipe"]

FIRST_PID = 1001


def recipe(*, user: str = "umt", database: str = "umt") -> Recipe:
    """What an engine must contain to be told the time by a ``PostgreSQL``."""
    return Recipe(
        user=user,
        database=database,
        script=SCRIPT,
        settings={
            "deadlock_timeout": "'24d'",
            "umt_sim.row": "'0'",
            "umt_sim.pid": "'0'",
        },
        files={CLOCK_FILE: b"0" * (ROWS * WIDTH)},
    )


class PostgreSQL:
    """
    A PostgreSQL server whose answers come from an engine and whose time is the loop's.

    Args:
        engine: A running engine made with ``recipe``; it serves no other server meanwhile.
        unix_time: Reads the wall clock of the loop's time, in seconds since 1970.
        stream: Seeds the sessions' ``random()`` and their cancel keys.
        capacity: What each operation costs: ``connect``, ``begin``, ``query``, ``commit``,
            ``rollback``, ``prepare``, ``copy``.
        max_connections: Sessions at once.
        deadlock_timeout: Seconds a session waits for a lock before it looks for a deadlock.
        tls: Offer encryption with this certificate.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        unix_time: Callable[[], float],
        stream: Random,
        capacity: Capacity | None = None,
        max_connections: int = 100,
        deadlock_timeout: float = 1.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.engine = engine
        self.capacity = capacity or Instant()
        self.tls = tls
        self._unix_time = unix_time
        self._stream = stream
        self._max_connections = max_connections
        self._deadlock_timeout = deadlock_timeout
        self._pids = FIRST_PID
        self._sessions: dict[Session, Task[None]] = {}
        self._open: dict[int, tuple[bytes, Session]] = {}
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Accept connections on *host* and *port*; 0 chooses a free port."""
        self.loop: AbstractEventLoop = asyncio.get_running_loop()
        self.clock = Clock(self.engine.folder / "data")
        self.monitor = Monitor(self.engine.socket_path, self.engine.recipe.user)
        self.turnstile = Turnstile(
            loop=self.loop,
            monitor=self.monitor,
            clock=self.clock,
            microseconds=self.microseconds,
            deadlock_timeout=self._deadlock_timeout,
        )
        self._listener = await self.loop.create_server(lambda: Session(self), host, port)

    @property
    def port(self) -> int:
        """Where connections are accepted."""
        assert self._listener is not None, "the server was not started"
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """End every session and accept no more."""
        if self._listener is None:
            return
        self._listener.close()
        await self._end_sessions(errors.ADMIN_SHUTDOWN)
        self.monitor.close()
        self.clock.close()
        self._listener = None

    async def _end_sessions(self, last_words: bytes) -> None:
        tasks = [*self._sessions.values()]
        for session in [*self._sessions]:
            session.expire(last_words if session.ride else b"")
        await asyncio.gather(*tasks, return_exceptions=True)

    # What sessions ask

    def microseconds(self) -> int:
        """Now, since 1970."""
        return int(self._unix_time() * 1e6 + 0.5)

    def admit(self, session: Session) -> Task[None]:
        """A client has connected: begin to serve it."""
        task = self.loop.create_task(session.run())
        self._sessions[session] = task
        task.add_done_callback(self._report)
        return task

    def dismiss(self, session: Session) -> None:
        """A session is over."""
        self._sessions.pop(session, None)
        if session.ride is not None:
            self._open.pop(session.ride.pid, None)

    def check_open(self) -> None:
        """
        Let one more session in, or not.

        Raises:
            Goodbye: There are too many.
        """
        if len(self._open) >= self._max_connections:
            raise Goodbye(errors.TOO_MANY)

    def next_pid(self) -> int:
        """A process id as a client may see it; the engine's own differ from run to run."""
        self._pids += 1
        return self._pids - 1

    def register(self, session: Session, ride: Ride) -> bytes:
        """A session is open; the secret with which its statements can be cancelled."""
        secret = self._stream.getrandbits(32).to_bytes(4, "big")
        self._open[ride.pid] = secret, session
        seed = self._stream.random()
        ride.backend.send(wire.message(b"Q", b"SELECT setseed(%r)\0" % seed))
        while ride.backend.reply(1.0) is None:
            pass
        return secret

    def cancel(self, pid: int, secret: bytes) -> None:
        """A client asks to cancel what one of its sessions does."""
        expected, session = self._open.get(pid, (b"", None))
        if session is not None and secret == expected:
            session.interrupt(errors.USER_REQUEST)

    def _report(self, task: Task[None]) -> None:
        """A session that ends with an error of ours must not do so in silence."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.call_exception_handler(
                {"message": "a PostgreSQL session failed", "exception": error, "task": task}
            )
