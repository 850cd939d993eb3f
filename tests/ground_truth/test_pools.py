"""
An asyncpg pool is a queue whose callers lose patience: M/M/c with abandonment.

A caller keeps one of ten connections for as long as its query takes, and waits for one no
longer than its timeout.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import asyncpg
import pytest

from tests.ground_truth.cases import Draws, cases_of, mean, virtually
from tests.ground_truth.load import Seen, open_load
from umt_sim.distributions import Constant, Exponential
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Station
from umt_sim.servers.postgres import Engine, PostgreSQL, recipe

HOST, PORT = "postgres", 5432
RUNS = 2
FEW, MANY = 4_000, 100_000


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The PostgreSQL that answers."""
    with Engine(recipe()) as engine:
        yield engine


def run(engine: Engine, queue: str, number: int, calls: int) -> Seen:
    """One run of a case through a pool of as many connections as it has servers."""
    params = next(iter(cases_of(queue).values())).params
    size, draws = int(params["c"]), Draws(queue, number)
    patience = patience_of(params, draws)

    async def play(kernel: Kernel, network: Network) -> Seen:
        engine.fresh()
        network.host(HOST)
        server = PostgreSQL(
            engine=engine,
            unix_time=time.time,
            stream=draws.stream("server"),
            capacity=Station(
                kernel.env,
                name=HOST,
                workers=size,  # so nobody queues at the server: the pool is the only queue
                service={"query": Exponential(1 / params["mu"])},
                default=Constant(0.0),
                stream=draws.stream("service"),
                recorder=Recorder(kernel.loop.time),
            ),
        )
        await server.start(HOST, PORT)

        async def call() -> bool:
            try:
                connection = await pool.acquire(timeout=patience())
            except TimeoutError:
                return False
            await connection.execute("SELECT 1")
            await pool.release(connection)
            return True

        async with asyncpg.create_pool(
            host=HOST,
            port=PORT,
            user="umt",
            database="umt",
            min_size=size,
            max_size=size,
            reset=_nothing,
        ) as pool:
            seen = await open_load(draws, call, rate=params["lam"], calls=calls, workers=size)
        await server.stop()
        return seen

    return virtually(play)


def patience_of(params: dict[str, float], draws: Draws) -> Callable[[], float]:
    """How long the next caller waits: always as long, or as it happens."""
    if "tau" in params:
        return lambda: params["tau"]
    return draws.exponential("patience", params["theta"])


async def _nothing(connection: object) -> None:
    """Leave a connection as it is: the pool's own reset would be a query more."""


@pytest.mark.parametrize("queue", ["Q23", "Q25"])
def test_a_pool_turns_away_as_many_as_theory_says(
    queue: str, engine: Engine, campaign: bool
) -> None:
    """With one timeout for all (M/M/10+D) and with timeouts at random (Erlang A)."""
    calls = MANY if campaign else FEW
    runs = [run(engine, queue, number, calls) for number in range(RUNS)]
    cases = cases_of(queue)
    cases["P_abandon"].check(mean([seen.lost / seen.offered for seen in runs]), RUNS * calls)
    cases["P_wait"].check(mean([seen.delayed / seen.offered for seen in runs]), RUNS * calls)
