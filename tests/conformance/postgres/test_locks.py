"""Who waits for whom, and how long."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.conformance.postgres.places import Database, OursInVirtualTime, RealServer

Place = OursInVirtualTime | RealServer


async def hold(db: Database, connection: asyncpg.Connection, units: float, *sql: str) -> None:
    """Run statements in a transaction that stays open for so many units and commits."""
    async with connection.transaction():
        for statement in sql:
            await connection.execute(statement)
        await db.wait(units)


def test_a_second_update_of_a_row_waits_for_the_commit(place: Place) -> None:
    """Two transactions change one row one after the other, and both changes are there."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        begun = db.now()
        first = asyncio.create_task(
            hold(db, one, 3, "UPDATE accounts SET balance = balance + 1 WHERE id = 1")
        )
        await db.wait(1)
        await two.execute("UPDATE accounts SET balance = balance + 10 WHERE id = 1")
        db.check_lasted(begun, 3)
        await first
        assert 111 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_a_second_update_goes_on_from_the_old_row_after_a_rollback(place: Place) -> None:
    """What was rolled back was never there."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        begun = db.now()
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        waiting = asyncio.create_task(
            two.fetchval("UPDATE accounts SET balance = balance + 1 WHERE id = 1 RETURNING balance")
        )
        await db.wait(2)
        await one.execute("ROLLBACK")
        assert 101 == await waiting
        db.check_lasted(begun, 2)

    place.run(case)


def test_other_rows_do_not_wait(place: Place) -> None:
    """A lock is on a row, not on its table."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN; UPDATE accounts SET balance = 0 WHERE id = 1")
        begun = db.now()
        await two.execute("UPDATE accounts SET balance = 0 WHERE id = 2")
        db.check_lasted(begun, 0)

    place.run(case)


def test_readers_do_not_wait(place: Place) -> None:
    """A row that is being changed is read as it was."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN; UPDATE accounts SET balance = 0 WHERE id = 1")
        assert 100 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")

    place.run(case)


def test_waiters_get_a_row_in_the_order_of_arrival(place: Place) -> None:
    """Three wait for one row; one goes on whenever one has committed."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        three, four = await db.connect(), await db.connect()
        order: list[str] = []

        async def add(name: str, connection: asyncpg.Connection, after: float) -> None:
            await db.wait(after)
            async with connection.transaction():
                await connection.execute("UPDATE accounts SET balance = balance + 1 WHERE id = 1")
                order.append(name)
                await db.wait(2)

        begun = db.now()
        await asyncio.gather(
            add("one", one, 0), add("two", two, 0.5), add("three", three, 1), add("four", four, 1.5)
        )
        db.check_lasted(begun, 8)
        assert ["one", "two"] == order[:2]
        if db.exact:  # PostgreSQL lets the last two race
            assert ["three", "four"] == order[2:]

    place.run(case)


def test_a_lost_connection_gives_its_locks_up(place: Place) -> None:
    """A transaction whose client breaks off is rolled back."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        begun = db.now()
        waiting = asyncio.create_task(
            two.fetchval("UPDATE accounts SET balance = balance + 1 WHERE id = 1 RETURNING balance")
        )
        await db.wait(1)
        one.terminate()
        assert 101 == await waiting
        db.check_lasted(begun, 1)

    place.run(case)


def test_nowait_fails_at_once(place: Place) -> None:
    """NOWAIT is an error instead of a wait."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN; SELECT * FROM accounts WHERE id = 1 FOR UPDATE")
        begun = db.now()
        with pytest.raises(asyncpg.LockNotAvailableError) as caught:
            await two.execute("SELECT * FROM accounts WHERE id = 1 FOR UPDATE NOWAIT")
        assert "55P03" == caught.value.sqlstate
        db.check_lasted(begun, 0)

    place.run(case)


def test_skip_locked_takes_the_next_row(place: Place) -> None:
    """A queue in a table: each worker takes a job nobody has."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        take = "SELECT id FROM accounts ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        await one.execute("BEGIN")
        await two.execute("BEGIN")
        assert 1 == await one.fetchval(take)
        assert 2 == await two.fetchval(take)

    place.run(case)


def test_shared_locks_live_together_and_keep_writers_out(place: Place) -> None:
    """FOR SHARE lets others share, and a writer waits for the last of them."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        three = await db.connect()
        begun = db.now()
        share = "SELECT * FROM accounts WHERE id = 1 FOR SHARE"
        readers = [
            asyncio.create_task(hold(db, one, 2, share)),
            asyncio.create_task(hold(db, two, 3, share)),
        ]
        await db.wait(1)
        await three.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        db.check_lasted(begun, 3)
        await asyncio.gather(*readers)

    place.run(case)


