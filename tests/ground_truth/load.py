"""Callers of a server: an open stream of them, or users who think in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.ground_truth.cases import Draws

__all__ = ["Seen", "closed_load", "open_load"]

Call = Callable[[], Awaitable[bool]]


@dataclass
class Seen:
    """
    What callers saw.

    Attributes:
        sojourns: Seconds of each call that was served.
        offered: Calls.
        lost: Calls that were refused or given up.
        delayed: Calls that found every worker taken.
        seconds: Length of the run.
    """

    sojourns: list[float] = field(default_factory=list)
    offered: int = 0
    lost: int = 0
    delayed: int = 0
    seconds: float = 0.0


async def open_load(draws: Draws, call: Call, *, rate: float, calls: int, workers: int) -> Seen:
    """
    Poisson arrivals that do not wait for each other.

    Args:
        draws: The run's.
        call: Ask the server; false if it was refused or given up.
        rate: Arrivals per second.
        calls: How many.
        workers: Who finds as many under way is delayed.
    """
    seen = Seen()
    gap = draws.exponential("arrivals", rate)
    under_way = 0
    clock = asyncio.get_running_loop().time

    async def one() -> None:
        nonlocal under_way
        seen.offered += 1
        seen.delayed += under_way >= workers
        under_way += 1
        arrived = clock()
        if await call():
            seen.sojourns.append(clock() - arrived)
        else:
            seen.lost += 1
        under_way -= 1

    began = clock()
    async with asyncio.TaskGroup() as group:
        for _ in range(calls):
            await asyncio.sleep(gap())
            group.create_task(one())
    seen.seconds = clock() - began
    return seen


async def closed_load(draws: Draws, call: Call, *, users: int, think: float, calls: int) -> Seen:
    """Users who think, call, and think again, until there were enough calls."""
    seen = Seen()
    clock = asyncio.get_running_loop().time
    began = clock()

    enough = asyncio.Event()

    async def user(number: int) -> None:
        pause = draws.exponential(f"user {number}", 1 / think)
        while True:
            await asyncio.sleep(pause())
            asked = clock()
            await call()
            seen.sojourns.append(clock() - asked)
            if len(seen.sojourns) == calls:
                enough.set()

    everybody = [asyncio.create_task(user(number)) for number in range(users)]
    await enough.wait()
    seen.seconds = clock() - began
    for task in everybody:
        task.cancel()
    await asyncio.gather(*everybody, return_exceptions=True)
    return seen
