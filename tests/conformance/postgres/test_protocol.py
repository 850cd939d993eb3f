"""What drivers do on the wire beyond single queries."""

from __future__ import annotations

import asyncio
import io

import asyncpg
import pytest

from tests.conformance.postgres.places import Database, OursInVirtualTime, RealServer

Place = OursInVirtualTime | RealServer


def test_a_prepared_statement_is_used_again(place: Place) -> None:
    """Prepared once, executed with other arguments."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        statement = await one.prepare("SELECT balance + $1 FROM accounts WHERE id = $2")
        assert [101, 102] == [await statement.fetchval(n, n) for n in (1, 2)]
        assert ("int4", "int4") == tuple(p.name for p in statement.get_parameters())

    place.run(case)


def test_types_made_by_the_user_are_introspected(place: Place) -> None:
    """The driver asks the catalogue for an enum, an array of it and a composite."""

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute("CREATE TYPE mood AS ENUM ('calm', 'loud')")
        await one.execute("CREATE TYPE tone AS (mood mood, level int)")
        await one.execute("CREATE TABLE songs (tones tone[])")
        await one.execute("INSERT INTO songs VALUES ($1::tone[])", [("calm", 1), ("loud", 9)])
        tones = await one.fetchval("SELECT tones FROM songs")
        assert [("calm", 1), ("loud", 9)] == [tuple(tone) for tone in tones]

    place.run(case)


def test_a_changed_table_invalidates_a_cached_statement(place: Place) -> None:
    """The driver hears about it from the server."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.fetch("SELECT * FROM accounts")
        await two.execute("ALTER TABLE accounts ADD COLUMN note text")
        assert 3 == len(await one.fetchrow("SELECT * FROM accounts"))
        async with one.transaction():
            await one.fetch("SELECT * FROM accounts")
            await one.execute("ALTER TABLE accounts DROP COLUMN note")
            with pytest.raises(asyncpg.InvalidCachedStatementError):
                await one.fetch("SELECT * FROM accounts")

    place.run(case)


def test_a_cursor_gives_rows_in_pieces(place: Place) -> None:
    """A portal is suspended after as many rows as were asked for."""

    async def case(db: Database) -> None:
        one = await db.connect()
        async with one.transaction():
            cursor = await one.cursor("SELECT generate_series(1, 10)")
            assert [1, 2, 3] == [row[0] for row in await cursor.fetch(3)]
            await cursor.forward(4)
            assert 8 == (await cursor.fetchrow())[0]
        async with one.transaction():
            rows = [r[0] async for r in one.cursor("SELECT generate_series(1, 7)", prefetch=2)]
        assert [*range(1, 8)] == rows

    place.run(case)


def test_execute_many(place: Place) -> None:
    """One statement with many arguments is one transaction."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        rows = [(n, n) for n in range(10, 2000)]
        await one.executemany("INSERT INTO accounts VALUES ($1, $2)", rows)
        assert 1995 == await one.fetchval("SELECT count(*) FROM accounts")
        with pytest.raises(asyncpg.UniqueViolationError):
            await one.executemany("INSERT INTO accounts VALUES ($1, 0)", [(5000,), (1,), (5001,)])
        assert 1995 == await one.fetchval("SELECT count(*) FROM accounts")

    place.run(case)


def test_copy_in_and_out(place: Place) -> None:
    """COPY both ways, larger than any buffer on the way."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        rows = [(n, n % 7) for n in range(100, 60_100)]
        answer = await one.copy_records_to_table("accounts", records=rows)
        assert "COPY 60000" == answer
        out = io.BytesIO()
        await one.copy_from_query("SELECT * FROM accounts ORDER BY id", output=out, format="csv")
        lines = out.getvalue().splitlines()
        assert (60_005, b"1,100", b"60099,4") == (len(lines), lines[0], lines[-1])

    place.run(case)


def test_a_copy_that_fails_leaves_nothing(place: Place) -> None:
    """An error in the last row undoes the whole COPY, and the connection goes on."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        rows = [(n, 0) for n in range(100, 20_000)] + [(1, 0)]
        with pytest.raises(asyncpg.UniqueViolationError):
            await one.copy_records_to_table("accounts", records=rows)
        assert 5 == await one.fetchval("SELECT count(*) FROM accounts")

    place.run(case)


def test_a_copy_whose_source_fails_is_undone(place: Place) -> None:
    """The client can end a COPY with a failure of its own."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()

        async def source() -> object:
            yield b"7,1\n"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await one.copy_to_table("accounts", source=source(), format="csv")
        assert 5 == await one.fetchval("SELECT count(*) FROM accounts")

    place.run(case)


