"""A fleet's breaker in Redis: simulated network and server, real driver, virtual time."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.unit.platform.resilience.fleets import (
    SETTINGS,
    WAIT,
    Fleet,
    Member,
    SkewedClock,
    fine,
    simulate,
)
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.ports.fleet_store import FleetState, Probe, Tally
from umt_sim.platform.resilience import CircuitOpenError
from umt_sim.platform.resilience.breaker import FailureRate, State
from umt_sim.servers.redis.engine import Persistence


def test_opening_of_one_member_opens_all() -> None:
    """Within one poll the others refuse as well, for what is left of the same wait."""

    async def body(fleet: Fleet) -> None:
        first, *others = fleet.members
        await first.fail(3)
        assert State.OPEN is first.state
        await asyncio.sleep(0.6)
        assert [State.OPEN] * 2 == [member.state for member in others]
        with pytest.raises(CircuitOpenError) as caught:
            await others[0].fleet.call(fine)
        assert caught.value.retry_after is not None
        assert 8.5 < caught.value.retry_after < WAIT

    simulate(body)


def test_healthy_calls_do_not_ask_the_store() -> None:
    """With Redis gone a healthy member serves calls at once and says once that it is alone."""

    async def body(fleet: Fleet) -> None:
        await fleet.server.stop()
        member = fleet.members[0]
        started = time.monotonic()
        assert [True] * 5 == [await member.succeed() for _ in range(5)]
        assert pytest.approx(0.05) == time.monotonic() - started
        await asyncio.sleep(5)
        assert 1 == member.kinds().count("fleet_lost")
        await fleet.server.start("redis", 6379)
        await asyncio.sleep(2)
        assert 1 == member.kinds().count("fleet_found")

    simulate(body)


def test_fleet_admits_one_budget_of_probes() -> None:
    """Of thirty callers in three members two probe, and their success closes all members."""

    async def body(fleet: Fleet) -> None:
        await fleet.members[0].fail(3)
        await asyncio.sleep(WAIT + 1)
        inside = 0

        async def probe() -> bool:
            nonlocal inside
            inside += 1
            await asyncio.sleep(0.3)
            return True

        async def caller(member: Member) -> bool:
            try:
                return await member.fleet.call(probe)
            except CircuitOpenError:
                return False

        callers = [caller(member) for member in fleet.members for _ in range(10)]
        assert 2 == sum(await asyncio.gather(*callers))
        assert 2 == inside
        await asyncio.sleep(0.6)
        assert [State.CLOSED] * 3 == [member.state for member in fleet.members]

    simulate(body)


def test_failing_probe_of_one_member_opens_all_again() -> None:
    """A probe that fails anywhere begins a new wait everywhere."""

    async def body(fleet: Fleet) -> None:
        await fleet.members[0].fail(3)
        await asyncio.sleep(WAIT + 1)
        await fleet.members[2].fail()
        await asyncio.sleep(0.6)
        assert [False] * 3 == [await member.succeed() for member in fleet.members]
        await asyncio.sleep(WAIT)
        assert [True] * 2 == [await member.succeed() for member in fleet.members[:2]]
        await asyncio.sleep(0.6)
        assert [State.CLOSED] * 3 == [member.state for member in fleet.members]

    simulate(body)


def test_first_of_several_openings_decides() -> None:
    """Members that open at the same time share the first one's wait and round."""

    async def body(fleet: Fleet) -> None:
        store = fleet.members[0].store
        views = [await store.open("ads", seconds) for seconds in (10, 50)]
        assert [1, 1] == [view.round for view in views]
        assert max(view.remaining for view in views) <= 10

    simulate(body)


def test_probe_of_an_earlier_round_counts_in_no_later_one() -> None:
    """What a member reports late, or of a lease it has lost, changes no tally."""

    async def body(fleet: Fleet) -> None:
        store = fleet.members[0].store
        await store.open("ads", 1)
        await asyncio.sleep(2)
        late, lost = [await store.take("ads", 2, 5) for _ in range(2)]
        assert isinstance(late, Probe)
        assert isinstance(lost, Probe)
        await asyncio.sleep(6)
        assert await store.report("ads", lost, failed=True, slow=False) is None
        await store.open("ads", 1)
        await asyncio.sleep(2)
        fresh = await store.take("ads", 2, 5)
        assert isinstance(fresh, Probe)
        assert await store.report("ads", late, failed=True, slow=False) is None
        assert await store.report("ads", fresh, failed=False, slow=True) == Tally(1, 0, 1)
        await store.close("ads", late.round)
        assert FleetState.HALF_OPEN is (await store.read("ads")).state

    simulate(body)


def test_outcomes_of_different_members_are_judged_together() -> None:
    """One failure in four probes spread over the fleet is 25 percent, and closes at 50."""
    settings = SETTINGS.but(
        trip=FailureRate(50), minimum_number_of_calls=4, permitted_calls_in_half_open=4
    )

    async def body(fleet: Fleet) -> None:
        first, second, third = fleet.members
        await first.fail(4)
        assert State.OPEN is first.state
        await asyncio.sleep(WAIT + 1)
        await second.fail()
        assert await third.succeed()
        assert await first.succeed()
        assert State.CLOSED is not second.state
        assert await second.succeed()
        await asyncio.sleep(0.6)
        assert [State.CLOSED] * 3 == [member.state for member in fleet.members]

    simulate(body, settings)


