"""A server that stops, restarts or crashes: what its clients hear, and what is left."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.conformance.postgres.places import HOST, PORT, Database, OursInVirtualTime

BY_THE_ADMINISTRATOR = "terminating connection due to administrator command"
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


def test_a_restart_ends_sessions_and_keeps_data(ours: OursInVirtualTime) -> None:
    """Clients are told why; then refused; then turned away; then served, without their past."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.fetchval("SELECT balance FROM accounts WHERE id = $1", 1)
        await one.execute("UPDATE accounts SET balance = 1 WHERE id = 1")
        await two.execute("BEGIN")
        await two.execute("UPDATE accounts SET balance = 2 WHERE id = 2")
        waiting = asyncio.create_task(one.execute("UPDATE accounts SET balance = 3 WHERE id = 2"))
        await db.wait(1)
        restart = asyncio.create_task(db.server.restart(down_for=2, starting_for=3))
        with pytest.raises(asyncpg.ConnectionDoesNotExistError, match=BY_THE_ADMINISTRATOR):
            await waiting
        await db.wait(1)
        assert two.is_closed()
        with pytest.raises(ConnectionRefusedError):
            await db.connect()
        await db.wait(1.5)
        with pytest.raises(asyncpg.CannotConnectNowError) as early:
            await db.connect()
        assert "the database system is starting up" == str(early.value)
        await restart
        db.check_lasted(0, 6)
        three = await db.connect()
        rows = await three.fetch("SELECT balance FROM accounts ORDER BY id LIMIT 2")
        assert [1, 100] == [row["balance"] for row in rows]

    ours.run(case)


def test_who_waits_at_a_shutdown_does_not_get_through(ours: OursInVirtualTime) -> None:
    """The first session's end frees the row, but the second one is being ended, too."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        waiting = asyncio.create_task(two.execute("UPDATE accounts SET balance = 7 WHERE id = 1"))
        await db.wait(1)
        await db.server.restart(down_for=1)
        with pytest.raises(LOST):
            await waiting
        three = await db.connect()
        assert 100 == await three.fetchval("SELECT balance FROM accounts WHERE id = 1")

    ours.run(case)


def test_a_pool_survives_a_restart(ours: OursInVirtualTime) -> None:
    """Its connections are replaced; statements prepared on the old ones are prepared anew."""

    async def case(db: Database) -> None:
        await db.pair()
        pool = await asyncpg.create_pool(
            host=HOST, port=PORT, user="umt", database="umt", min_size=2, max_size=2
        )
        read = "SELECT balance FROM accounts WHERE id = $1"
        assert [100, 100] == await asyncio.gather(*(pool.fetchval(read, 1) for _ in range(2)))
        await db.server.restart(down_for=1)
        assert [100, 100] == await asyncio.gather(*(pool.fetchval(read, 1) for _ in range(2)))
        await pool.close()

    ours.run(case)


def test_a_crash_says_nothing_and_keeps_what_was_committed(ours: OursInVirtualTime) -> None:
    """Connections break, also one that waits; recovery brings the committed row back."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("UPDATE accounts SET balance = 1 WHERE id = 1")
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 2 WHERE id = 2")
        waiting = asyncio.create_task(two.execute("UPDATE accounts SET balance = 3 WHERE id = 2"))
        await db.wait(1)
        db.server.crash()
        with pytest.raises(LOST):
            await waiting
        with pytest.raises(LOST):
            await one.execute("COMMIT")
        with pytest.raises(ConnectionRefusedError):
            await db.connect()
        await db.server.start(HOST, PORT)
        three = await db.connect()
        rows = await three.fetch("SELECT balance FROM accounts ORDER BY id LIMIT 2")
        assert [1, 100] == [row["balance"] for row in rows]

    ours.run(case)


def test_a_commit_can_be_lost_on_its_way_back(ours: OursInVirtualTime) -> None:
    """The transaction has happened; its client cannot know."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        db.server.crash_at_commit(down_for=2)
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 1 WHERE id = 1")
        begun = db.now()
        with pytest.raises(LOST):
            await one.execute("COMMIT")
        with pytest.raises(ConnectionRefusedError):
            await db.connect()
        await db.wait(2.1)
        db.check_lasted(begun, 2.1)
        two = await db.connect()
        assert 1 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")
        async with two.transaction():  # only one crash was asked for
            await two.execute("UPDATE accounts SET balance = 2 WHERE id = 1")

    ours.run(case)


def test_stop_ends_everything_that_goes_on(ours: OursInVirtualTime) -> None:
    """A wait for a lock, a sleep and an open transaction do not keep the server."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        three = await db.connect()
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 2 WHERE id = 2")
        ends = [
            asyncio.create_task(two.execute("UPDATE accounts SET balance = 3 WHERE id = 2")),
            asyncio.create_task(three.execute("SELECT pg_sleep(1000)")),
        ]
        await db.wait(0.5)
        await db.server.stop()
        for end in ends:
            with pytest.raises(asyncpg.ConnectionDoesNotExistError, match=BY_THE_ADMINISTRATOR):
                await end
        db.check_lasted(0, 0.5)

    ours.run(case)
