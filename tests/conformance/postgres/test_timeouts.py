"""Statements, locks and sessions that take too long, and clients that change their mind."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.conformance.postgres.places import Database, OursInVirtualTime, RealServer

Place = OursInVirtualTime | RealServer

LOCK_ONE = "UPDATE accounts SET balance = 0 WHERE id = 1"


def test_a_statement_timeout_ends_a_wait_for_a_lock(place: Place) -> None:
    """The statement fails; the transaction is to be rolled back."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute(LOCK_ONE)
        await two.execute(f"SET statement_timeout = '{db.spell(2)}'")
        begun = db.now()
        with pytest.raises(asyncpg.QueryCanceledError) as caught:
            await two.execute(LOCK_ONE)
        db.check_lasted(begun, 2)
        assert "canceling statement due to statement timeout" == str(caught.value)
        assert "57014" == caught.value.sqlstate
        assert 1 == await two.fetchval("SELECT 1")

    place.run(case)


def test_a_statement_timeout_ends_a_sleep(place: Place) -> None:
    """pg_sleep is work like any other."""

    async def case(db: Database) -> None:
        one = await db.connect(server_settings={"statement_timeout": db.spell(2)})
        begun = db.now()
        with pytest.raises(asyncpg.QueryCanceledError):
            await one.execute(f"SELECT pg_sleep({5 * db.unit})")
        db.check_lasted(begun, 2)

    place.run(case)


def test_a_sleep_lasts(place: Place) -> None:
    """pg_sleep takes its time, and no connection has to wait for another's."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        begun = db.now()
        await asyncio.gather(
            one.execute(f"SELECT pg_sleep({2 * db.unit})"),
            two.execute(f"SELECT pg_sleep({3 * db.unit})"),
        )
        db.check_lasted(begun, 3)

    place.run(case)


def test_two_sleeps_in_one_statement_last_together(place: Place) -> None:
    """A statement may sleep more than once."""

    async def case(db: Database) -> None:
        one = await db.connect()
        begun = db.now()
        await one.execute(f"SELECT pg_sleep({db.unit}), pg_sleep({2 * db.unit})")
        await one.execute(f"SELECT pg_sleep_for('{db.spell(1)}')")
        db.check_lasted(begun, 4)

    place.run(case)


def test_a_statement_timeout_is_for_each_statement(place: Place) -> None:
    """The clock starts anew with every statement."""

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute(f"SET statement_timeout = '{db.spell(3)}'")
        for _ in range(3):
            await one.execute(f"SELECT pg_sleep({2 * db.unit})")

    place.run(case)


def test_set_local_ends_with_its_transaction(place: Place) -> None:
    """A timeout that was SET LOCAL is gone after the commit."""

    async def case(db: Database) -> None:
        one = await db.connect()
        async with one.transaction():
            await one.execute(f"SET LOCAL statement_timeout = '{db.spell(2)}'")
            with pytest.raises(asyncpg.QueryCanceledError):
                async with one.transaction():
                    await one.execute(f"SELECT pg_sleep({3 * db.unit})")
        begun = db.now()
        await one.execute(f"SELECT pg_sleep({3 * db.unit})")
        db.check_lasted(begun, 3)

    place.run(case)


def test_a_rolled_back_set_was_never_there(place: Place) -> None:
    """SET is part of its transaction."""

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute("BEGIN")
        await one.execute(f"SET statement_timeout = '{db.spell(1)}'")
        await one.execute("ROLLBACK")
        await one.execute(f"SELECT pg_sleep({2 * db.unit})")

    place.run(case)


def test_reset_all_returns_to_the_connections_own_value(place: Place) -> None:
    """What a pool does with a connection that comes back."""

    async def case(db: Database) -> None:
        one = await db.connect(server_settings={"statement_timeout": db.spell(2)})
        await one.execute("SET statement_timeout = 0")
        await one.execute(f"SELECT pg_sleep({3 * db.unit})")
        await one.reset()
        with pytest.raises(asyncpg.QueryCanceledError):
            await one.execute(f"SELECT pg_sleep({3 * db.unit})")

    place.run(case)


def test_set_config_sets_a_timeout(place: Place) -> None:
    """The function form of SET works alike, also as a prepared statement."""

    async def case(db: Database) -> None:
        one = await db.connect()
        value = db.spell(1)
        answer = await one.fetchval("SELECT set_config('statement_timeout', $1, false)", value)
        assert value == answer
        with pytest.raises(asyncpg.QueryCanceledError):
            await one.execute(f"SELECT pg_sleep({2 * db.unit})")

    place.run(case)


def test_a_role_brings_its_timeout_along(place: Place) -> None:
    """ALTER ROLE ... SET is for the sessions that begin after it."""

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute(f"ALTER ROLE umt SET statement_timeout = '{db.spell(1)}'")
        await one.execute(f"SELECT pg_sleep({2 * db.unit})")
        two = await db.connect()
        with pytest.raises(asyncpg.QueryCanceledError):
            await two.execute(f"SELECT pg_sleep({2 * db.unit})")

    place.run(case)


def test_a_lock_timeout_counts_the_wait_only(place: Place) -> None:
    """A statement may run longer than it may wait."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute(LOCK_ONE)
        await two.execute(f"SET lock_timeout = '{db.spell(2)}'")
        await two.execute(f"SELECT pg_sleep({3 * db.unit})")
        begun = db.now()
        with pytest.raises(asyncpg.LockNotAvailableError) as caught:
            await two.execute(LOCK_ONE)
        db.check_lasted(begun, 2)
        assert "canceling statement due to lock timeout" == str(caught.value)

    place.run(case)


