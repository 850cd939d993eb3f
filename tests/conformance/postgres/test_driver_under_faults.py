"""
What asyncpg and its pool do when the line is cut: the part of it that callers build on.

The same on our server in virtual time and on two real PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.conformance.line import Line
from tests.conformance.postgres.places import Database, OursInVirtualTime, RealServer

Place = OursInVirtualTime | RealServer


@asynccontextmanager
async def pool_through(line: Line, **options: Any) -> AsyncIterator[asyncpg.Pool]:
    """A pool of connections through *line*, two unless said otherwise."""
    options = {"min_size": 2, "max_size": 2, "user": "umt", "database": "umt"} | options
    pool = await asyncpg.create_pool(
        host=line.host, port=line.port, password="secret", timeout=5, ssl=False, **options
    )
    try:
        yield pool
    finally:
        pool.terminate()


async def cut_for_a_while(db: Database, line: Line) -> None:
    """End every connection, and let clients through again a little later."""
    line.cut()
    await db.wait(1)
    line.mend()


def test_a_query_under_way_breaks_with_its_connection(place: Place) -> None:
    """And its transaction is rolled back: nobody waits for its lock for ever."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        line = db.line()
        other = await asyncpg.connect(
            host=line.host, port=line.port, user="umt", database="umt", password="secret", ssl=False
        )
        await other.execute("BEGIN; UPDATE accounts SET balance = 0 WHERE id = 1")
        sleeping = asyncio.create_task(other.fetchval("SELECT pg_sleep(60)"))
        await db.wait(1)
        line.cut()
        with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionError)):
            await sleeping
        assert other.is_closed()
        with pytest.raises(asyncpg.InterfaceError, match="connection is closed"):
            await other.fetchval("SELECT 1")
        assert 100 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_a_pool_replaces_connections_that_died_idle(place: Place) -> None:
    """Nobody who acquires one afterwards sees the outage."""

    async def case(db: Database) -> None:
        line = db.line()
        async with pool_through(line) as pool:
            assert (2, 2) == (pool.get_size(), line.connections)
            await cut_for_a_while(db, line)
            await db.wait(1)
            assert [1, 1, 1] == [await pool.fetchval("SELECT 1") for _ in range(3)]
            assert 2 >= line.connections > 0

    place.run(case)


def test_a_pool_gives_connections_up_and_gets_them_back(place: Place) -> None:
    """While nobody listens each acquisition fails, and no place in the pool is lost by it."""

    async def case(db: Database) -> None:
        line = db.line()
        async with pool_through(line, min_size=1, max_size=1) as pool:
            line.cut()
            await db.wait(1)
            for _ in range(3):
                with pytest.raises(OSError):
                    await pool.fetchval("SELECT 1")
            line.mend()
            await db.wait(1)
            assert 1 == await pool.fetchval("SELECT 1")
            assert (1, 1) == (pool.get_size(), pool.get_idle_size())

    place.run(case)


def test_a_connection_that_broke_in_use_frees_its_place(place: Place) -> None:
    """Who holds it gets the error; who waits for a place gets a new connection."""

    async def case(db: Database) -> None:
        line = db.line()
        async with pool_through(line, min_size=1, max_size=1) as pool:

            async def hold() -> None:
                async with pool.acquire() as connection:
                    await connection.execute("SELECT pg_sleep(60)")

            holding = asyncio.create_task(hold())
            await db.wait(1)
            waiting = asyncio.create_task(pool.fetchval("SELECT 1"))
            await db.wait(1)
            line.cut()
            line.mend()
            with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionError)):
                await holding
            assert 1 == await waiting

    place.run(case)


def test_a_prepared_statement_dies_with_its_connection(place: Place) -> None:
    """The object is of no use afterwards; the same query on a new connection is prepared anew."""

    async def case(db: Database) -> None:
        line = db.line()
        async with pool_through(line, min_size=1, max_size=1) as pool:
            connection = await pool.acquire()
            prepared = await connection.prepare("SELECT $1::int + 1")
            assert 2 == await prepared.fetchval(1)
            await cut_for_a_while(db, line)
            await db.wait(1)
            with pytest.raises(asyncpg.InterfaceError):
                await prepared.fetchval(1)
            await pool.release(connection)
            assert 3 == await pool.fetchval("SELECT $1::int + 1", 2)
            assert 4 == await pool.fetchval("SELECT $1::int + 1", 3)

    place.run(case)


