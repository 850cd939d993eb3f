"""
Ten clients quarrel over five rows of a real PostgreSQL, in virtual time.

Run as a program it prints what each of them met and the tape's fingerprint, for two runs on
one engine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from random import Random

import asyncpg

from umt_sim.distributions import Exponential
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Station
from umt_sim.servers.postgres import Engine, PostgreSQL, recipe

HOST, PORT = "postgres", 5432
SCHEMA = """
    CREATE TYPE mood AS ENUM ('calm', 'loud');
    CREATE TABLE accounts (id int PRIMARY KEY, balance int, mood mood DEFAULT 'calm');
    CREATE TABLE log (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), place serial, who int,
                      at timestamptz DEFAULT now(), dice float DEFAULT random());
    INSERT INTO accounts SELECT n, 100 FROM generate_series(1, 5) n;
"""


async def quarrel(pool: asyncpg.Pool, who: int, draw: Random, log: list[str]) -> None:
    """Update rows in any order, within a deadline, and notify everybody."""
    for _ in range(8):
        await asyncio.sleep(draw.expovariate(0.7))
        try:
            async with pool.acquire(timeout=20) as connection, connection.transaction():
                await connection.execute("SET LOCAL deadlock_timeout = '500ms'")
                await connection.execute("SET LOCAL lock_timeout = '900ms'")
                for row in draw.sample(range(1, 6), 2):
                    await connection.fetchrow(
                        "UPDATE accounts SET balance = balance + 1, mood = 'loud' WHERE id = $1"
                        " RETURNING *",
                        row,
                        timeout=draw.uniform(0.2, 5),
                    )
                    await asyncio.sleep(draw.uniform(0, 0.4))
                row = await connection.fetchrow(
                    "INSERT INTO log (who) VALUES ($1) RETURNING *", who
                )
                await connection.execute(f"NOTIFY news, '{who}'")
            log.append(f"{time.monotonic()} {who} {[*map(str, row)]}")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.append(f"{time.monotonic()} {who} {type(error).__name__} {error}")


async def story(kernel: Kernel, engine: Engine, log: list[str]) -> None:
    """Ten clients, four workers, a lost commit and a restart."""
    server = PostgreSQL(
        engine=engine,
        unix_time=time.time,
        stream=kernel.streams.stream("servers/postgres"),
        capacity=Station(
            kernel.env,
            name="postgres",
            workers=4,
            default=Exponential(0.02),
            stream=kernel.streams.stream("service"),
            recorder=Recorder(kernel.loop.time),
        ),
    )
    await server.start(HOST, PORT)
    logging.disable()  # asyncpg tells of every failed attempt to connect
    options = {"host": HOST, "port": PORT, "user": "umt", "database": "umt"}
    listener = await asyncpg.connect(**options)
    await listener.execute(SCHEMA)
    await listener.add_listener("news", lambda *news: log.append(f"news {news[1:]}"))
    pool = await asyncpg.create_pool(**options, min_size=2, max_size=8)
    async with asyncio.TaskGroup() as group:
        for who in range(10):
            group.create_task(quarrel(pool, who, kernel.streams.stream(f"client/{who}"), log))
        await asyncio.sleep(4)
        server.crash_at_commit(down_for=0.5)
        await asyncio.sleep(5)
        await server.restart(down_for=0.3, starting_for=0.3)
    rows = await pool.fetch("SELECT * FROM log ORDER BY place")
    log.extend(str([*map(str, row)]) for row in rows)
    await pool.close()
    await server.stop()


def main() -> None:
    """Tell the story twice, and print what was seen."""
    with Engine(recipe()) as engine:
        for _ in range(2):
            log: list[str] = []
            engine.fresh()
            with Kernel(seed=11) as kernel:
                Network(kernel).host(HOST)
                kernel.run(story(kernel, engine, log))
            json.dump({"fingerprint": kernel.tape.hexdigest(), "log": log}, sys.stdout)
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
