"""PostgreSQL as clients see it: a port, a limit on connections, sessions, restarts."""

from __future__ import annotations

import asyncio
import ssl
from asyncio import AbstractEventLoop, Task
from collections.abc import Callable
from typing import TYPE_CHECKING

from umt_sim.servers.capacity import Capacity, Instant
from umt_sim.servers.postgres import errors, limits, wire
from umt_sim.servers.postgres.clock import CLOCK_FILE, ROWS, SCRIPT, WIDTH, Clock
from umt_sim.servers.postgres.engine import Engine
from umt_sim.servers.postgres.handshake import Goodbye
from umt_sim.servers.postgres.monitor import Monitor
from umt_sim.servers.postgres.password import Secret
from umt_sim.servers.postgres.session import Session
from umt_sim.servers.postgres.template import Recipe
from umt_sim.servers.postgres.turnstile import Ride, Turnstile

if TYPE_CHECKING:
    from random import Random

__all__ = ["PostgreSQL", "recipe"]

FIRST_PID = 1001
SPARE_BACKENDS = 4  # the monitor's, and PostgreSQL's own reserve for superusers
COMMITTED = b"COMMIT\0"
NOTIFICATION = ord("A")


def recipe(*, user: str = "umt", database: str = "umt") -> Recipe:
    """What an engine must contain to be told the time by a ``PostgreSQL``."""
    return Recipe(
        user=user,
        database=database,
        script=SCRIPT,
        settings={
            "deadlock_timeout": "'24d'",
            **{limits.PREFIX + name: f"'{value}'" for name, value in limits.SETTINGS.items()},
            "umt_sim.row": "'0'",
            "umt_sim.pid": "'0'",
        },
        files={CLOCK_FILE: b"0" * (ROWS * WIDTH)},
    )


