"""What our server adds to the engine: capacity, limits, restarts, crashes, virtual values."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import trustme

from tests.conformance.postgres.places import HOST, PORT, Database, OursInVirtualTime
from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.servers.capacity import Station
from umt_sim.servers.postgres import Engine, PostgreSQL, wire

BY_THE_ADMINISTRATOR = "terminating connection due to administrator command"
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


def station(workers: int, **options: Any) -> Any:
    """Makes a station with a second for a query, half for a commit, a tenth to connect."""

    def make(kernel: Kernel) -> Station:
        return Station(
            kernel.env,
            name="postgres",
            workers=workers,
            service={
                "query": Constant(1.0),
                "commit": Constant(0.5),
                "connect": Constant(0.1),
                "copy": Constant(2.0),
            },
            default=Constant(0.0),
            stream=kernel.streams.stream("service"),
            recorder=Recorder(kernel.loop.time),
            **options,
        )

    return make


def test_operations_take_their_service_time(ours: OursInVirtualTime) -> None:
    """Connecting, preparing, querying, committing and copying each have their own."""

    async def case(db: Database) -> None:
        one = await db.connect()
        db.check_lasted(0, 0.1)
        await one.execute("CREATE TABLE t (id int)")
        db.check_lasted(0, 1.1)
        await one.fetch("SELECT $1::int", 1)  # prepared in no time, then executed
        db.check_lasted(0, 2.1)
        async with one.transaction():
            await one.fetch("SELECT $1::int", 1)
        db.check_lasted(0, 3.6)
        await one.copy_records_to_table("t", records=[(1,)])
        db.check_lasted(0, 3.6 + 1 + 2)  # the COPY itself, and its data

    ours.run(case, capacity=station(1))


def test_queries_queue_for_a_worker(ours: OursInVirtualTime) -> None:
    """With two workers five queries of a second take three."""

    async def case(db: Database) -> None:
        connections = [await db.connect() for _ in range(5)]
        begun = db.now()
        await asyncio.gather(*(connection.execute("SELECT 1") for connection in connections))
        db.check_lasted(begun, 3)

    ours.run(case, capacity=station(2))


def test_an_effect_happens_when_its_service_is_over(ours: OursInVirtualTime) -> None:
    """Until then others see the old row."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        update = asyncio.create_task(one.execute("UPDATE accounts SET balance = 0 WHERE id = 1"))
        read = "SELECT balance FROM accounts WHERE id = 1"
        await db.wait(0.5)
        late = asyncio.create_task(two.execute(read))
        await update
        assert 0 == await one.fetchval(read)
        await late

    ours.run(case, capacity=station(4))


def test_waiting_for_a_lock_needs_no_worker(ours: OursInVirtualTime) -> None:
    """One worker serves others while a session sleeps on a lock."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await one.execute("BEGIN")
        await one.execute("UPDATE accounts SET balance = 0 WHERE id = 1")
        waiting = asyncio.create_task(two.execute("UPDATE accounts SET balance = 1 WHERE id = 1"))
        await db.wait(5)
        begun = db.now()
        await one.execute("SELECT 1")
        db.check_lasted(begun, 1)
        await one.execute("COMMIT")
        await waiting
        db.check_lasted(begun, 1.5)

    ours.run(case, capacity=station(1))


def test_a_full_queue_refuses_a_statement(ours: OursInVirtualTime) -> None:
    """53000; in a transaction it fails the transaction."""

    async def case(db: Database) -> None:
        one, two = await db.connect(), await db.connect()
        await two.execute("BEGIN")
        busy = asyncio.create_task(one.execute("SELECT 1"))
        await db.wait(0.5)
        with pytest.raises(asyncpg.InsufficientResourcesError) as caught:
            await two.execute("SELECT 1")
        assert "postgres: 0 callers wait already" == str(caught.value)
        await busy
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await two.execute("SELECT 1")
        assert "ROLLBACK" == await two.execute("COMMIT")

    ours.run(case, capacity=station(1, queue_limit=0))


def test_a_statement_timeout_counts_the_queue(ours: OursInVirtualTime) -> None:
    """A statement that is still waiting for a worker is canceled in time and never happens."""

    async def case(db: Database) -> None:
        one, two = await db.pair()
        await two.execute("SET statement_timeout = '1200ms'")
        busy = asyncio.create_task(one.execute("SELECT 1"))
        await db.wait(0.5)
        begun = db.now()
        with pytest.raises(asyncpg.QueryCanceledError):
            await two.execute("UPDATE accounts SET balance = 0 WHERE id = $1", 1)
        db.check_lasted(begun, 1.2)
        await busy
        assert 100 == await one.fetchval("SELECT balance FROM accounts WHERE id = 1")

    ours.run(case, capacity=station(1))


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


def test_pipelined_batches_are_answered_in_order(ours: OursInVirtualTime) -> None:
    """A client may send several batches before it reads; an error ends only its own."""

    def batch(text: bytes) -> bytes:
        return (
            wire.message(b"P", b"\0" + text + b"\0\0\0")
            + wire.message(b"B", b"\0\0\0\0\0\0\0\0")
            + wire.message(b"E", b"\0\0\0\0\0")
            + wire.message(b"S", b"")
        )

    async def case(db: Database) -> None:
        reader, writer = await asyncio.open_connection(HOST, PORT)
        writer.write(wire.startup({"user": "umt", "database": "umt"}))
        while not (await reader.read(65536)).endswith(b"Z\0\0\0\5I"):
            pass
        begun = db.now()
        writer.write(batch(b"SELECT 'a'") + batch(b"SELECT 1/0") + batch(b"SELECT 'b'"))
        said = b""
        while said.count(b"Z\0\0\0\5I") < 3:
            said += await reader.read(65536)
        kinds = bytes(kind for kind, _, _ in wire.frames(said))
        assert b"12DCZ" + b"1EZ" + b"12DCZ" == kinds
        db.check_lasted(begun, 3)
        writer.close()

    ours.run(case, capacity=station(1))


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
        with pytest.raises(LOST):
            await update
        await db.wait(1)
        assert 0 == await two.fetchval("SELECT balance FROM accounts WHERE id = 1")

    ours.run(case, capacity=station(4))
