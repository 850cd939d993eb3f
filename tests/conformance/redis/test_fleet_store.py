"""What a fleet's breakers share, kept in ours and in the real Redis alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.conformance.redis.arenas import Arena
from umt_sim.platform.adapters.redis_fleet import RedisFleetStore
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.configuration import RedisSettings
from umt_sim.platform.ports.fleet_store import FleetState, Probe, Tally
from umt_sim.platform.resilience import BreakerSettings, CircuitBreaker, CircuitOpenError
from umt_sim.platform.resilience.breaker import ConsecutiveFailures, State
from umt_sim.platform.resilience.breaker.fleet import FleetBreaker

WAIT = 0.1  # seconds; short, since a real server's seconds are real


@asynccontextmanager
async def store_in(arena: Arena) -> AsyncIterator[RedisFleetStore]:
    """A member's own way to the store."""
    settings = RedisSettings(host=arena.host, port=arena.port, connect_timeout=2, command_timeout=2)
    store = RedisFleetStore(settings)
    try:
        yield store
    finally:
        await store.disconnect()


async def test_a_store_that_was_told_nothing_knows_nothing(arena: Arena) -> None:
    """Unknown is not closed: a member must not close because a store forgot."""
    async with store_in(arena) as store:
        assert FleetState.UNKNOWN is (await store.read("db")).state


async def test_the_first_of_several_openings_decides(arena: Arena) -> None:
    """A second member's opening neither prolongs the wait nor begins a round."""
    async with store_in(arena) as store:
        views = [await store.open("db", seconds) for seconds in (WAIT, 50)]
        assert [(FleetState.OPEN, 1)] * 2 == [(view.state, view.round) for view in views]
        assert max(view.remaining for view in views) <= WAIT
        await asyncio.sleep(WAIT + 0.05)
        assert FleetState.HALF_OPEN is (await store.read("db")).state


async def test_a_crowd_takes_one_budget(arena: Arena) -> None:
    """Of forty members asking at once exactly the budget gets a probe."""
    async with store_in(arena) as store:
        await store.open("db", WAIT)
        assert FleetState.OPEN is getattr(await store.take("db", 3, 5.0), "state", None)
        await asyncio.sleep(WAIT + 0.05)
        answers = await asyncio.gather(*(store.take("db", 3, 5.0) for _ in range(40)))
        probes = [answer for answer in answers if isinstance(answer, Probe)]
        assert [1, 2, 3] == sorted(probe.number for probe in probes)


async def test_outcomes_make_one_tally_and_a_probe_given_back_is_free(arena: Arena) -> None:
    """What counts stays in the budget, what is given back can be taken again."""
    async with store_in(arena) as store:
        await store.open("db", WAIT)
        await asyncio.sleep(WAIT + 0.05)
        first, second = [await store.take("db", 2, 5.0) for _ in range(2)]
        assert isinstance(first, Probe)
        assert isinstance(second, Probe)
        assert await store.report("db", first, failed=True, slow=True) == Tally(1, 1, 1)
        given_back = await store.report("db", second, failed=False, slow=False, counts=False)
        assert given_back == Tally(1, 1, 1)
        assert isinstance(await store.take("db", 2, 5.0), Probe)
        assert FleetState.HALF_OPEN is getattr(await store.take("db", 2, 5.0), "state", None)


async def test_a_lost_lease_and_an_earlier_round_count_no_more(arena: Arena) -> None:
    """Late reports are answered with nothing, and close nothing."""
    async with store_in(arena) as store:
        await store.open("db", WAIT)
        await asyncio.sleep(WAIT + 0.05)
        lost = await store.take("db", 1, WAIT)
        assert isinstance(lost, Probe)
        await asyncio.sleep(WAIT + 0.05)
        assert isinstance(await store.take("db", 1, 5.0), Probe)
        assert await store.report("db", lost, failed=True, slow=False) is None
        await store.open("db", WAIT)
        await store.close("db", lost.round)
        assert FleetState.CLOSED is not (await store.read("db")).state
        await store.close("db", lost.round + 1)
        assert FleetState.CLOSED is (await store.read("db")).state


async def test_a_breaker_nobody_touches_is_forgotten_after_a_day(arena: Arena) -> None:
    """Nothing is left in the store for ever."""
    async with store_in(arena) as store:
        await store.open("db", WAIT)
        client = await arena.client()
        assert 86_390_000 < await client.pttl("breaker:{db}") <= 86_400_000


async def test_members_open_and_recover_together(arena: Arena) -> None:
    """The failure of one opens all, one budget of probes closes all."""
    clock = SystemClock()
    settings = BreakerSettings(
        trip=ConsecutiveFailures(2), wait_in_open=WAIT, permitted_calls_in_half_open=2
    )

    async def refuse() -> None:
        raise ConnectionError

    async with store_in(arena) as one, store_in(arena) as two:
        members = [
            FleetBreaker(CircuitBreaker("db", settings=settings, clock=clock), store, clock=clock)
            for store in (one, two)
        ]
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await members[0].call(refuse)
        await members[1].follow()
        assert [State.OPEN] * 2 == [member.breaker.state for member in members]
        with pytest.raises(CircuitOpenError):
            await members[1].call(asyncio.sleep, 0)
        await asyncio.sleep(WAIT * 2)
        for member in members:
            await member.call(asyncio.sleep, 0)
        await members[0].follow()
        assert [State.CLOSED] * 2 == [member.breaker.state for member in members]
