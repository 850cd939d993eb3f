"""What SQL tells of time and chance belongs to the run, or is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.conformance.postgres.places import Database, OursInVirtualTime


def test_sql_tells_virtual_time(ours: OursInVirtualTime) -> None:
    """now() is the transaction's begin, clock_timestamp() is now, and all begin in 2026."""
    epoch = datetime(2026, 1, 1, tzinfo=UTC)

    async def case(db: Database) -> None:
        one = await db.connect()
        await db.wait(90.25)
        begun = epoch + timedelta(seconds=90.25)
        later = begun + timedelta(seconds=10)
        look = "SELECT now(), statement_timestamp(), clock_timestamp(), CURRENT_TIMESTAMP, {}"
        async with one.transaction():
            assert [begun] * 5 == [*await one.fetchrow(look.format("transaction_timestamp()"))]
            await db.wait(10)
            row = await one.fetchrow(look.format("localtimestamp"))
            assert [begun, later, later, begun, begun.replace(tzinfo=None)] == [*row]
            assert begun.date() == await one.fetchval("SELECT current_date")
            assert begun.timetz() == await one.fetchval("SELECT current_time")
            assert timedelta(days=365) == await one.fetchval("SELECT age(timestamp '2025-01-01')")
        row = await one.fetchrow("SELECT clock_timestamp(), pg_sleep(5), clock_timestamp(), now()")
        assert [later, later + timedelta(seconds=5), later] == [row[0], row[2], row[3]]

    ours.run(case)


def test_columns_and_functions_of_users_tell_virtual_time(ours: OursInVirtualTime) -> None:
    """Defaults, triggers and functions are made of the same words."""
    epoch = datetime(2026, 1, 1, tzinfo=UTC)

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute("""
            CREATE TABLE events (
                id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                made timestamptz NOT NULL DEFAULT now(),
                day date DEFAULT CURRENT_DATE,
                changed timestamp
            );
            CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN NEW.changed := CURRENT_TIMESTAMP; RETURN NEW; END $$;
            CREATE TRIGGER stamp BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION stamp();
        """)
        await db.wait(60)
        await one.execute("INSERT INTO events DEFAULT VALUES")
        row = await one.fetchrow("SELECT * FROM events WHERE made <= now()")
        assert epoch + timedelta(seconds=60) == row["made"]
        assert (epoch.date(), 4) == (row["day"], row["id"].version)
        assert row["made"].replace(tzinfo=None) == row["changed"]

    ours.run(case)


def random_values(ours: OursInVirtualTime) -> list[Any]:
    seen: list[Any] = []

    async def case(db: Database) -> None:
        for _ in range(2):
            one = await db.connect()
            ask = "SELECT random(), gen_random_uuid(), gen_random_uuid(), pg_backend_pid()"
            seen.append([*await one.fetchrow(ask), one.get_server_pid()])

    ours.run(case)
    return seen


def test_randomness_is_the_runs_own(ours: OursInVirtualTime) -> None:
    """Every session draws something else, and every run the same."""
    first, again = random_values(ours), random_values(ours)
    assert first == again
    assert 6 == len({value for session in first for value in session[:3]})
    assert [(1001, 1001), (1002, 1002)] == [(session[3], session[4]) for session in first]


def test_what_cannot_be_virtual_is_refused_and_nothing_else(ours: OursInVirtualTime) -> None:
    """The statement fails, in a transaction the transaction too; the session goes on."""

    async def case(db: Database) -> None:
        one, _ = await db.pair()
        with pytest.raises(asyncpg.FeatureNotSupportedError) as caught:
            await one.execute("SELECT 'now'::timestamptz")
        assert "use now() or current_date" == caught.value.hint
        await one.execute("BEGIN")
        with pytest.raises(asyncpg.FeatureNotSupportedError):
            await one.fetch("SELECT * FROM accounts TABLESAMPLE SYSTEM (50)")
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await one.fetch("SELECT 1")
        await one.execute("ROLLBACK")
        assert 5 == await one.fetchval("SELECT count(*) FROM accounts")

    ours.run(case)
