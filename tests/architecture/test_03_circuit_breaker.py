"""Improvement 3: breakers around what fails, inside the running platform."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from tests.fakes.acme import ACME
from tests.fakes.stage import InWorld, Stage, on_stage
from umt_sim.platform.application import Application
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.errors import PortTimeout, PortUnavailable, RequestFailed
from umt_sim.platform.policies import PolicySettings, RetrySettings
from umt_sim.platform.resilience import Backoff, BreakerSettings, CircuitOpenError, Jitter
from umt_sim.platform.resilience.breaker.events import StateChanged
from umt_sim.platform.resilience.retry import RetryScheduled
from umt_sim.servers.postgres import Engine

REQUEST = "content-creation"
TWO_TRIES = RetrySettings(max_attempts=2, backoff=Backoff(base=0.5, jitter=Jitter.NONE))


async def create(application: Application, brand: UUID, count: int) -> Sequence[Any]:
    """Ask for content *count* times, one after the other; what came of each."""
    outcomes: list[Any] = []
    for number in range(count):
        command = CreateContent(brand_id=brand, title=f"Story {number}")
        try:
            outcomes.append(await application.client.create_content(command))
        except Exception as error:  # noqa: BLE001 - looked at by the test
            outcomes.append(error)
    return outcomes


async def onboard(application: Application) -> UUID:
    return UUID((await application.client.onboard_brand(ACME))["brand_id"])


def transitions(stage: Stage, breaker: str) -> list[str]:
    return [
        event.to_state.value
        for event in stage.events
        if isinstance(event, StateChanged) and event.breaker == breaker
    ]


def test_a_dead_model_opens_the_breaker_of_its_callers(in_world: InWorld) -> None:
    """After five refused connections the content creation agent stops asking the model."""
    policies = {"llm": PolicySettings(breaker=BreakerSettings.consecutive(5, 30.0))}

    async def play(stage: Stage) -> None:
        async with stage.application(policies) as application:
            brand = await onboard(application)
            stage.proxies["llm"].disable()
            task = asyncio.ensure_future(create(application, brand, 1))
            await task
            assert isinstance(task.result()[0], (RequestFailed, PortTimeout))
            await create(application, brand, 1)
        assert "open" in transitions(stage, "content-creation-agent/llm")

    in_world(play)


def test_a_slow_broker_opens_the_breaker_around_the_request(engine: Engine) -> None:
    """Requests that time out open the client's breaker; then it refuses at once."""
    breaker = BreakerSettings.consecutive(3, 10.0)
    policies = {REQUEST: PolicySettings(timeout=2.0, breaker=breaker)}

    async def play(stage: Stage) -> None:
        async with stage.application(policies) as application:
            brand = await onboard(application)
            stage.network.latency("marketing-client", "rabbitmq", 3.0)
            began = stage.now()
            outcomes = await create(application, brand, 4)
            assert 6.0 == round(stage.now() - began, 6)
            assert isinstance(outcomes[3], CircuitOpenError)
            assert not any(isinstance(o, CircuitOpenError) for o in outcomes[:3])
            stage.network.latency("marketing-client", "rabbitmq", 0.0)
            await asyncio.sleep(11)
            (outcome,) = await create(application, brand, 1)
            assert 2 == outcome["variations"]
        assert ["open", "half_open", "closed"] == transitions(stage, REQUEST)

    on_stage(engine, play)


def test_without_policies_every_failure_reaches_the_caller(in_world: InWorld) -> None:
    """Switched off means off: no retry, no breaker, the port's own error."""

    async def play(stage: Stage) -> None:
        async with stage.application({}) as application:
            brand = await onboard(application)
            stage.proxies["rabbitmq"].disable()
            await asyncio.sleep(0.5)
            outcomes = await create(application, brand, 3)
            assert [PortUnavailable] * 3 == [type(outcome) for outcome in outcomes]
            stage.proxies["rabbitmq"].enable()
            await asyncio.sleep(20)
            (outcome,) = await create(application, brand, 1)
            assert 2 == outcome["variations"]
        assert [] == [e for e in stage.events if isinstance(e, (StateChanged, RetryScheduled))]

    in_world(play)


def test_a_retried_request_happens_once(engine: Engine) -> None:
    """An answer lost on its way makes the client ask again, and the content is not made twice."""
    policies = {REQUEST: PolicySettings(timeout=2.0, retry=TWO_TRIES)}

    async def play(stage: Stage) -> None:
        async with stage.application(policies) as application:
            brand = await onboard(application)
            stage.network.latency("rabbitmq", "marketing-client", 3.0)
            request = asyncio.ensure_future(create(application, brand, 1))
            await asyncio.sleep(1)
            stage.network.latency("rabbitmq", "marketing-client", 0.0)
            (outcome,) = await request
            assert 2 == outcome["variations"]
        assert 1 == len([e for e in stage.events if isinstance(e, RetryScheduled)])
        assert 1 == stage.servers["llm"].log.statuses()[200]

    on_stage(engine, play)


def test_an_outage_of_the_database_is_survived(in_world: InWorld) -> None:
    """A task that could not be stored waits in a delay queue and is stored afterwards."""

    async def play(stage: Stage) -> None:
        async with stage.application({}) as application:
            brand = await onboard(application)
            await create(application, brand, 1)
            stage.proxies["postgres"].disable()
            request = asyncio.ensure_future(create(application, brand, 1))
            await asyncio.sleep(2)
            assert not request.done()
            stage.proxies["postgres"].enable()
            (outcome,) = await request
            assert 2 == outcome["variations"]
        assert [] == stage.errors

    in_world(play)


def test_a_dead_cache_costs_only_time(in_world: InWorld) -> None:
    """Without Redis strategies are worked out from the database, and nobody notices."""

    async def play(stage: Stage) -> None:
        stage.proxies["redis"].disable()
        async with stage.application() as application:
            brand = await onboard(application)
            outcomes = await create(application, brand, 7)
            assert [2] * 7 == [outcome["variations"] for outcome in outcomes]
        assert ["open"] == transitions(stage, "content-strategy-agent/cache")

    in_world(play)


def test_policies_have_known_names(in_world: InWorld) -> None:
    """A policy that would guard nothing is refused, with the names that exist."""

    async def play(stage: Stage) -> None:
        with pytest.raises(ValueError, match="there is no policy 'contentcreation'; known are con"):
            stage.application({"contentcreation": PolicySettings()})

    in_world(play)
