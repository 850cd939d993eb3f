"""Isolation, savepoints, and what a transaction leaves behind."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.conformance.postgres.places import Database, OursInVirtualTime, RealServer

Place = OursInVirtualTime | RealServer


def test_read_committed_sees_what_was_committed_meanwhile(place: Place) -> None:
    """Each statement has its own view."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        async with one.transaction():
            assert 100 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")
            await two.execute("UPDATE accounts SET balance = 5 WHERE id = 1")
            assert 5 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_repeatable_read_does_not(place: Place) -> None:
    """The transaction has one view, from its first query on."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        async with one.transaction(isolation="repeatable_read"):
            assert 100 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")
            await two.execute("UPDATE accounts SET balance = 5 WHERE id = 1")
            assert 100 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_the_view_begins_with_the_first_query_even_with_a_timeout(place: Place) -> None:
    """That our server looks at a session's timeouts is not a query of the session."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("SET statement_timeout = '1h'")
        await one.execute("BEGIN")
        await one.execute("SET LOCAL lock_timeout = '1h'")
        await one.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await two.execute("UPDATE accounts SET balance = 5 WHERE id = 1")
        assert 5 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")
        await one.execute("COMMIT")

    place.run(case)


def test_repeatable_read_refuses_a_row_that_was_changed(place: Place) -> None:
    """A lost update is an error, after the wait for the other transaction."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await one.fetchval("SELECT 1 FROM accounts")
        await two.execute("BEGIN")
        await two.execute("UPDATE accounts SET balance = 5 WHERE id = 1")
        begun = db.now()
        waiting = asyncio.create_task(one.execute("UPDATE accounts SET balance = 6 WHERE id = 1"))
        await db.wait(1)
        await two.execute("COMMIT")
        with pytest.raises(asyncpg.SerializationError) as caught:
            await waiting
        db.check_lasted(begun, 1)
        assert "40001" == caught.value.sqlstate

    place.run(case)


def test_serializable_refuses_write_skew(place: Place) -> None:
    """Two transactions that each read what the other writes cannot both commit."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        for connection in (one, two):
            await connection.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
            assert 500 == await connection.fetchval("SELECT sum(balance) FROM accounts")
        await one.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        await two.execute("UPDATE accounts SET balance = 0 WHERE id = 2")
        await one.execute("COMMIT")
        with pytest.raises(asyncpg.SerializationError):
            await two.execute("COMMIT")

    place.run(case)


def test_a_deferrable_reader_waits_for_a_safe_view(place: Place) -> None:
    """SERIALIZABLE READ ONLY DEFERRABLE begins when no writer can spoil it."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
        await one.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        begun = db.now()
        await two.execute("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE")
        reading = asyncio.create_task(two.fetchval("SELECT sum(balance) FROM accounts"))
        await db.wait(2)
        await one.execute("COMMIT")
        assert 500 == await reading
        db.check_lasted(begun, 2)

    place.run(case)


def test_a_savepoint_undoes_a_part(place: Place) -> None:
    """Nested transactions of the driver are savepoints."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        async with one.transaction():
            await one.execute("UPDATE accounts SET balance = 1 WHERE id = 1")
            inner = one.transaction()
            await inner.start()
            await one.execute("UPDATE accounts SET balance = 2 WHERE id = 1")
            await inner.rollback()
        assert 1 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_a_failed_transaction_refuses_everything_but_its_end(place: Place) -> None:
    """25P02 until the rollback; COMMIT is one, too."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 1 WHERE id = 1")
        with pytest.raises(asyncpg.UndefinedTableError):
            await one.execute("SELECT * FROM nowhere")
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await one.execute("SELECT 1")
        assert "ROLLBACK" == await one.execute("COMMIT")
        assert 100 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_statements_of_one_query_string_are_one_transaction(place: Place) -> None:
    """If the last one fails the first one did not happen."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        with pytest.raises(asyncpg.DivisionByZeroError):
            await one.execute("UPDATE accounts SET balance = 1 WHERE id = 1; SELECT 1 / 0")
        assert 100 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_a_commit_inside_a_query_string_lets_others_go_on(place: Place) -> None:
    """Locks end with the COMMIT, not with the string; what comes after waits in its turn."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN; UPDATE accounts SET balance = 1 WHERE id = 1")
        await two.execute("BEGIN; UPDATE accounts SET balance = 2 WHERE id = 2")
        begun = db.now()
        waiting = asyncio.create_task(two.execute("UPDATE accounts SET balance = 2 WHERE id = 1"))
        await db.wait(1)
        rest = asyncio.create_task(
            one.execute("COMMIT; UPDATE accounts SET balance = 1 WHERE id = 2")
        )
        await waiting
        db.check_lasted(begun, 1)
        await db.wait(1)
        assert not rest.done()
        await two.execute("COMMIT")
        await rest
        db.check_lasted(begun, 2)

    place.run(case)


def test_two_phase_commit_needs_to_be_allowed(place: Place) -> None:
    """max_prepared_transactions is 0 as it comes."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        await one.execute("BEGIN; UPDATE accounts SET balance = 1 WHERE id = 1")
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await one.execute("PREPARE TRANSACTION 'x'")

    place.run(case)


def test_optimistic_concurrency_by_a_version(place: Place) -> None:
    """Of two that read version 1 one updates a row and the other none."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("CREATE TABLE brands (id int PRIMARY KEY, version int)")
        await one.execute("INSERT INTO brands VALUES (1, 1)")
        update = "UPDATE brands SET version = version + 1 WHERE id = 1 AND version = $1"

        async def change(connection: asyncpg.Connection) -> str:
            async with connection.transaction():
                version = await connection.fetchval("SELECT version FROM brands WHERE id = 1")
                await db.wait(1)
                answer: str = await connection.execute(update, version)
                await db.wait(1)
            return answer

        begun = db.now()
        answers = await asyncio.gather(change(one), change(two))
        assert ["UPDATE 0", "UPDATE 1"] == sorted(answers)
        db.check_lasted(begun, 3)

    place.run(case)


def test_sequences_do_not_roll_back(place: Place) -> None:
    """Numbers that a rolled back transaction took are gone."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("CREATE SEQUENCE numbers")
        await one.execute("BEGIN; SELECT nextval('numbers'); ROLLBACK")
        assert 2 == await two.fetchval("SELECT nextval('numbers')")

    place.run(case)


def test_ddl_rolls_back(place: Place) -> None:
    """A migration that fails leaves nothing."""

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute("BEGIN; CREATE TABLE a (id int)")
        with pytest.raises(asyncpg.DuplicateTableError):
            await one.execute("CREATE TABLE a (id int)")
        await one.execute("ROLLBACK")
        assert await one.fetchval("SELECT to_regclass('a') IS NULL")

    place.run(case)
