"""A fleet in the simulator: members with breakers, each with its own way to one Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.proxy import Proxy
from umt_sim.platform.adapters.redis_fleet import RedisFleetStore
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.configuration import RedisSettings
from umt_sim.platform.resilience import BreakerSettings, CircuitBreaker, CircuitOpenError
from umt_sim.platform.resilience.breaker import BreakerEvent, ConsecutiveFailures, State
from umt_sim.platform.resilience.breaker.fleet import FleetBreaker
from umt_sim.servers.capacity import Instant
from umt_sim.servers.redis.engine import Persistence
from umt_sim.servers.redis.server import Redis

WAIT = 10.0
SETTINGS = BreakerSettings(
    trip=ConsecutiveFailures(3), wait_in_open=WAIT, permitted_calls_in_half_open=2
)


class SkewedClock(SystemClock):
    """A member's clock that is wrong by *offset* and *rate*."""

    def __init__(self, offset: float, rate: float) -> None:
        self._offset, self._rate = offset, rate

    def monotonic(self) -> float:  # type: ignore[override]  # an instance's, here
        return time.monotonic() * self._rate + self._offset

    async def sleep(self, seconds: float) -> None:  # type: ignore[override]  # likewise
        await asyncio.sleep(seconds / self._rate)


class Member:
    """A process of the fleet: its breaker, its store, its own way to Redis."""

    def __init__(self, proxy: Proxy, settings: BreakerSettings, clock: SystemClock) -> None:
        self.proxy = proxy
        self.events: list[BreakerEvent] = []
        self.store = RedisFleetStore(
            RedisSettings(host=proxy.name, port=6379, connect_timeout=0.2, command_timeout=0.2)
        )
        breaker = CircuitBreaker(
            "db", settings=settings, clock=clock, listeners=[self.events.append]
        )
        self.fleet = FleetBreaker(breaker, self.store, clock=clock, poll_seconds=0.5)

    @property
    def state(self) -> State:
        return self.fleet.breaker.state

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    async def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(OSError, match="boom"):
                await self.fleet.call(boom)

    async def succeed(self) -> bool:
        """Whether a call that would succeed was let through."""
        try:
            return await self.fleet.call(fine)
        except CircuitOpenError:
            return False


class Fleet:
    """Three members and a Redis server, started and stopped around a test's body."""

    def __init__(
        self,
        network: Network,
        settings: BreakerSettings,
        clocks: list[SystemClock],
        persistence: Persistence,
    ) -> None:
        network.host("redis")
        self.server = Redis(
            capacity=Instant(), clock=time.time, stream=Random(1), persistence=persistence
        )
        self.members = [
            Member(
                network.proxy(f"way-{n}", listen=(f"way-{n}", 6379), upstream=("redis", 6379)),
                settings,
                clock,
            )
            for n, clock in enumerate(clocks)
        ]

    async def run(self, body: Callable[[Fleet], Coroutine[Any, Any, None]]) -> None:
        await self.server.start("redis", 6379)
        async with asyncio.TaskGroup() as group:
            steps = [group.create_task(member.fleet.keep_in_step()) for member in self.members]
            await body(self)
            for step in steps:
                step.cancel()
        for member in self.members:
            await member.store.disconnect()
        await self.server.stop()


async def boom() -> None:
    await asyncio.sleep(0.01)
    raise OSError("boom")


async def fine() -> bool:
    await asyncio.sleep(0.01)
    return True


def simulate(
    body: Callable[[Fleet], Coroutine[Any, Any, None]],
    settings: BreakerSettings = SETTINGS,
    clocks: list[SystemClock] | None = None,
    persistence: Persistence = Persistence.ALWAYS,
) -> None:
    with Kernel(seed=7) as kernel:
        chosen = [SystemClock() for _ in range(3)] if clocks is None else clocks
        kernel.run(Fleet(Network(kernel), settings, chosen, persistence).run(body))
