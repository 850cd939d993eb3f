"""Who is let in, how, and what remains of those who leave."""

from __future__ import annotations

import asyncio
import ssl
import time

import asyncpg
import pytest
import trustme

from tests.conformance.postgres.places import HOST, PORT, Database, OursInVirtualTime
from tests.unit.servers.postgres.stations import station
from umt_sim.servers.postgres import Engine, PostgreSQL, wire


def test_too_many_clients_are_turned_away(ours: OursInVirtualTime) -> None:
    """53300, and there is room again when one leaves."""

    async def case(db: Database) -> None:
        one, _ = await db.connect(), await db.connect()
        with pytest.raises(asyncpg.TooManyConnectionsError) as caught:
            await db.connect()
        assert "sorry, too many clients already" == str(caught.value)
        await one.close()
        await db.connect()

    ours.run(case, max_connections=2)


def test_those_who_are_being_let_in_count(ours: OursInVirtualTime) -> None:
    """A place is taken before the connection is served, not after."""

    async def case(db: Database) -> None:
        arrivals = [asyncio.create_task(db.connect()) for _ in range(5)]
        done, _ = await asyncio.wait(arrivals)
        refused = [task for task in done if task.exception() is not None]
        assert 3 == len(refused)

    ours.run(case, capacity=station(1), max_connections=2)


def test_more_connections_than_the_engine_has_are_an_error(engine: Engine) -> None:
    """Said when the server is made, not when the run is half over."""
    with pytest.raises(ValueError, match=r"max_connections=1004; this one has 300"):
        PostgreSQL(engine=engine, unix_time=time.time, stream=None, max_connections=1000)  # type: ignore[arg-type]


def test_a_password_is_asked_for(ours: OursInVirtualTime) -> None:
    """By SCRAM-SHA-256; a wrong one is refused."""

    async def case(db: Database) -> None:
        one = await db.connect(password="secret")
        assert 1 == await one.fetchval("SELECT 1")
        with pytest.raises(asyncpg.InvalidPasswordError) as caught:
            await db.connect(password="guess")
        assert 'password authentication failed for user "umt"' == str(caught.value)

    ours.run(case, password="secret")


def test_a_connection_can_be_encrypted(ours: OursInVirtualTime) -> None:
    """With a certificate the server says yes to TLS, and no without."""
    authority = trustme.CA()
    offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(offered)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)

    async def encrypted(db: Database) -> None:
        one = await db.connect(ssl=trusted)
        assert 1_000_000 == await one.fetchval("SELECT length($1::text)", "x" * 1_000_000)
        await one.close()

    async def plain(db: Database) -> None:
        with pytest.raises(ConnectionError):
            await db.connect(ssl=trusted)

    ours.run(encrypted, tls=offered)
    ours.run(plain)


def test_nonsense_instead_of_tls_ends_the_connection(ours: OursInVirtualTime) -> None:
    """Also what is sent in the clear after asking for TLS."""
    authority = trustme.CA()
    offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(offered)
    ask = (8).to_bytes(4, "big") + wire.SSL_REQUEST.to_bytes(4, "big")

    async def case(db: Database) -> None:
        for words, more in ((ask, b"no TLS at all"), (ask + b"early", b""), (ask, b"")):
            reader, writer = await asyncio.open_connection(HOST, PORT)
            writer.write(words)
            assert await reader.read(1) in (b"S", b"E")
            writer.write(more)
            await db.wait(1)
            writer.close()
        await db.wait(100)
        assert {} == db.server._sessions

    ours.run(case, tls=offered)


def test_a_client_that_leaves_half_way_in_leaves_nothing(ours: OursInVirtualTime) -> None:
    """Connections that say nothing, or half of something, do not stay."""

    async def case(db: Database) -> None:
        for words in (b"", b"\0\0", wire.startup({"user": "umt"})[:9]):
            _, writer = await asyncio.open_connection(HOST, PORT)
            writer.write(words)
            await db.wait(1)
            writer.close()
        await db.wait(1)
        assert {} == db.server._sessions

    ours.run(case)


def test_what_a_client_sent_before_it_left_is_done(ours: OursInVirtualTime) -> None:
    """A request under way happens although nobody waits for it any more."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        update = asyncio.create_task(one.execute("UPDATE accounts SET balance = 0 WHERE id = 1"))
        await db.wait(0.5)
        one.terminate()
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await update
        await db.wait(1)
        assert 0 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")

    ours.run(case, capacity=station(4))
