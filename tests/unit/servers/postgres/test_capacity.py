"""Statements wait for a worker, take their time, and are refused when too many wait."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.conformance.postgres.places import HOST, PORT, Database, OursInVirtualTime
from tests.unit.servers.postgres.stations import station
from umt_sim.servers.postgres import wire


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
