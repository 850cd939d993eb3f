"""
A small simulation with one of everything whose order Python leaves to addresses.

Run as a program it prints its fingerprint, and the order it observed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
import uuid

import simpy

from umt_sim.kernel import Kernel
from umt_sim.kernel.shuffling import Shuffle


class Failure(Exception):
    """What one member of the group dies of."""


async def failing_group(log):
    """Twelve tasks, the fourth of which fails: the others are cancelled in some order."""

    async def member(number):
        try:
            await asyncio.sleep(1 if number == 3 else 100)
            raise Failure
        except asyncio.CancelledError:
            log.append(number)
            raise

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(member(number))
    except* Failure:
        log.append("failed")


async def waiting_for_sets(log):
    """Sets of tasks, of futures and of coroutines."""
    loop = asyncio.get_running_loop()
    tasks = {asyncio.create_task(asyncio.sleep(1, number)) for number in range(12)}
    done, _ = await asyncio.wait(tasks)
    log.append([task.result() for task in done])
    futures = {loop.create_future() for _ in range(12)}
    for number, future in enumerate(futures):
        future.set_result(number)
    log.append([future.result() for future in futures])
    sleeps = [asyncio.sleep(0.5, number) for number in range(12)]
    log.append([await result for result in asyncio.as_completed(sleeps)])


async def simpy_and_randomness(kernel, log):
    """A queue with random service times, and every source of randomness."""
    resource = simpy.Resource(kernel.env, 2)
    stream = kernel.streams.stream("service")

    async def customer(number):
        with resource.request() as request:
            await request
            await kernel.env.timeout(stream.expovariate(1.0))
            log.append((number, kernel.env.now))

    await asyncio.gather(*(customer(number) for number in range(12)))
    log.append([random.random(), random.Random().random(), str(uuid.uuid4()), time.time()])


async def main(kernel, log):
    await failing_group(log)
    await waiting_for_sets(log)
    await simpy_and_randomness(kernel, log)
    kernel.tape.note("log", json.dumps(log))


def run(seed, shuffle=Shuffle.EXTERNAL):
    """The fingerprint and the log of one run."""
    log = []
    with Kernel(seed=seed, shuffle=shuffle) as kernel:
        kernel.run(main(kernel, log))
    return kernel.tape.hexdigest(), json.dumps(log)


if __name__ == "__main__":
    # Something that shifts addresses and allocations, different in each process.
    ballast = [object() for _ in range(hash(str(sys.argv)) % 10_000)]
    for line in run(seed=int(sys.argv[1])):
        print(line)  # noqa: T201