class PostgreSQL:
    """
    A PostgreSQL server whose answers come from an engine and whose time is the loop's.

    ``start`` and ``stop`` may follow each other more than once; the data stay, for they are
    the engine's.

    Args:
        engine: A running engine made with ``recipe``; it serves no other server meanwhile.
        unix_time: Reads the wall clock of the loop's time, in seconds since 1970.
        stream: Seeds the sessions' ``random()`` and makes their cancel keys and nonces.
        capacity: What each operation costs: ``connect``, ``begin``, ``query``, ``commit``,
            ``rollback``, ``prepare``, ``copy``.
        max_connections: Sessions at once.
        password: Ask every user for it, by SCRAM-SHA-256; ``None`` asks nobody.
        tls: Offer encryption with this certificate.

    Raises:
        ValueError: The engine cannot serve that many connections.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        unix_time: Callable[[], float],
        stream: Random,
        capacity: Capacity | None = None,
        max_connections: int = 100,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if max_connections + SPARE_BACKENDS > engine.max_connections:
            raise ValueError(
                f"{max_connections} connections need an engine made with max_connections="
                f"{max_connections + SPARE_BACKENDS}; this one has {engine.max_connections}"
            )
        self.engine = engine
        self.stream = stream
        self.capacity = capacity or Instant()
        self.secret = None if password is None else Secret(password, stream)
        self.tls = tls
        self.has_limits = False  # some session has mentioned a timeout
        self._unix_time = unix_time
        self._max_connections = max_connections
        self._pids = FIRST_PID
        self._address = ("", 0)
        self._starting = False
        self._crash_at_commit: float | None = None
        self._returns: Task[None] | None = None
        self._sessions: dict[Session, Task[None]] = {}
        self._inside: dict[Session, None] = {}  # in the order in which they came
        self._open: dict[int, tuple[bytes, Session]] = {}
        self._virtual_pids: dict[int, int] = {}
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Accept connections on *host* and *port*; 0 chooses a free port."""
        assert self._listener is None, "the server was started already"
        self.loop: AbstractEventLoop = asyncio.get_running_loop()
        self.clock = Clock(self.engine.folder / "data")
        self.monitor = Monitor(self.engine.socket_path, self.engine.recipe.user)
        await self._listen(host, port)

    @property
    def port(self) -> int:
        """Where connections are accepted."""
        return self._address[1]

    async def stop(self) -> None:
        """End every session and accept no more."""
        if self._returns is not None:
            self._returns.cancel()
            await asyncio.wait([self._returns])
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        await self._end_sessions()
        self.monitor.close()
        self.clock.close()

    async def restart(self, *, down_for: float = 0.0, starting_for: float = 0.0) -> None:
        """
        Shut down at once, roll everything back, and come back.

        Clients are told so (57P01). Nothing that was committed is lost; sessions are, with
        their prepared statements, temporary tables and advisory locks.

        Args:
            down_for: Seconds during which connections are refused.
            starting_for: Seconds after that during which they are turned away (57P03).
        """
        assert self._listener is not None, "the server is not running"
        self._listener.close()
        await self._end_sessions()
        self.capacity.restart()
        await asyncio.sleep(down_for)
        self._starting = True
        await self._listen(*self._address)
        await asyncio.sleep(starting_for)
        self._starting = False

    def crash(self) -> None:
        """
        Die in mid-work; ``start`` comes back with what was committed.

        Clients are told nothing, their connections break. Usable also when the host of the
        server has lost its power, and its tasks with it.
        """
        assert self._listener is not None, "the server is not running"
        self._listener.close()
        self._listener = None
        self.turnstile.abandon()
        # Sequences run ahead in the log, and how much of it is written is the machine's choice.
        self.monitor.flush_log()
        self.engine.crash()  # before any session is let go, lest one roll back and another go on
        for session, task in [*self._sessions.items()]:
            session.break_off()
            task.cancel()
        self._sessions.clear()
        self._inside.clear()
        self._open.clear()
        self.monitor.drop()
        self.clock.close()
        self.capacity.restart()

    def crash_at_commit(self, *, down_for: float) -> None:
        """
        Crash after the next COMMIT has taken effect and before its client is told.

        The client cannot know whether it happened.

        Args:
            down_for: Seconds until connections are accepted again, where they were before.
        """
        self._crash_at_commit = down_for

    async def _listen(self, host: str, port: int) -> None:
        self.turnstile = Turnstile(
            loop=self.loop,
            monitor=self.monitor,
            clock=self.clock,
            microseconds=self._microseconds,
        )
        self._listener = await self.loop.create_server(lambda: Session(self), host, port)
        self._address = (host, self._listener.sockets[0].getsockname()[1])

    async def _end_sessions(self) -> None:
        self.turnstile.shut()
        tasks = [*self._sessions.values()]
        for session in [*self._sessions]:
            session.expire(errors.ADMIN_SHUTDOWN if session.ride else b"")
        if tasks:
            await asyncio.wait(tasks)

    async def _return(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.start(*self._address)

    # What sessions ask

    def admit(self, session: Session) -> Task[None]:
        """A client has connected: begin to serve it."""
        task = self.loop.create_task(session.run())
        self._sessions[session] = task
        task.add_done_callback(self._report)
        return task

    def let_in(self, session: Session) -> None:
        """
        Give a session one of the places there are.

        Raises:
            Goodbye: Not now.
        """
        if self._starting:
            raise Goodbye(errors.STARTING_UP)
        if len(self._inside) >= self._max_connections:
            raise Goodbye(errors.TOO_MANY)
        self._inside[session] = None

    def next_pid(self) -> int:
        """A process id as a client may see it; the engine's own differ from run to run."""
        self._pids += 1
        return self._pids - 1

    def register(self, session: Session, ride: Ride) -> bytes:
        """A session is open; the secret with which its statements can be cancelled."""
        secret = self.stream.getrandbits(32).to_bytes(4, "big")
        self._open[ride.pid] = secret, session
        self._virtual_pids[ride.backend.pid] = ride.pid
        session.has_limits = self.has_limits
        return secret

    def dismiss(self, session: Session) -> None:
        """A session is over."""
        self._inside.pop(session, None)
        if self._sessions.pop(session, None) and session.ride is not None:
            self._open.pop(session.ride.pid, None)
            self.turnstile.leave(session.ride)

    def cancel(self, pid: int, secret: bytes) -> None:
        """A client asks to cancel what one of its sessions does."""
        expected, session = self._open.get(pid, (b"", None))
        if session is not None and secret == expected:
            session.interrupt(errors.USER_REQUEST)

    def dies_at(self, reply: bytes) -> bool:
        """Whether the server crashes now instead of giving *reply*, the end of a transaction."""
        if self._crash_at_commit is None or COMMITTED not in reply:
            return False
        seconds, self._crash_at_commit = self._crash_at_commit, None
        self.crash()
        self._returns = self.loop.create_task(self._return(seconds))
        return True

    def with_virtual_pids(self, reply: bytes) -> bytes:
        """The reply with the ids of notifying processes as clients know them."""
        changed = bytearray(reply)
        for kind, begin, _ in wire.frames(reply):
            if kind == NOTIFICATION:
                place = slice(begin + 5, begin + 9)
                pid = int.from_bytes(changed[place], "big")
                changed[place] = self._virtual_pids[pid].to_bytes(4, "big")
        return bytes(changed)

    def _microseconds(self) -> int:
        return int(self._unix_time() * 1e6 + 0.5)

    def _report(self, task: Task[None]) -> None:
        """A session that ends with an error of ours must not do so in silence."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.call_exception_handler(
                {"message": "a PostgreSQL session failed", "exception": error, "task": task}
            )
