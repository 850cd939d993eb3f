"""Whatever befalls the store of a fleet, the budget of probes holds and nobody is stuck."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

from tests.unit.platform.resilience.fleets import SETTINGS, Fleet, Member, SkewedClock, simulate
from umt_sim.platform.adapters.redis_fleet import RedisFleetStore
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.ports.fleet_store import Probe
from umt_sim.platform.resilience import CircuitOpenError
from umt_sim.platform.resilience.breaker import State
from umt_sim.servers.redis.engine import Persistence
from umt_sim.servers.redis.server import Redis

LEASE = 2.0
CALLEE_WELL_FROM = 25.0
END = 120.0


class Bookkeeper:
    """
    Sees every probe that members get of the store, and says if they are ever too many.

    A probe is in the budget from the request for it until it was given back or its lease is
    over; one whose outcome counts, until its round is over.
    """

    def __init__(self) -> None:
        self.epoch = 0  # of the store's memory
        self.most = 0
        self.asked_at: dict[tuple[int, Probe], float] = {}
        self.counted: dict[tuple[int, Probe], bool] = {}

    def watch(self, store: RedisFleetStore) -> None:
        """Listen to what *store* answers."""
        take, report = store.take, store.report

        async def watched_take(*arguments: Any) -> Any:
            started, epoch = time.monotonic(), self.epoch
            answer = await take(*arguments)
            if isinstance(answer, Probe):
                self.asked_at[epoch, answer] = started
                self.most = max(self.most, self._in_budget(epoch, answer.round))
            return answer

        async def watched_report(name: str, probe: Probe, **said: Any) -> Any:
            epoch = self.epoch
            tally = await report(name, probe, **said)
            self.counted[epoch, probe] = tally is not None and bool(said["counts"])
            return tally

        store.take = watched_take  # type: ignore[method-assign]  # a tap on the wire
        store.report = watched_report  # type: ignore[method-assign]  # likewise

    def _in_budget(self, epoch: int, round_: int) -> int:
        now = time.monotonic()
        return sum(
            self.counted.get((known, probe), now - at < LEASE)
            for (known, probe), at in self.asked_at.items()
            if (known, probe.round) == (epoch, round_)
        )


class Storm:
    """Partitions, restarts with or without memory and skewed clocks, all drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.draws = Random(seed)
        self.books = Bookkeeper()
        self.persistence = self.draws.choice([Persistence.ALWAYS, Persistence.NONE])
        self.clocks = [
            SystemClock(),
            SkewedClock(self.draws.uniform(-1e4, 1e4), self.draws.uniform(0.8, 1.2)),
            SkewedClock(self.draws.uniform(-1e4, 1e4), 1.0),
        ]

    async def rage(self, fleet: Fleet) -> None:
        """Nine callers in three members live through it; all must be served in the end."""
        for member in fleet.members:
            self.books.watch(member.store)
        async with asyncio.TaskGroup() as group:
            for member in fleet.members:
                group.create_task(self.cut_off(member))
            group.create_task(self.restart(fleet.server))
            callers = [group.create_task(self.call(m)) for m in fleet.members for _ in range(3)]
        assert [True] * 9 == [caller.result() for caller in callers]
        assert [State.CLOSED] * 3 == [member.state for member in fleet.members]

    async def cut_off(self, member: Member) -> None:
        """Now and then the member does not reach the store."""
        for _ in range(6):
            await asyncio.sleep(self.draws.uniform(0.5, 5))
            member.proxy.disable()
            await asyncio.sleep(self.draws.uniform(0.1, 4))
            member.proxy.enable()

    async def restart(self, server: Redis) -> None:
        """Now and then the store is away, and may have forgotten everything."""
        for _ in range(4):
            await asyncio.sleep(self.draws.uniform(2, 8))
            if self.persistence is Persistence.NONE:
                self.books.epoch += 1
            await server.restart(down_for=self.draws.uniform(0.1, 2))

    async def call(self, member: Member) -> bool:
        """Call on and on: one meets the callee's error or a refusal, never the store's troubles."""
        loop, served = asyncio.get_running_loop(), False
        while loop.time() < END:
            await asyncio.sleep(self.draws.uniform(0.05, 0.4))
            try:
                await member.fleet.call(_callee)
                served = True
            except (BlockingIOError, CircuitOpenError):
                served = False
        return served


async def _callee() -> None:
    await asyncio.sleep(0.05)
    if asyncio.get_running_loop().time() < CALLEE_WELL_FROM:
        raise BlockingIOError


def test_in_any_storm_the_budget_holds_and_nobody_is_stuck(campaign: bool) -> None:
    """
    The store never has more probes out than the budget, and in the end every member serves.

    Callers see the callee's own errors and refusals, and nothing of the store's troubles.
    """
    most = []
    for seed in range(200 if campaign else 8):
        storm = Storm(seed)
        settings = SETTINGS.but(probe_lease_seconds=LEASE)
        simulate(storm.rage, settings, storm.clocks, storm.persistence)
        most.append(storm.books.most)
    assert SETTINGS.permitted_calls_in_half_open == max(most)
