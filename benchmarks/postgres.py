"""
What a query costs: asyncpg, the simulated network, our server and the engine together.

Prints microseconds of the machine, the best of many rounds. On a loaded machine the figures
mean little: our process and the engine's want a core each.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg

from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.postgres import Engine, PostgreSQL, recipe

ROUND = 200
ROUNDS = 20


def machine_time() -> float:
    """Seconds of the real clock; the usual functions are virtual in a run."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


async def measure(name: str, step: Callable[[int], Awaitable[object]], each: int = ROUND) -> None:
    """Print the best round of *each* steps."""
    best = float("inf")
    for number in range(ROUNDS):
        begun = machine_time()
        for n in range(each):
            await step(number * each + n)
        best = min(best, (machine_time() - begun) / each)
        await asyncio.sleep(1)  # or the kernel takes it for a livelock
    print(f"{name:24} {best * 1e6:7.1f} µs")


async def tell(kernel: Kernel, engine: Engine) -> None:
    """All measurements."""
    server = PostgreSQL(
        engine=engine, unix_time=time.time, stream=kernel.streams.stream("servers/postgres")
    )
    await server.start("postgres", 5432)
    options = {"host": "postgres", "port": 5432, "user": "umt", "database": "umt"}

    async def connect(_: int) -> None:
        await (await asyncpg.connect(**options)).close()

    one = await asyncpg.connect(**options)
    await one.execute(
        "CREATE TABLE brands (id uuid PRIMARY KEY, name text, doc jsonb, version int)"
    )
    insert = "INSERT INTO brands VALUES ($1, 'acme', $2, 1)"
    select = "SELECT * FROM brands WHERE id = $1"
    await measure("select 1", lambda _: one.fetchval("SELECT 1"))
    await measure("insert", lambda n: one.execute(insert, UUID(int=n), '{"a": 1}'))
    await measure("select by key", lambda n: one.fetchrow(select, UUID(int=n)))

    async def transaction(n: int) -> None:
        async with one.transaction():
            await one.execute("UPDATE brands SET version = 2 WHERE id = $1", UUID(int=n))

    await measure("transaction, one update", transaction)
    await measure("now()", lambda _: one.fetchval("SELECT now()"))

    two = await asyncpg.connect(**options)

    async def contend(_: int) -> None:
        await one.execute("BEGIN; SELECT pg_advisory_xact_lock(2)")
        waiting = asyncio.create_task(two.execute("SELECT pg_advisory_xact_lock(2)"))
        await asyncio.sleep(1)
        await one.execute("COMMIT")
        await waiting

    await measure("a wait for a lock", contend, each=20)
    await measure("connect and close", connect, each=20)
    await server.stop()


def main() -> None:
    """Measure once."""
    begun = machine_time()
    with Engine(recipe()) as engine:
        print(f"{'engine start':24} {(machine_time() - begun) * 1e3:7.1f} ms")
        begun = machine_time()
        engine.fresh()
        print(f"{'engine fresh':24} {(machine_time() - begun) * 1e3:7.1f} ms")
        with Kernel(seed=1) as kernel:
            Network(kernel).host("postgres")
            kernel.run(tell(kernel, engine))


if __name__ == "__main__":
    main()
