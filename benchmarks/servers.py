"""
CPU of one operation through the simulated servers, beside the same drivers on the real ones.

For a simulated server, *here* is everything: driver, loop, network, server and journal; only
PostgreSQL's engine is a process of its own. For a real server, *here* is the driver and the
loop, and *server* what its processes took. Microseconds, the least of several batches; of a
server process, whose clock ticks in hundredths of a second, the mean of all batches.

Targets were set on a machine where a step of a token ring takes asyncio's own loop 3 µs. The
step is measured here, too, and a cost that has a target is also given on that machine's scale.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Protocol

import aio_pika
import asyncpg
import httpx
import redis.asyncio
from kernel import on_stock, token_ring

from umt_sim.distributions import Constant
from umt_sim.errors import WorldUnavailable
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Capacity, Instant, Station
from umt_sim.servers.http import APPLICATIONS, HttpUpstream
from umt_sim.servers.postgres import Engine, PostgreSQL, recipe
from umt_sim.servers.rabbitmq import RABBITMQ_3_13, RabbitMQ
from umt_sim.servers.redis import Redis
from umt_sim.worlds.live.programs.rabbitmq import RabbitMQ as RealRabbitMQ
from umt_sim.worlds.live.programs.redis import Redis as RealRedis
from umt_sim.worlds.live.servers import one_server

HOST = "127.0.0.1"
BATCHES = 20
STEPS = 20_000
STEP_OF_TARGETS = 3.0  # µs
TICK = os.sysconf("SC_CLK_TCK")

Step = Callable[[], Awaitable[object]]
Session = Callable[[int], AbstractAsyncContextManager[Step]]


@dataclass(frozen=True)
class Operation:
    """
    Something a driver does again and again.

    Attributes:
        name: For the table.
        session: Opens a driver on a port and gives the operation.
        target: Microseconds it may take through the simulated server, if there is a target.
        calls: How many make a batch.
    """

    name: str
    session: Session
    target: int | None = None
    calls: int = 200


@dataclass(frozen=True)
class Cost:
    """Microseconds of one operation, in this process and in the server's."""

    here: float
    server: float = 0.0

    def __str__(self) -> str:
        if not self.server:
            return f"{self.here:6.0f}"
        return f"{self.here + self.server:6.0f} = {self.here:.0f} here + {self.server:.0f} server"


class Running(Protocol):
    """A simulated server."""

    async def start(self, host: str, port: int) -> None:
        """Listen there."""
        ...

    async def stop(self) -> None:
        """End every connection and accept no more."""
        ...

    @property
    def port(self) -> int:
        """Where it listens."""
        ...


# What is measured.


