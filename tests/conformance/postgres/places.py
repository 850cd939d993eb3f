"""Where a case runs: against our server in virtual time, or against a PostgreSQL as it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from tests.conformance import real_time
from tests.conformance.line import Line
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Capacity, Instant
from umt_sim.servers.postgres import Engine, PostgreSQL

HOST, PORT = "postgres", 5432
LATE = 5.0  # seconds a real server may be late on a busy machine


class Database:
    """
    What a case sees of a place.

    Attributes:
        unit: Seconds of waiting that mean something here.
        port: Of the server.
        host: Of the server.
        server: Ours, where it is ours.
    """

    server: PostgreSQL

    def __init__(self, host: str, port: int, unit: float, *, exact: bool) -> None:
        self.host = host
        self.port = port
        self.unit = unit
        self.exact = exact
        self.opened: list[asyncpg.Connection] = []
        self.lines: list[Line] = []

    async def connect(self, **options: Any) -> asyncpg.Connection:
        """A connection that is closed at the end of the case."""
        options = {"user": "umt", "database": "umt", "password": "secret"} | options
        connection = await asyncpg.connect(host=self.host, port=self.port, **options)
        self.opened.append(connection)
        return connection

    def line(self) -> Line:
        """A way to the server that can be cut; it is at the end of the case."""
        line = Line(self.host, self.port)
        self.lines.append(line)
        return line

    async def pair(self) -> tuple[asyncpg.Connection, asyncpg.Connection]:
        """Two connections and a table of accounts 1 to 5 with a balance of 100 each."""
        one, two = await self.connect(), await self.connect()
        await one.execute(
            "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL);"
            "INSERT INTO accounts SELECT n, 100 FROM generate_series(1, 5) n"
        )
        return one, two

    def now(self) -> float:
        """Seconds of the loop's clock."""
        return asyncio.get_running_loop().time()

    async def wait(self, units: float) -> None:
        """Let so many units pass."""
        await asyncio.sleep(units * self.unit)

    def spell(self, units: float) -> str:
        """So many units as a PostgreSQL setting."""
        return f"{round(units * self.unit * 1000)}ms"

    def check_lasted(self, since: float, units: float) -> None:
        """Assert that *units* have passed since a moment: exactly, where time is ours."""
        lasted = self.now() - since
        due = units * self.unit
        if self.exact:
            assert due == round(lasted, 6)
        else:
            assert due - 0.02 <= lasted < due + LATE

    async def later(self, units: float, work: Awaitable[Any]) -> Any:
        """Do *work* after so many units."""
        await self.wait(units)
        return await work

    async def close(self) -> None:
        """Close what the case has left open."""
        for connection in self.opened:
            connection.terminate()
        for line in self.lines:
            line.cut()


Case = Callable[[Database], Awaitable[None]]


class OursInVirtualTime:
    """Our server on the kernel's loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(
        self,
        case: Case,
        *,
        capacity: Callable[[Kernel], Capacity] = lambda _: Instant(),
        **options: Any,
    ) -> Kernel:
        """Run a case on fresh data; *options* are the server's."""
        self.engine.fresh()
        with Kernel(seed=1) as kernel:
            Network(kernel).host(HOST)

            async def main() -> None:
                server = PostgreSQL(
                    engine=self.engine,
                    unix_time=time.time,
                    stream=kernel.streams.stream("servers/postgres"),
                    capacity=capacity(kernel),
                    **options,
                )
                await server.start(HOST, PORT)
                database = Database(HOST, PORT, 1.0, exact=True)
                database.server = server
                try:
                    await case(database)
                finally:
                    await database.close()
                    await server.stop()

            kernel.run(main())
        return kernel


class RealServer:
    """A PostgreSQL on its own port and in its own time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, case: Case) -> None:
        """Run a case on fresh data."""
        self.engine.fresh()

        async def main() -> None:
            assert self.engine.port is not None
            database = Database("127.0.0.1", self.engine.port, 0.15, exact=False)
            try:
                await case(database)
            finally:
                await database.close()

        real_time.run(main())