def test_cancelled_probe_gives_its_place_in_the_fleet_back() -> None:
    """A probe whose task is cancelled leaves the budget of the fleet as it was."""

    async def body(fleet: Fleet) -> None:
        await fleet.members[0].fail(3)
        await asyncio.sleep(WAIT + 1)
        hung = [
            asyncio.ensure_future(member.fleet.call(asyncio.Event().wait))
            for member in fleet.members[:2]
        ]
        await asyncio.sleep(0.1)
        assert not await fleet.members[2].succeed()
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
        assert [True, True] == [await fleet.members[2].succeed() for _ in range(2)]
        assert State.CLOSED is fleet.members[2].state

    simulate(body)


def test_probe_of_a_dead_member_loses_its_lease() -> None:
    """What a vanished process held is free again when its lease is over."""

    async def body(fleet: Fleet) -> None:
        member = fleet.members[0]
        await member.fail(3)
        await asyncio.sleep(WAIT + 1)
        for _ in range(2):
            await member.store.take("db", 2, 5.0)
        assert not await member.succeed()
        await asyncio.sleep(5)
        assert await member.succeed()

    simulate(body)


def test_partitioned_member_goes_on_alone_and_catches_up() -> None:
    """Cut off it opens and recovers by itself; back again it does as the fleet does."""

    async def body(fleet: Fleet) -> None:
        lonely, other = fleet.members[:2]
        lonely.proxy.disable()
        await asyncio.sleep(1)
        await other.fail(3)
        await asyncio.sleep(1)
        assert [State.CLOSED, State.OPEN] == [lonely.state, other.state]
        assert await lonely.succeed()
        lonely.proxy.enable()
        await asyncio.sleep(1)
        assert State.OPEN is lonely.state
        assert "fleet_found" in lonely.kinds()

    simulate(body)


def test_opening_during_a_partition_is_told_afterwards() -> None:
    """A member that opened while cut off opens the others when it is back."""

    async def body(fleet: Fleet) -> None:
        lonely, other = fleet.members[:2]
        lonely.proxy.disable()
        await asyncio.sleep(1)
        await lonely.fail(3)
        assert [State.OPEN, State.CLOSED] == [lonely.state, other.state]
        lonely.proxy.enable()
        await asyncio.sleep(2)
        assert [State.OPEN, State.OPEN] == [lonely.state, other.state]

    simulate(body)


def test_lonely_member_probes_by_itself() -> None:
    """Without the store the half-open state is the member's own, with its own budget."""

    async def body(fleet: Fleet) -> None:
        lonely = fleet.members[0]
        lonely.proxy.disable()
        await lonely.fail(3)
        assert not await lonely.succeed()
        await asyncio.sleep(WAIT + 1)
        assert [True, True] == [await lonely.succeed() for _ in range(2)]
        assert State.CLOSED is lonely.state

    simulate(body)


@pytest.mark.parametrize("persistence", [Persistence.ALWAYS, Persistence.NONE])
def test_restart_of_the_store_closes_nobody(persistence: Persistence) -> None:
    """An opening outlives a restart of Redis; what Redis forgot the members tell it again."""

    async def body(fleet: Fleet) -> None:
        await fleet.members[0].fail(3)
        await asyncio.sleep(1)
        await fleet.server.restart(down_for=2.0)
        await asyncio.sleep(1)
        assert [State.OPEN] * 3 == [member.state for member in fleet.members]
        assert not await fleet.members[1].succeed()
        assert FleetState.OPEN is (await fleet.members[2].store.read("db")).state

    simulate(body, persistence=persistence)


@pytest.mark.parametrize(("offset", "rate"), [(1e6, 1.0), (-500.0, 1.0), (0.0, 1.2), (0.0, 0.8)])
def test_skewed_clock_of_a_member_moves_no_probe_forward(offset: float, rate: float) -> None:
    """Whatever a member's clock shows, the store's time decides when the fleet may probe."""
    clocks = [SystemClock(), SkewedClock(offset, rate), SystemClock()]

    async def body(fleet: Fleet) -> None:
        await fleet.members[0].fail(3)
        await asyncio.sleep(1)
        waited = 1.0
        while not await fleet.members[1].succeed():
            await asyncio.sleep(0.1)
            waited += 0.1
        assert WAIT - 0.2 <= waited <= WAIT / min(rate, 1.0) + 2

    simulate(body, clocks=clocks)


def test_operators_order_stays_with_its_member() -> None:
    """A member that an operator has disabled neither follows nor is followed."""

    async def body(fleet: Fleet) -> None:
        disabled, other = fleet.members[:2]
        disabled.fleet.breaker.transition_to(State.DISABLED)
        await other.fail(3)
        await asyncio.sleep(2)
        assert State.DISABLED is disabled.state
        assert await disabled.succeed()

    simulate(body)