def test_key_share_does_not_keep_out_a_change_of_other_columns(place: Place) -> None:
    """A foreign key check and an update of the balance do not meet."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN; SELECT * FROM accounts WHERE id = 1 FOR KEY SHARE")
        begun = db.now()
        await two.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        db.check_lasted(begun, 0)

    place.run(case)


def test_a_table_lock_keeps_everybody_out(place: Place) -> None:
    """ALTER TABLE waits for readers' transactions, and later readers wait for it."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        three = await db.connect()
        begun = db.now()
        reader = asyncio.create_task(hold(db, one, 3, "SELECT * FROM accounts"))
        await db.wait(1)
        alter = asyncio.create_task(two.execute("ALTER TABLE accounts ADD COLUMN note text"))
        await db.wait(1)
        row = await three.fetchrow("SELECT * FROM accounts WHERE id = 1")
        db.check_lasted(begun, 3)
        assert {"id": 1, "balance": 100, "note": None} == dict(row)
        await asyncio.gather(reader, alter)

    place.run(case)


def test_a_duplicate_key_waits_for_the_first_insert(place: Place) -> None:
    """Whether a key is taken is known when its first transaction has ended."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        begun = db.now()
        first = asyncio.create_task(hold(db, one, 2, "INSERT INTO accounts VALUES (9, 1)"))
        await db.wait(1)
        with pytest.raises(asyncpg.UniqueViolationError) as caught:
            await two.execute("INSERT INTO accounts VALUES (9, 2)")
        db.check_lasted(begun, 2)
        assert ("23505", "accounts_pkey") == (caught.value.sqlstate, caught.value.constraint_name)
        await first

    place.run(case)


def test_a_duplicate_key_is_free_after_a_rollback(place: Place) -> None:
    """The second insert succeeds if the first one never happened."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute("INSERT INTO accounts VALUES (9, 1)")
        second = asyncio.create_task(two.execute("INSERT INTO accounts VALUES (9, 2)"))
        await db.wait(1)
        await one.execute("ROLLBACK")
        assert "INSERT 0 1" == await second
        assert 2 == await one.fetchval("SELECT balance FROM accounts WHERE id = 9")

    place.run(case)


def test_do_nothing_waits_and_then_does_nothing(place: Place) -> None:
    """ON CONFLICT DO NOTHING is the idempotency key of two handlers at once."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        begun = db.now()
        claim = "INSERT INTO accounts VALUES (9, 1) ON CONFLICT DO NOTHING"
        first = asyncio.create_task(hold(db, one, 2, claim))
        await db.wait(1)
        assert "INSERT 0 0" == await two.execute(claim)
        db.check_lasted(begun, 2)
        await first

    place.run(case)


def test_one_of_many_waiting_inserts_wins(place: Place) -> None:
    """When the first insert of a key is rolled back exactly one of the others takes it."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        others = [await db.connect() for _ in range(4)]
        await one.execute("BEGIN")
        await one.execute("INSERT INTO accounts VALUES (9, 0)")
        claims = [
            asyncio.create_task(
                db.later(
                    0.2 * n,
                    other.execute("INSERT INTO accounts VALUES (9, $1) ON CONFLICT DO NOTHING", n),
                )
            )
            for n, other in enumerate(others)
        ]
        await db.wait(1)
        await one.execute("ROLLBACK")
        answers = await asyncio.gather(*claims)
        assert ["INSERT 0 0"] * 3 + ["INSERT 0 1"] == sorted(answers)
        if db.exact:
            assert "INSERT 0 1" == answers[0]

    place.run(case)


def test_a_deadlock_ends_one_of_two(place: Place) -> None:
    """Who waits first looks first, after the deadlock timeout, and is the victim."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute(f"SET deadlock_timeout = '{db.spell(4)}'")
        await two.execute(f"SET deadlock_timeout = '{db.spell(16)}'")
        await one.execute("BEGIN; UPDATE accounts SET balance = 1 WHERE id = 1")
        await two.execute("BEGIN; UPDATE accounts SET balance = 1 WHERE id = 2")
        begun = db.now()
        first = asyncio.create_task(one.execute("UPDATE accounts SET balance = 2 WHERE id = 2"))
        await db.wait(1)
        second = asyncio.create_task(two.execute("UPDATE accounts SET balance = 2 WHERE id = 1"))
        with pytest.raises(asyncpg.DeadlockDetectedError) as caught:
            await first
        db.check_lasted(begun, 4)
        assert "UPDATE 1" == await second
        assert ("40P01", "deadlock detected") == (caught.value.sqlstate, str(caught.value.args[0]))
        details = caught.value.detail.splitlines()
        assert 2 == len(details)
        assert all("waits for ShareLock on transaction" in line for line in details)
        pid = one.get_server_pid()
        assert details[0].startswith(f"Process {pid} waits for")
        assert details[0].endswith(f"blocked by process {two.get_server_pid()}.")
        assert 'while updating tuple (0,2) in relation "accounts"' == caught.value.context
        await one.execute("ROLLBACK")
        await two.execute("COMMIT")

    place.run(case)


def test_a_deadlock_of_three(place: Place) -> None:
    """A longer cycle is found as well."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        three = await db.connect()
        everybody = [one, two, three]
        for number, connection in enumerate(everybody, start=1):
            await connection.execute(f"SET deadlock_timeout = '{db.spell(2 + number)}'")
            await connection.execute(f"BEGIN; UPDATE accounts SET balance = 1 WHERE id = {number}")
        begun = db.now()
        waits = [
            asyncio.create_task(
                connection.execute(f"UPDATE accounts SET balance = 2 WHERE id = {number % 3 + 1}")
            )
            for number, connection in enumerate(everybody, start=1)
        ]
        with pytest.raises(asyncpg.DeadlockDetectedError) as caught:
            await waits[0]
        db.check_lasted(begun, 3)
        assert 3 == len(caught.value.detail.splitlines())
        assert "UPDATE 1" == await waits[2]
        await three.execute("COMMIT")
        assert "UPDATE 1" == await waits[1]

    place.run(case)