def test_a_changed_table_is_met_by_a_cached_statement(place: Place) -> None:
    """Outside a transaction asyncpg prepares it again by itself; inside, the caller must."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        query = "SELECT * FROM accounts WHERE id = 1"
        assert 2 == len(await one.fetchrow(query))
        await two.execute("ALTER TABLE accounts ADD note text")
        assert 3 == len(await one.fetchrow(query))
        await two.execute("ALTER TABLE accounts DROP note")
        with pytest.raises(asyncpg.InvalidCachedStatementError):
            async with one.transaction():
                await one.fetchrow(query)
        assert 2 == len(await one.fetchrow(query))

    place.run(case)


def test_a_timeout_cancels_the_statement_and_keeps_the_connection(place: Place) -> None:
    """The driver asks on a second connection, and the lock that was waited for is not taken."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN; UPDATE accounts SET balance = 1 WHERE id = 1")
        since = db.now()
        with pytest.raises(TimeoutError):
            await two.execute("UPDATE accounts SET balance = 2 WHERE id = 1", timeout=2 * db.unit)
        db.check_lasted(since, 2)
        await db.wait(1)  # the request to cancel is on its way: until then the update may happen
        await one.execute("COMMIT")
        assert 1 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_terminate_leaves_nothing_open(place: Place) -> None:
    """No farewell: queries under way break, the server rolls back."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        line = db.line()
        async with pool_through(line) as pool:
            connection = await pool.acquire()
            await connection.execute("BEGIN; UPDATE accounts SET balance = 0 WHERE id = 1")
            nap = f"SELECT pg_sleep({6 * db.unit})"  # the server notices at its end only
            sleeping = asyncio.create_task(connection.execute(nap))
            await db.wait(1)
            pool.terminate()
            with pytest.raises((asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError)):
                await sleeping
            with pytest.raises(asyncpg.InterfaceError, match="pool is closed"):
                await pool.fetchval("SELECT 1")
            await db.wait(1)
            assert 0 == line.connections
        await one.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 1")
        assert 101 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_expired_connections_are_replaced_at_their_next_use(place: Place) -> None:
    """As after a failover: who is at work goes on, the next to acquire gets a new connection."""

    async def case(db: Database) -> None:
        line = db.line()
        async with pool_through(line, min_size=1, max_size=1) as pool:
            before = await pool.fetchval("SELECT pg_backend_pid()")
            assert before == await pool.fetchval("SELECT pg_backend_pid()")
            await pool.expire_connections()
            assert before != await pool.fetchval("SELECT pg_backend_pid()")

    place.run(case)


def test_a_lost_commit_leaves_the_client_in_doubt(place: Place) -> None:
    """The answer is lost and the connection breaks; the row is there all the same."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        line = db.line()
        async with pool_through(line, min_size=1, max_size=1) as pool:
            connection = await pool.acquire()
            await connection.execute("BEGIN; UPDATE accounts SET balance = 7 WHERE id = 1")
            await line.swallow_answers()
            committing = asyncio.create_task(connection.execute("COMMIT"))
            await db.wait(1)
            line.cut()
            with pytest.raises((asyncpg.ConnectionDoesNotExistError, ConnectionError)):
                await committing
        assert 7 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_a_restarted_server_is_found_again_by_the_pool(ours: OursInVirtualTime) -> None:
    """Queries under way end with 57P01; afterwards statements are prepared on new connections."""

    async def case(db: Database) -> None:
        async with pool_through(db.line()) as pool:
            query = "SELECT $1::int + 1"
            assert 2 == await pool.fetchval(query, 1)
            sleeping = asyncio.create_task(pool.execute("SELECT pg_sleep(60)"))
            await db.wait(1)
            await db.server.restart(down_for=2.0, starting_for=1.0)
            with pytest.raises(asyncpg.ConnectionDoesNotExistError, match="administrator command"):
                await sleeping
            assert [2, 3, 4] == [await pool.fetchval(query, n) for n in (1, 2, 3)]

    ours.run(case)
