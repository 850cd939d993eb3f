"""
A server with c workers is the textbook's queue, asked through its own driver.

The station behind the server is held to theory by itself in ``tests/calibration``. Here the
whole way counts: a driver's sockets, the protocol, the server's own order of things.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client

from tests.ground_truth.cases import Draws, cases_of, mean, quantile, virtually
from tests.ground_truth.load import Call, Seen, closed_load, open_load
from umt_sim.distributions import Constant, Exponential
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Station, Totals
from umt_sim.servers.http import APPLICATIONS, HttpUpstream
from umt_sim.servers.postgres import Engine, PostgreSQL, recipe
from umt_sim.servers.redis import Redis

HOST, PORT = "server", 4000
RUNS = 2
CONNECTIONS = 150  # more than are ever under way: the only queue is the server's
BODY = {"prompt": "Announce waterproof jackets", "max_tokens": 1}

Opened = AbstractAsyncContextManager[Call]
Driver = Callable[[Station, Draws], Opened]


@asynccontextmanager
async def redis_py(station: Station, draws: Draws) -> AsyncIterator[Call]:
    """GET through a pool of connections."""
    server = Redis(capacity=station, clock=time.time, stream=draws.stream("server"))
    await server.start(HOST, PORT)
    pool = BlockingConnectionPool(host=HOST, port=PORT, max_connections=CONNECTIONS, protocol=2)

    async def call() -> bool:
        await client.get("key")
        return True

    async with Client.from_pool(pool) as client:
        await asyncio.gather(*(client.ping() for _ in range(CONNECTIONS)))  # all are open now
        yield call
    await server.stop()


@asynccontextmanager
async def httpx_client(station: Station, draws: Draws) -> AsyncIterator[Call]:
    """POST to the language model; a full queue answers 503."""
    server = HttpUpstream(
        application=APPLICATIONS["llm"](draws.stream("content")),
        capacity=station,
        stream=draws.stream("errors"),
    )
    await server.start(HOST, PORT)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)

    async def call() -> bool:
        answer = await client.post("/v1/completions", json=BODY)
        return answer.status_code == 200

    async with httpx.AsyncClient(
        base_url=f"http://{HOST}:{PORT}", limits=limits, timeout=None
    ) as client:
        yield call
    await server.stop()


def asyncpg_pool(engine: Engine) -> Driver:
    """A query through a pool."""

    @asynccontextmanager
    async def opened(station: Station, draws: Draws) -> AsyncIterator[Call]:
        engine.fresh()
        server = PostgreSQL(
            engine=engine,
            unix_time=time.time,
            stream=draws.stream("server"),
            capacity=station,
            max_connections=CONNECTIONS,
        )
        await server.start(HOST, PORT)

        async def call() -> bool:
            await pool.execute("SELECT 1")
            return True

        async with asyncpg.create_pool(
            host=HOST,
            port=PORT,
            user="umt",
            database="umt",
            min_size=CONNECTIONS,
            max_size=CONNECTIONS,
            reset=_nothing,  # or each call would be followed by a query of the pool's own
        ) as pool:
            yield call
        await server.stop()

    return opened


async def _nothing(connection: Any) -> None:
    """Leave a connection as it is."""


async def _open(call: Call, draws: Draws, params: dict[str, float], calls: int) -> Seen:
    if "N" in params:
        users, think = int(params["N"]), params["Z"]
        return await closed_load(draws, call, users=users, think=think, calls=calls)
    rate, workers = params["lam"], int(params.get("c", 1))
    return await open_load(draws, call, rate=rate, calls=calls, workers=workers)


def run(queue: str, number: int, driver: Driver, calls: int) -> tuple[Seen, Totals]:
    """One run of a case: what callers saw, and the server's own account."""
    params = next(iter(cases_of(queue).values())).params
    workers = int(params.get("c", 1))
    service = Exponential(params.get("S") or 1 / params["mu"])
    draws = Draws(queue, number)

    async def play(kernel: Kernel, network: Network) -> tuple[Seen, Totals]:
        network.host(HOST)
        station = Station(
            kernel.env,
            name=HOST,
            workers=workers,
            service={"query": service, "GET": service, "completion": service},
            default=Constant(0.0),
            queue_limit=int(params["K"]) - workers if "K" in params else None,
            stream=draws.stream("service"),
            recorder=Recorder(kernel.loop.time),
        )
        async with driver(station, draws) as call:
            seen = await _open(call, draws, params, calls)
            totals = station.totals()
        return seen, totals

    return virtually(play)


def estimates(seen: Seen, totals: Totals) -> dict[str, float]:
    """Every metric of the data file that can be read off a run."""
    return {
        "W": mean(seen.sojourns),
        "R": mean(seen.sojourns),
        "Wq": totals.waited_seconds / max(1, len(seen.sojourns)),
        "P_wait": seen.delayed / max(1, seen.offered),
        "p_block": seen.lost / max(1, seen.offered),
        "X": len(seen.sojourns) / seen.seconds,
        **{f"W_p{p}": quantile(seen.sojourns, p / 100) for p in (95, 99)},
        **{f"R_p{p}": quantile(seen.sojourns, p / 100) for p in (95, 99)},
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The PostgreSQL that answers."""
    with Engine(recipe()) as engine:
        yield engine


@pytest.mark.parametrize(
    ("queue", "driver", "few", "many"),
    [
        ("Q01", "redis", 4_000, 200_000),
        ("Q02", "redis", 4_000, 200_000),
        ("Q04", "redis", 6_000, 200_000),
        ("Q04", "postgres", 4_000, 100_000),
        ("Q04", "http", 1_000, 20_000),
        ("Q05", "redis", 4_000, 200_000),
        ("Q07", "redis", 4_000, 200_000),
        ("Q08", "http", 1_000, 20_000),
        ("Q10", "http", 1_000, 20_000),
        ("Q17", "redis", 2_500, 100_000),
        ("Q19", "redis", 4_000, 100_000),
        ("Q20", "redis", 4_000, 100_000),
    ],
)
def test_a_server_is_the_queue_of_the_textbook(
    queue: str, driver: str, few: int, many: int, campaign: bool, request: pytest.FixtureRequest
) -> None:
    """Sojourns, delays, refusals and throughput of every case of the queue."""
    drivers: dict[str, Callable[[], Driver]] = {
        "redis": lambda: redis_py,
        "http": lambda: httpx_client,
        "postgres": lambda: asyncpg_pool(request.getfixturevalue("engine")),
    }
    calls = many if campaign else few
    runs = [estimates(*run(queue, number, drivers[driver](), calls)) for number in range(RUNS)]
    cases = [case for case in cases_of(queue).values() if case.metric in runs[0]]
    assert cases
    for case in cases:
        case.check(mean([found[case.metric] for found in runs]), RUNS * calls)
