"""
What virtual time costs: CPU time of the loop beside asyncio's own, and of SimPy on it.

Costs are the least of several rounds, ratios the median of the rounds' own, each of
which measures both sides in turn: a busy machine disturbs both alike. Wall time is
no measure here, for virtual time takes none.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import random
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median
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


def in_turns(*measurements: Callable[[], float]) -> list[tuple[float, ...]]:
    """What each measurement took, for each of several rounds."""
    return [tuple(measure() for measure in measurements) for _ in range(ROUNDS)]


def compare(
    title: str,
    ours: Callable[[], float],
    theirs: Callable[[], float],
    operations: int,
    *,
    peer: str = "asyncio",
    wanted: float,
) -> None:
    """Print the cost of one operation with us and with *peer*, and the ratio beside the wanted."""
    rounds = in_turns(ours, theirs)
    mine, other = (min(column) / operations * 1e6 for column in zip(*rounds, strict=True))
    ratio = median(ours / theirs for ours, theirs in rounds)
    print(
        f"{title:<38} {mine:8.2f} µs   {peer:<8} {other:8.2f} µs"
        f"   ×{ratio:.2f} (at most {wanted:.1f} wanted)"
    )


def loops(title: str, scenario: Scenario, operations: int, *, wanted: float) -> None:
    """Compare *scenario* in virtual time with asyncio's own loop."""
    ours, theirs = partial(on_kernel, scenario), partial(on_stock, scenario)
    compare(title, ours, theirs, operations, wanted=wanted)


def alone(title: str, measure: Callable[[], float], operations: int) -> None:
    """Print the cost of one operation that has no counterpart."""
    least = min(measure() for _ in range(ROUNDS))
    print(f"{title:<38} {least / operations * 1e6:8.2f} µs")


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
    """Many tasks that sleep for a while each; every one has an instant of its own."""
    stream = random.Random(1)
    await asyncio.gather(*(asyncio.sleep(1000 * stream.random()) for _ in range(count)))


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


def other_loops(steps: int) -> None:
    """The token ring on other virtual loops, where they are installed."""
    for name, measure in (("simloop", on_simloop), ("simloom", on_simloom)):
        title = f"token ring on {name}, one step"
        if importlib.util.find_spec(name) is None:
            print(f"{title:<38}      not installed")
        else:
            alone(title, partial(measure, partial(token_ring, 100, steps)), steps)


def main() -> None:
    """Print all figures."""
    print(f"Python {sys.version.split()[0]}; CPU time of one operation in {ROUNDS} rounds")
    loops("token ring of 100, one step", partial(token_ring, 100, 20_000), 20_000, wanted=1.1)
    other_loops(20_000)
    for connections in (1, 10, 100):
        title = f"echo over streams, {connections} connections"
        loops(title, partial(echo, connections, 4_000), 4_000, wanted=1.0)
    for count in (10_000, 100_000):
        alone(f"{count:,} sleepers, one sleep", partial(on_kernel, partial(sleepers, count)), count)
    on_loop, on_simpy = partial(simpy_on_the_loop, 4_000), partial(simpy_alone, 4_000)
    compare("SimPy M/M/1, one customer", on_loop, on_simpy, 4_000, peer="SimPy", wanted=1.3)
    alone("a draw, noted on the tape", partial(draws, 20_000), 20_000)
    alone("entering and leaving a kernel", partial(entering, 10), 10)


if __name__ == "__main__":
    main()
