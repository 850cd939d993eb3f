"""
What virtual time costs: CPU time of the loop beside asyncio's own, and of SimPy on it.

Every figure is the best of several rounds, in turns, so that a busy machine
disturbs all alike. Wall time is no measure here: virtual time takes none.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import random
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from time import process_time
from typing import Any

import simpy

from umt_sim.kernel import Kernel
from umt_sim.network.network import Network

ROUNDS = 15
Scenario = Callable[[], Awaitable[Any]]


def on_stock(scenario: Scenario) -> float:
    """CPU seconds of *scenario* on asyncio's own loop."""
    with asyncio.Runner() as runner:
        before = process_time()
        runner.run(scenario())  # type: ignore[arg-type]
        return process_time() - before


def on_kernel(scenario: Scenario) -> float:
    """CPU seconds of *scenario* in virtual time, tape and shuffle included."""
    with Kernel(seed=1) as kernel:
        Network(kernel)
        before = process_time()
        kernel.run(scenario())  # type: ignore[arg-type]
        return process_time() - before


def best(*measurements: Callable[[], float]) -> list[float]:
    """The least of several rounds of each measurement, in turns."""
    rounds = [[measure() for measure in measurements] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds, strict=True)]


def compare(title: str, scenario: Scenario, operations: int) -> None:
    """Print the cost of one operation on both loops."""
    stock, ours = best(partial(on_stock, scenario), partial(on_kernel, scenario))
    report(title, ours, stock, operations)


def report(title: str, ours: float, theirs: float, operations: int) -> None:
    """Print two totals as costs of one operation, and their ratio."""
    print(
        f"{title:<38} {ours / operations * 1e6:8.2f} µs   stock {theirs / operations * 1e6:8.2f} µs"
        f"   ×{ours / theirs:.2f}"
    )


async def token_ring(nodes: int, steps: int) -> None:
    """Pass a token around through queues: each step wakes one task."""
    queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(nodes)]

    async def node(number: int) -> None:
        mine, following = queues[number], queues[(number + 1) % nodes]
        for _ in range(steps // nodes):
            following.put_nowait(await mine.get())

    async with asyncio.TaskGroup() as group:
        for number in range(nodes):
            group.create_task(node(number))
        queues[0].put_nowait(1)


async def echo(connections: int, messages: int) -> None:
    """Send messages of 100 bytes over streams and read them back."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    async def talk(port: int) -> None:
        reader, writer = await asyncio.open_connection("localhost", port)
        for _ in range(messages // connections):
            writer.write(b"x" * 100)
            await reader.readexactly(100)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "localhost", 0, backlog=200) as server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(talk(port) for _ in range(connections)))


async def sleepers(count: int) -> None:
    """
    Many tasks that sleep for a while each.

    Real time lets asyncio wake many at once; virtual time has an instant for each, so
    this compares a turn of the loop for every sleeper with one for a crowd of them.
    """
    stream = random.Random(1)
    scale = 1.0 if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop) else 1000.0
    await asyncio.gather(*(asyncio.sleep(scale * stream.random()) for _ in range(count)))


def queue_model(env: simpy.Environment, customers: int) -> None:
    """M/M/1: customers arrive at random and are served one at a time."""
    stream = random.Random(1)
    server = simpy.Resource(env)

    def customer() -> Any:
        with server.request() as request:
            yield request
            yield env.timeout(stream.expovariate(1.0))

    def arrivals() -> Any:
        for _ in range(customers):
            env.process(customer())
            yield env.timeout(stream.expovariate(0.8))

    env.process(arrivals())


def simpy_alone(customers: int) -> float:
    """CPU seconds of the model on SimPy."""
    env = simpy.Environment()
    queue_model(env, customers)
    before = process_time()
    env.run()
    return process_time() - before


def simpy_on_the_loop(customers: int) -> float:
    """CPU seconds of the model on the loop."""
    with Kernel(seed=1) as kernel:
        queue_model(kernel.env, customers)
        before = process_time()
        kernel.env.run()
        return process_time() - before


def draws(count: int) -> float:
    """CPU seconds of random draws that the tape notes."""
    with Kernel(seed=1) as kernel:
        stream = kernel.streams.stream("benchmark")
        before = process_time()
        for _ in range(count):
            stream.random()
        return process_time() - before


def entering(count: int) -> float:
    """CPU seconds of entering and leaving a kernel."""
    before = process_time()
    for _ in range(count):
        with Kernel(seed=1):
            pass
    return process_time() - before


def on_simloop(scenario: Scenario) -> float:
    """CPU seconds of *scenario* on simloop, a virtual loop that shuffles every step."""
    loop = importlib.import_module("simloop").SimLoop(seed=1)
    before = process_time()
    loop.run_until_complete(scenario())
    return process_time() - before


def on_simloom(scenario: Scenario) -> float:
    """CPU seconds of *scenario* on simloom, which also records every choice."""
    run = importlib.import_module("simloom").run
    before = process_time()
    run(scenario, seed=1)
    return process_time() - before


def others() -> None:
    """The token ring on other virtual loops, where they are installed."""
    for name, measure in (("simloop", on_simloop), ("simloom", on_simloom)):
        title = f"token ring on {name}, one step"
        if importlib.util.find_spec(name) is None:
            print(f"{title:<38}      not installed")
        else:
            (theirs,) = best(partial(measure, partial(token_ring, 100, 20_000)))
            print(f"{title:<38} {theirs / 20_000 * 1e6:8.2f} µs")


def main() -> None:
    """Print all figures."""
    print(f"Python {sys.version.split()[0]}; CPU time of one operation, best of {ROUNDS} rounds")
    compare("token ring of 100, one step", partial(token_ring, 100, 20_000), 20_000)
    for connections in (1, 10, 100):
        title = f"echo over streams, {connections} connections"
        compare(title, partial(echo, connections, 4_000), 4_000)
    compare("100 000 sleepers, one sleep", partial(sleepers, 100_000), 100_000)
    alone, on_loop = best(partial(simpy_alone, 4_000), partial(simpy_on_the_loop, 4_000))
    report("SimPy M/M/1, one customer", on_loop, alone, 4_000)
    (drawing,) = best(partial(draws, 20_000))
    print(f"{'a draw, noted on the tape':<38} {drawing / 0.02:8.2f} µs")
    (entry,) = best(partial(entering, 10))
    print(f"{'entering and leaving a kernel':<38} {entry / 10 * 1e3:8.2f} ms")
    others()


if __name__ == "__main__":
    main()