def test_a_copy_waits_for_a_key(place: Place) -> None:
    """COPY meets locks like any other insert, also in the middle of its data."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN; INSERT INTO accounts VALUES (100, 0)")
        begun = db.now()
        rows = [(n, 0) for n in range(100, 60_000)]
        copying = asyncio.create_task(two.copy_records_to_table("accounts", records=rows))
        await db.wait(2)
        await one.execute("ROLLBACK")
        assert "COPY 59900" == await copying
        db.check_lasted(begun, 2)

    place.run(case)


def test_a_large_answer(place: Place) -> None:
    """Megabytes come through as they are."""

    async def case(db: Database) -> None:
        one = await db.connect()
        text = await one.fetchval("SELECT repeat('0123456789', 500000)")
        assert (5_000_000, "01234") == (len(text), text[:5])
        assert 200_000 == len(await one.fetch("SELECT generate_series(1, 200000)"))

    place.run(case)


def test_a_large_question(place: Place) -> None:
    """Arguments of megabytes, too."""

    async def case(db: Database) -> None:
        one = await db.connect()
        assert 7_000_000 == await one.fetchval("SELECT length($1::text)", "x" * 7_000_000)
        assert 3_000_000 == await one.fetchval(f"SELECT length('{'x' * 3_000_000}')")

    place.run(case)


def test_a_notice_comes_before_its_answer(place: Place) -> None:
    """RAISE NOTICE reaches the driver's listener."""

    async def case(db: Database) -> None:
        one = await db.connect()
        heard: list[str] = []
        one.add_log_listener(lambda _, message: heard.append(message.message))
        await one.execute("DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'world'; END $$")
        await db.wait(1)
        assert ["hello", "world"] == heard

    place.run(case)


def test_server_parameters_are_reported(place: Place) -> None:
    """The driver knows a setting that the server reports, from the start and when it changes."""

    async def case(db: Database) -> None:
        one = await db.connect(server_settings={"application_name": "umt"})
        settings = one.get_settings()
        assert ("umt", "UTF8") == (settings.application_name, settings.client_encoding)
        await one.execute("SET application_name = 'other'")
        assert "other" == one.get_settings().application_name

    place.run(case)


def test_an_unknown_database_is_refused(place: Place) -> None:
    """The connection fails with the server's own words."""

    async def case(db: Database) -> None:
        with pytest.raises(asyncpg.InvalidCatalogNameError) as caught:
            await db.connect(database="nowhere")
        assert 'database "nowhere" does not exist' == str(caught.value)

    place.run(case)


def test_an_unknown_user_is_refused(place: Place) -> None:
    """Likewise."""

    async def case(db: Database) -> None:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await db.connect(user="nobody-here")

    place.run(case)


def test_an_error_tells_where_it_is(place: Place) -> None:
    """Position, constraint, table and hint are the engine's."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        with pytest.raises(asyncpg.UndefinedColumnError) as caught:
            await one.execute("SELECT balanc FROM accounts")
        assert ("8", 'Perhaps you meant to reference the column "accounts.balance".') == (
            caught.value.position,
            caught.value.hint,
        )
        with pytest.raises(asyncpg.NotNullViolationError) as missing:
            await one.execute("INSERT INTO accounts VALUES (8, NULL)")
        assert ("accounts", "balance") == (missing.value.table_name, missing.value.column_name)

    place.run(case)


def test_a_pool_makes_callers_wait(place: Place) -> None:
    """With two connections and four callers two wait for the others."""

    async def case(db: Database) -> None:
        pool = await asyncpg.create_pool(
            host=db.host, port=db.port, user="umt", database="umt", min_size=1, max_size=2
        )
        begun = db.now()
        sleep = f"SELECT pg_sleep({2 * db.unit})"
        await asyncio.gather(*(pool.execute(sleep) for _ in range(4)))
        db.check_lasted(begun, 4)
        await pool.close()

    place.run(case)


def test_an_exhausted_pool_gives_up_in_time(place: Place) -> None:
    """acquire() has a deadline of its own."""

    async def case(db: Database) -> None:
        pool = await asyncpg.create_pool(
            host=db.host, port=db.port, user="umt", database="umt", min_size=1, max_size=1
        )
        async with pool.acquire():
            begun = db.now()
            with pytest.raises(TimeoutError):
                await pool.acquire(timeout=2 * db.unit)
            db.check_lasted(begun, 2)
        await pool.close()

    place.run(case)


def test_temporary_tables_belong_to_their_session(place: Place) -> None:
    """And are gone with it."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        await one.execute("CREATE TEMP TABLE scratch (id int)")
        with pytest.raises(asyncpg.UndefinedTableError):
            await two.execute("SELECT * FROM scratch")
        await one.reset()
        await one.execute("SELECT * FROM scratch")

    place.run(case)


def test_a_call_of_a_procedure_commits_inside(place: Place) -> None:
    """CALL may end its own transactions, and others see the part that is done."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute(f"""
            CREATE PROCEDURE slowly() LANGUAGE plpgsql AS $$ BEGIN
                UPDATE accounts SET balance = 1 WHERE id = 1; COMMIT;
                PERFORM pg_sleep({2 * db.unit});
                UPDATE accounts SET balance = 2 WHERE id = 1;
            END $$
        """)
        begun = db.now()
        calling = asyncio.create_task(one.execute("CALL slowly()"))
        await db.wait(1)
        assert 1 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")
        await calling
        db.check_lasted(begun, 2)

    place.run(case)