def test_an_idle_transaction_is_ended(place: Place) -> None:
    """A client that forgets its transaction loses the connection, and its locks are free."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute(f"SET idle_in_transaction_session_timeout = '{db.spell(2)}'")
        await one.execute("BEGIN")
        await one.execute(LOCK_ONE)
        begun = db.now()
        await two.execute(LOCK_ONE)
        db.check_lasted(begun, 2)
        await db.wait(0.1)
        assert one.is_closed()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await one.execute("SELECT 1")

    place.run(case)


def test_a_busy_transaction_is_not_idle(place: Place) -> None:
    """Every statement begins the time anew."""

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute(f"SET idle_in_transaction_session_timeout = '{db.spell(3)}'")
        async with one.transaction():
            for _ in range(3):
                await db.wait(2)
                await one.execute(f"SELECT pg_sleep({2 * db.unit})")

    place.run(case)


def test_an_idle_session_is_ended(place: Place) -> None:
    """A connection nobody uses goes away."""

    async def case(db: Database) -> None:
        one = await db.connect()
        gone: list[float] = []
        one.add_termination_listener(lambda _: gone.append(db.now()))
        await one.execute(f"SET idle_session_timeout = '{db.spell(2)}'")
        begun = db.now()
        await db.wait(1)
        await one.execute("SELECT 1")
        await db.wait(4)
        assert one.is_closed()
        if db.exact:
            assert [begun + 3] == gone

    place.run(case)


def test_a_client_cancels_a_wait(place: Place) -> None:
    """The driver's timeout asks the server, by another connection, to stop."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute(LOCK_ONE)
        begun = db.now()
        with pytest.raises(TimeoutError):
            await two.execute(LOCK_ONE, timeout=2 * db.unit)
        db.check_lasted(begun, 2)
        assert 1 == await two.fetchval("SELECT 1")
        await one.execute("COMMIT")
        assert 100 == await two.fetchval("SELECT balance FROM accounts WHERE id = 2")

    place.run(case)


def test_a_cancelled_task_cancels_its_statement(place: Place) -> None:
    """Cancelling the waiting coroutine ends the statement in the server, too."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute(LOCK_ONE)
        waiting = asyncio.create_task(two.execute(LOCK_ONE))
        await db.wait(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await one.execute("COMMIT")
        assert 0 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_a_cancel_in_a_transaction_fails_it(place: Place) -> None:
    """What was done before the cancelled statement is lost with the transaction."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await two.execute("BEGIN")
        await two.execute("UPDATE accounts SET balance = 7 WHERE id = 2")
        with pytest.raises(TimeoutError):
            await two.execute(f"SELECT pg_sleep({9 * db.unit})", timeout=db.unit)
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await two.execute("SELECT 1")
        await two.execute("COMMIT")
        assert 100 == await one.fetchval("SELECT balance FROM accounts WHERE id = 2")

    place.run(case)


def test_a_waiting_client_that_leaves_does_not_take_the_lock_with_it(place: Place) -> None:
    """A statement that waits goes on without its client, and ends when it gets its lock."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        three = await db.connect()
        await one.execute("BEGIN")
        await one.execute(LOCK_ONE)
        waiting = asyncio.create_task(
            two.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 1")
        )
        await db.wait(1)
        two.terminate()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await waiting
        await db.wait(1)
        await one.execute("COMMIT")
        await db.wait(1)
        # It was one statement of its own: nobody was there to say no, so it was committed.
        assert 1 == await three.fetchval("SELECT balance FROM accounts WHERE id = 1 FOR UPDATE")

    place.run(case)


def test_show_tells_a_timeout(place: Place) -> None:
    """A setting is read as it was set."""

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute("SET statement_timeout = '5s'")
        assert "5s" == await one.fetchval("SHOW statement_timeout")
        assert "5s" == await one.fetchval("SELECT current_setting('statement_timeout')")
        await one.execute("RESET statement_timeout")
        assert "0" == await one.fetchval("SHOW statement_timeout")

    place.run(case)