def test_an_advisory_lock_is_waited_for(place: Place) -> None:
    """Session locks last until they are given up."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        await one.execute("SELECT pg_advisory_lock(7)")
        begun = db.now()
        waiting = asyncio.create_task(two.execute("SELECT pg_advisory_lock(7)"))
        await db.wait(2)
        assert await one.fetchval("SELECT pg_advisory_unlock(7)")
        await waiting
        db.check_lasted(begun, 2)

    place.run(case)


def test_an_advisory_lock_ends_with_its_session(place: Place) -> None:
    """A leader that dies makes room for the next one."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        await one.execute("SELECT pg_advisory_lock(7)")
        assert not await two.fetchval("SELECT pg_try_advisory_lock(7)")
        begun = db.now()
        waiting = asyncio.create_task(two.execute("SELECT pg_advisory_lock(7)"))
        await db.wait(1)
        one.terminate()
        await waiting
        db.check_lasted(begun, 1)

    place.run(case)


def test_a_transactional_advisory_lock_ends_with_the_commit(place: Place) -> None:
    """pg_advisory_xact_lock needs no unlock."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        begun = db.now()
        first = asyncio.create_task(hold(db, one, 2, "SELECT pg_advisory_xact_lock(1, 2)"))
        await db.wait(1)
        await two.execute("SELECT pg_advisory_xact_lock(1, 2)")
        db.check_lasted(begun, 2)
        await first

    place.run(case)


def test_a_rolled_back_savepoint_gives_its_locks_up(place: Place) -> None:
    """The transaction goes on, its locks since the savepoint do not."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute("SAVEPOINT before")
        await one.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        begun = db.now()
        waiting = asyncio.create_task(
            two.fetchval("UPDATE accounts SET balance = balance + 1 WHERE id = 1 RETURNING balance")
        )
        await db.wait(2)
        await one.execute("ROLLBACK TO before")
        assert 101 == await waiting
        db.check_lasted(begun, 2)
        await one.execute("COMMIT")

    place.run(case)


def test_an_error_gives_locks_up_before_the_rollback(place: Place) -> None:
    """A failed transaction holds nothing, even if its client takes its time to end it."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        begun = db.now()
        waiting = asyncio.create_task(
            two.fetchval("UPDATE accounts SET balance = balance + 1 WHERE id = 1 RETURNING balance")
        )
        await db.wait(1)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await one.execute("SELECT 1 / 0")
        assert 101 == await waiting
        db.check_lasted(begun, 1)

    place.run(case)


def test_a_trigger_that_waits_waits_for_its_statement(place: Place) -> None:
    """Locks inside functions are locks."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("""
            CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN UPDATE accounts SET balance = balance + 1 WHERE id = 5; RETURN NEW; END $$;
            CREATE TABLE notes (id int);
            CREATE TRIGGER touch AFTER INSERT ON notes FOR EACH ROW EXECUTE FUNCTION touch()
        """)
        begun = db.now()
        first = asyncio.create_task(hold(db, one, 2, "INSERT INTO notes VALUES (1)"))
        await db.wait(1)
        await two.execute("INSERT INTO notes VALUES (2)")
        db.check_lasted(begun, 2)
        await first
        assert 102 == await one.fetchval("SELECT balance FROM accounts WHERE id = 5")

    place.run(case)


def test_a_foreign_key_waits_for_its_parent(place: Place) -> None:
    """A child cannot know whether its parent will be deleted until that is decided."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("CREATE TABLE orders (account int REFERENCES accounts)")
        begun = db.now()
        first = asyncio.create_task(hold(db, one, 2, "DELETE FROM accounts WHERE id = 1"))
        await db.wait(1)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await two.execute("INSERT INTO orders VALUES (1)")
        db.check_lasted(begun, 2)
        await first

    place.run(case)


def test_released_together_they_go_on_in_the_order_of_arrival(place: Place) -> None:
    """Many wait for one table; ids of a sequence show in which order they went on."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        others = [await db.connect() for _ in range(5)]
        await one.execute("CREATE TABLE log (place serial, who int)")
        first = asyncio.create_task(hold(db, one, 3, "LOCK TABLE log IN EXCLUSIVE MODE"))
        inserts = [
            db.later(1 + n / 5, other.execute(f"INSERT INTO log (who) VALUES ({n})"))
            for n, other in enumerate(others)
        ]
        await asyncio.gather(*inserts)
        await first
        rows = await one.fetch("SELECT who FROM log ORDER BY place")
        assert set(range(5)) == {row["who"] for row in rows}
        if db.exact:
            assert list(range(5)) == [row["who"] for row in rows]

    place.run(case)
