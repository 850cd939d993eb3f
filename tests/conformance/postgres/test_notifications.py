"""LISTEN and NOTIFY: who hears what, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tests.conformance.postgres.places import Database, OursInVirtualTime, RealServer
from umt_sim.servers.postgres import wire

Place = OursInVirtualTime | RealServer


def test_a_notification_arrives_when_it_is_committed(place: Place) -> None:
    """Listeners hear at the commit, idle or not, and know who spoke."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        heard: list[tuple[float, int, str]] = []
        await one.add_listener("news", lambda _, pid, __, text: heard.append((db.now(), pid, text)))
        begun = db.now()
        async with two.transaction():
            await two.execute("SELECT pg_notify('news', 'first')")
            await two.execute("NOTIFY news, 'second'")
            await db.wait(2)
            assert [] == heard
        await db.wait(1)
        pid = two.get_server_pid()
        assert [(pid, "first"), (pid, "second")] == [row[1:] for row in heard]
        if db.exact:
            assert [begun + 2] * 2 == [row[0] for row in heard]

    place.run(case)


def test_a_notification_of_oneself_arrives_too(place: Place) -> None:
    """A session hears what it says."""

    async def case(db: Database) -> None:
        one = await db.connect()
        heard: list[str] = []
        await one.add_listener("news", lambda *news: heard.append(news[-1]))
        await one.execute("NOTIFY news, 'mine'")
        await db.wait(1)
        assert ["mine"] == heard

    place.run(case)


def test_a_rolled_back_notification_is_never_heard(place: Place) -> None:
    """It is part of its transaction."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        heard: list[str] = []
        await one.add_listener("news", lambda *news: heard.append(news[-1]))
        await two.execute("BEGIN; NOTIFY news, 'no'; ROLLBACK")
        await two.execute("NOTIFY news, 'yes'")
        await db.wait(1)
        assert ["yes"] == heard

    place.run(case)


def test_a_listener_in_a_transaction_hears_at_its_end(place: Place) -> None:
    """Notifications wait until the listener's own transaction is over."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        heard: list[str] = []
        await one.add_listener("news", lambda *news: heard.append(news[-1]))
        async with one.transaction():
            await one.execute("SELECT 1")
            await two.execute("NOTIFY news, 'x'")
            await db.wait(1)
            await one.execute("SELECT 1")
            assert [] == heard
        await db.wait(1)
        assert ["x"] == heard

    place.run(case)


def test_a_listener_that_copies_is_left_alone(place: Place) -> None:
    """In the middle of COPY it hears nothing; afterwards it hears what was said meanwhile."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        heard: list[str] = []
        await one.add_listener("news", lambda *news: heard.append(news[-1]))

        async def slowly() -> AsyncIterator[bytes]:
            yield b"6\t0\n"
            await two.execute("NOTIFY news, 'meanwhile'")
            await two.execute("SELECT 1")
            assert [] == heard
            yield b"7\t0\n"

        await one.copy_to_table("accounts", source=slowly())
        await db.wait(1)
        assert ["meanwhile"] == heard
        assert 7 == await one.fetchval("SELECT count(*) FROM accounts")

    place.run(case)


def test_a_batch_without_an_end_stays_open(place: Place) -> None:
    """What was executed and flushed, but not synced, is rolled back with its session."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        reader, writer = await asyncio.open_connection(db.host, db.port)
        writer.write(
            wire.startup({"user": "umt", "database": "umt"})
            + wire.message(b"Q", b"LISTEN news\0")
            + wire.message(b"P", b"\0DELETE FROM accounts\0\0\0")
            + wire.message(b"B", b"\0\0\0\0\0\0\0\0")
            + wire.message(b"E", b"\0\0\0\0\0")
            + wire.message(b"H", b"")
        )
        await reader.readuntil(b"DELETE 5\0")
        await two.execute("NOTIFY news")
        await one.execute("SELECT 1")
        writer.close()
        await db.wait(1)
        assert 5 == await one.fetchval("SELECT count(*) FROM accounts")

    place.run(case)