@asynccontextmanager
async def hop(port: int) -> AsyncIterator[Step]:
    """A message of 500 bytes: published, confirmed, delivered and acknowledged."""
    url = f"amqp://guest:guest@{HOST}:{port}/"
    async with await aio_pika.connect(url) as sending, await aio_pika.connect(url) as receiving:
        exchange = (await sending.channel()).default_exchange
        channel = await receiving.channel()
        await channel.set_qos(100)
        queue = await channel.declare_queue("benchmark", durable=True)
        arrived = asyncio.Event()

        async def consume(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            await message.ack()
            arrived.set()

        tag = await queue.consume(consume)
        body = bytes(500)

        async def step() -> None:
            await exchange.publish(
                aio_pika.Message(body, delivery_mode=2, content_type="application/json"),
                "benchmark",
            )
            await arrived.wait()
            arrived.clear()

        yield step
        await queue.cancel(tag)
        await queue.delete()


@asynccontextmanager
async def query(port: int) -> AsyncIterator[Step]:
    """A row by its key, by a statement that the driver has prepared already."""
    connection = await asyncpg.connect(host=HOST, port=port, user="umt", database="umt")
    await connection.execute(
        "CREATE TEMP TABLE t AS SELECT n, 'row ' || n AS name FROM generate_series(1, 9) n"
    )
    yield lambda: connection.fetchrow("SELECT * FROM t WHERE n = $1", 7)
    await connection.close()


def command(name: str) -> Session:
    """A Redis command on a value of some bytes."""

    @asynccontextmanager
    async def session(port: int) -> AsyncIterator[Step]:
        async with redis.asyncio.Redis(host=HOST, port=port, protocol=2) as client:
            await client.set("key", "value")
            arguments = ("key",) if name == "get" else ("key", "value")
            call: Any = getattr(client, name)
            yield lambda: call(*arguments)

    return session


@asynccontextmanager
async def completion(port: int) -> AsyncIterator[Step]:
    """A request to the language model."""
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        body = {"prompt": "Announce waterproof jackets", "max_tokens": 40}
        yield lambda: client.post("/v1/completions", json=body)


HOP = Operation("AMQP publish+confirm+deliver+ack", hop, target=300, calls=100)
QUERY = Operation("PostgreSQL cached query", query, target=120)
GET = Operation("Redis GET", command("get"), target=75, calls=300)
SET = Operation("Redis SET", command("set"), calls=300)
POST = Operation("HTTP completion", completion, calls=50)


# How it is measured.


async def measure(operation: Operation, port: int, server_cpu: Callable[[], float]) -> Cost:
    """The cost of an operation through the server on *port*."""
    async with operation.session(port) as step:
        await batch(step, operation.calls)  # caches fill
        before = server_cpu()
        here = min([await batch(step, operation.calls) for _ in range(BATCHES)])
        calls = BATCHES * operation.calls
        return Cost(here / operation.calls * 1e6, (server_cpu() - before) / calls * 1e6)


async def batch(step: Step, calls: int) -> float:
    """CPU seconds of so many operations, one after another."""
    began = time.process_time()
    for _ in range(calls):
        await step()
    spent = time.process_time() - began
    await asyncio.sleep(0.001)  # instant servers let no virtual time pass: not a livelock
    return spent


def no_process() -> float:
    """CPU seconds of a server that has no process of its own."""
    return 0.0


def cpu_of(root: int) -> Callable[[], float]:
    """CPU seconds of a process and everything below it, ended children included."""
    return lambda: sum(map(_cpu, _family(root)))


def _family(root: int) -> list[int]:
    """The process and all its descendants."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int(_status(int(folder.name))[1])
        except OSError:
            continue  # it has just ended
    family = [root]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _cpu(pid: int) -> float:
    """Seconds that a process and its ended children took."""
    return sum(map(int, _status(pid)[11:15])) / TICK


def _status(pid: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` from the third one, the state, on."""
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()


# Where it is measured.


def simulated(
    operation: Operation, server: Callable[[Kernel], Running], engine: Engine | None = None
) -> Cost:
    """The cost in virtual time."""
    server_cpu = cpu_of(engine._supervisor.pid) if engine and engine._supervisor else no_process

    async def main(running: Running) -> Cost:
        await running.start(HOST, 1000)
        try:
            return await measure(operation, running.port, server_cpu)
        finally:
            await running.stop()

    with Kernel(seed=1) as kernel:
        Network(kernel)
        return kernel.run(main(server(kernel)))


def real(operation: Operation, port: int, pid: int) -> Cost:
    """The cost through a real server on asyncio's own loop."""
    return asyncio.run(measure(operation, port, cpu_of(pid)))


def station(kernel: Kernel) -> Capacity:
    """One worker, 100 µs for everything, and a journal."""
    return Station(
        kernel.env,
        name="server",
        workers=1,
        default=Constant(0.0001),
        stream=Random(1),
        recorder=Recorder(kernel.loop.time),
    )


def instant(kernel: Kernel) -> Capacity:  # noqa: ARG001
    """No limits."""
    return Instant()


CAPACITIES = {"no capacity model": instant, "a station": station}


def print_simulated(
    operation: Operation,
    server: Callable[[Kernel, Capacity], Running],
    engine: Engine | None = None,
) -> None:
    """Print the cost through a simulated server, with and without its capacity model."""
    for title, capacity in CAPACITIES.items():

        def build(kernel: Kernel, capacity: Callable[[Kernel], Capacity] = capacity) -> Running:
            return server(kernel, capacity(kernel))

        cost = simulated(operation, build, engine)
        print_line(operation, f"simulated, {title}", f"{cost}{beside_target(operation, cost)}")


def beside_target(operation: Operation, cost: Cost) -> str:
    """The cost on the scale of the target, measured anew: a machine's speed changes."""
    if operation.target is None:
        return ""
    scaled = (cost.here + cost.server) * STEP_OF_TARGETS / step()
    return f"   on the target's scale {scaled:.0f}, target {operation.target}"


def step() -> float:
    """Microseconds that asyncio's own loop takes to pass a token to the next task."""
    return min(on_stock(lambda: token_ring(100, STEPS)) for _ in range(10)) / STEPS * 1e6


def print_line(operation: Operation, where: str, what: object) -> None:
    print(f"{operation.name:<33} {where:<29} {what}")


def rabbitmq() -> None:
    def ours(kernel: Kernel, capacity: Capacity) -> RabbitMQ:
        return RabbitMQ(
            rules=RABBITMQ_3_13,
            stream=Random(1),
            wall_clock=lambda: datetime.now(UTC),
            capacity=capacity,
            recorder=Recorder(kernel.loop.time),
        )

    print_simulated(HOP, ours)
    script = RealRabbitMQ.find()
    if script is None:
        print_line(HOP, "RabbitMQ", "not installed")
        return
    with one_server(RealRabbitMQ(script, account="guest")) as broker:
        print_line(HOP, "RabbitMQ", real(HOP, broker.port, broker.pid))


def postgres() -> None:
    def ours(kernel: Kernel, capacity: Capacity) -> PostgreSQL:  # noqa: ARG001
        return PostgreSQL(engine=engine, unix_time=time.time, stream=Random(1), capacity=capacity)

    with ExitStack() as stack:
        try:
            engine = stack.enter_context(Engine(recipe(), port=0))
        except WorldUnavailable as missing:
            print_line(QUERY, "PostgreSQL", missing)
            return
        print_simulated(QUERY, ours, engine)
        engine.fresh()
        assert engine.port is not None
        assert engine._supervisor is not None
        print_line(QUERY, "PostgreSQL", real(QUERY, engine.port, engine._supervisor.pid))


def redis_commands() -> None:
    def ours(kernel: Kernel, capacity: Capacity) -> Redis:  # noqa: ARG001
        return Redis(capacity=capacity, clock=time.time, stream=Random(1))

    for operation in (GET, SET):
        print_simulated(operation, ours)
        program = RealRedis.find()
        if program is None:
            print_line(operation, "Redis", "not installed")
            continue
        with one_server(program) as server:
            print_line(operation, "Redis", real(operation, server.port, server.pid))


def http() -> None:
    def ours(kernel: Kernel, capacity: Capacity) -> HttpUpstream:  # noqa: ARG001
        return HttpUpstream(
            application=APPLICATIONS["llm"](Random(1)), capacity=capacity, stream=Random(1)
        )

    print_simulated(POST, ours)


def main() -> None:
    """Print all figures."""
    print(f"Python {sys.version.split()[0]}; CPU µs of one operation, best of {BATCHES} batches")
    print(f"{'token ring of 100, one step':<33} {'asyncio':<29} {step():6.2f}")
    for measurement in (rabbitmq, postgres, redis_commands, http):
        measurement()


if __name__ == "__main__":
    main()
