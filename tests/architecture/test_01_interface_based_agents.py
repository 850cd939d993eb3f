"""Improvement 1: agents get their ports through the constructor, and say what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.fakes.acme import ACME, acme
from tests.fakes.stage import InWorld, Stage, on_stage
from umt_sim.kernel import Kernel
from umt_sim.platform.adapters.in_memory import (
    InMemoryCache,
    InMemoryMessageBroker,
    InMemoryRepository,
    InMemoryUnitOfWork,
    ScriptedGateway,
)
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.rabbitmq import RabbitMQMessageBroker
from umt_sim.platform.adapters.redis import RedisCache
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.creation import ContentCreationAgent
from umt_sim.platform.agents.factory import AgentFactory
from umt_sim.platform.agents.repositories import Repositories
from umt_sim.platform.agents.strategy import ContentStrategyAgent
from umt_sim.platform.contexts.analytics.model import MetricCollection, Report
from umt_sim.platform.contexts.brand.model import Brand, Project
from umt_sim.platform.contexts.campaign.model import Campaign
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.contexts.content.model import Content
from umt_sim.platform.contexts.integration.model import Integration
from umt_sim.platform.errors import MissingDependency, PortUnavailable
from umt_sim.platform.messages import MessageFactory
from umt_sim.platform.ports import Cache, CircuitBreaker, Database, MessageBroker, TracingProvider
from umt_sim.platform.ports.message_broker import Delivery, Parcel, QueueSpec
from umt_sim.platform.resilience import CircuitBreaker as Breaker
from umt_sim.platform.resilience import ResiliencePolicy
from umt_sim.platform.tracing import OpenTelemetryTracer
from umt_sim.servers.postgres import Engine


class Workshop:
    """Fakes of every port, and agents made from them."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.broker = InMemoryMessageBroker(self.clock)
        self.storage = InMemoryUnitOfWork()
        self.errors: list[tuple[str, BaseException]] = []

    def agent(self, kind: type[Agent], **gateways: Any) -> Agent:
        repository = InMemoryRepository
        return AgentFactory.create_agent(
            kind,
            agent_id=f"{kind.role}-1",
            message_broker=self.broker,
            cache=InMemoryCache(self.clock),
            circuit_breaker=Breaker("agent", clock=self.clock),
            tracer=OpenTelemetryTracer(),
            clock=self.clock,
            randomness=Random(1),
            repositories=Repositories(
                brands=repository(Brand, self.storage),
                projects=repository(Project, self.storage),
                contents=repository(Content, self.storage),
                campaigns=repository(Campaign, self.storage),
                metrics=repository(MetricCollection, self.storage),
                reports=repository(Report, self.storage),
                integrations=repository(Integration, self.storage),
            ),
            unit_of_work=self.storage,
            gateways=gateways,
            on_error=lambda where, error: self.errors.append((where, error)),
        )


def in_virtual_time(play: Callable[[Workshop], Awaitable[None]]) -> None:
    async def main() -> None:
        await play(Workshop())

    with Kernel(seed=1) as kernel:
        kernel.run(main())


def draft(text: str) -> ScriptedGateway:
    return ScriptedGateway({"choices": [{"text": text}]})


def test_the_factory_names_every_port_that_is_missing() -> None:
    """An agent given too little is not created, and all that is missing is said at once."""
    with pytest.raises(MissingDependency) as refusal:
        AgentFactory.create_agent(ContentCreationAgent, agent_id="a", tracer=OpenTelemetryTracer())
    assert (
        "message_broker is missing; give it a MessageBroker",
        "cache is missing; give it a Cache",
        "circuit_breaker is missing; give it a CircuitBreaker",
    ) == refusal.value.missing
    assert str(refusal.value).startswith("ContentCreationAgent cannot be created: ")


def test_the_factory_names_what_a_wrong_port_lacks() -> None:
    """An object that does not answer a port is refused, with the methods it lacks."""
    with pytest.raises(MissingDependency, match="cache is a dict, no Cache: no set, delete, close"):
        AgentFactory.create_agent(
            ContentCreationAgent,
            agent_id="a",
            message_broker=InMemoryMessageBroker(SystemClock()),
            cache={},
            circuit_breaker=Breaker("b"),
            tracer=OpenTelemetryTracer(),
        )


def test_the_factory_refuses_a_port_that_does_not_exist() -> None:
    """A misspelt port is an error, not a port that is silently left out."""
    with pytest.raises(MissingDependency, match="there is no port databse; known are message_br"):
        AgentFactory.create_agent(ContentCreationAgent, agent_id="a", databse=None)


def test_adapters_and_fakes_answer_the_ports(in_world: InWorld) -> None:
    """Every adapter, every fake and a whole policy pass as what they stand for."""

    async def play(stage: Stage) -> None:
        clock = SystemClock()
        assert isinstance(RabbitMQMessageBroker(stage.config), MessageBroker)
        assert isinstance(InMemoryMessageBroker(clock), MessageBroker)
        assert isinstance(RedisCache(stage.config), Cache)
        assert isinstance(InMemoryCache(clock), Cache)
        assert isinstance(PostgresDatabase(stage.config), Database)
        assert isinstance(Breaker("b"), CircuitBreaker)
        assert isinstance(ResiliencePolicy("p"), CircuitBreaker)
        assert isinstance(OpenTelemetryTracer(), TracingProvider)

    in_world(play)


def test_an_agent_takes_only_tasks_it_is_equipped_for() -> None:
    """Without storage and language model the content creation agent only scores variations."""
    agent = AgentFactory.create_agent(
        ContentCreationAgent,
        agent_id="a",
        message_broker=InMemoryMessageBroker(SystemClock()),
        cache=InMemoryCache(SystemClock()),
        circuit_breaker=Breaker("b"),
        tracer=OpenTelemetryTracer(),
    )
    assert ("score_variation",) == agent.task_types
    assert ["create_content", "generate_variations"] == [h.name for h in agent.unequipped]


def test_agents_work_together_on_fakes() -> None:
    """The content creation flow runs on in-memory ports alone."""

    async def play(workshop: Workshop) -> None:
        client = MessageFactory("client", clock=workshop.clock, randomness=Random(2))
        brand = acme()
        await InMemoryRepository(Brand, workshop.storage).save(brand)
        strategy = workshop.agent(ContentStrategyAgent)
        creation = workshop.agent(ContentCreationAgent, llm=draft("Buy it."))
        await strategy.start()
        await creation.start()
        task = client.task(
            "create_content",
            CreateContent(brand_id=brand.id, title="Hello"),
            reply_to="answers",
            timeout_seconds=10,
        )
        await strategy.courier.task("content-strategy", task, now=workshop.clock.now())
        await workshop.broker.settle()
        (content,) = workshop.storage.all(Content)
        assert "Buy it." == content.body
        assert ["content.created"] == [entry.event_type for entry in workshop.storage.entries[1:]]
        (answer,) = workshop.broker.queues["answers"]
        assert str(task.message_id) == answer.correlation_id
        assert [] == workshop.errors

    in_virtual_time(play)


def test_what_cannot_be_read_is_buried_with_the_reason() -> None:
    """A message that is no message goes to the dead letters, whole, and says why."""

    async def play(workshop: Workshop) -> None:
        agent = workshop.agent(ContentStrategyAgent)
        await agent.start()
        await workshop.broker.publish(
            Parcel("umt.tasks", "content-strategy.create_content", b"{not json", message_id="m1")
        )
        await workshop.broker.settle()
        (dead,) = workshop.broker.queues["umt.dead-letters"]
        assert b"{not json" == dead.body
        assert "m1" == dead.message_id
        assert dead.headers["x-reason"].startswith("MalformedMessage: ")
        assert "client" == dead.headers["x-error-class"]
        assert "umt.content-strategy" == dead.headers["x-from-queue"]

    in_virtual_time(play)


def test_a_failing_task_is_tried_again_after_growing_delays_then_buried() -> None:
    """Transient failures come back after 1, 5 and 25 seconds; then nobody waits, so it is dead."""

    async def play(workshop: Workshop) -> None:
        llm = ScriptedGateway(PortUnavailable("llm", "POST"))
        agent = workshop.agent(ContentCreationAgent, llm=llm)
        await agent.start()
        client = MessageFactory("client", clock=workshop.clock, randomness=Random(2))
        task = client.task("create_content", CreateContent(brand_id=UUID(int=1), title="Hello"))
        await agent.courier.task("content-creation", task, now=workshop.clock.now())
        await workshop.broker.settle()
        assert 31.0 == asyncio.get_running_loop().time()
        assert 4 == len(llm.requests)
        (dead,) = workshop.broker.queues["umt.dead-letters"]
        assert 3 == dead.headers["x-retry-count"]
        assert "PortUnavailable: llm: POST did not happen" == dead.headers["x-reason"]

    in_virtual_time(play)


def test_a_task_nobody_waits_for_any_more_is_not_begun() -> None:
    """A task whose deadline has passed costs no call to the language model."""

    async def play(workshop: Workshop) -> None:
        llm = draft("Buy it.")
        agent = workshop.agent(ContentCreationAgent, llm=llm)
        client = MessageFactory("client", clock=workshop.clock, randomness=Random(2))
        task = client.task(
            "create_content",
            CreateContent(brand_id=UUID(int=1), title="Hello"),
            reply_to="answers",
            timeout_seconds=1,
        )
        await agent.courier.task("content-creation", task, now=workshop.clock.now())
        parcel = workshop.broker.published[0]
        assert 1.0 == parcel.expires_seconds
        await asyncio.sleep(2)
        await agent.start()
        await workshop.broker.publish(parcel)
        await workshop.broker.settle()
        assert [] == llm.requests
        (answer,) = workshop.broker.queues["answers"]
        assert b"DeadlineExceeded" in answer.body

    in_virtual_time(play)


def test_a_repeated_task_is_answered_and_not_repeated() -> None:
    """The same idempotency key twice makes one piece of content and two equal answers."""

    async def play(workshop: Workshop) -> None:
        agent = workshop.agent(ContentCreationAgent, llm=draft("Buy it."))
        await agent.start()
        client = MessageFactory("client", clock=workshop.clock, randomness=Random(2))
        for _ in range(2):
            task = client.task(
                "create_content",
                CreateContent(brand_id=UUID(int=1), title="Hello"),
                reply_to="answers",
                timeout_seconds=10,
                idempotency_key="k",
            )
            await agent.courier.task("content-creation", task, now=workshop.clock.now())
            await workshop.broker.settle()
        assert 1 == len(workshop.storage.all(Content))
        first, second = (agent._codec.decode(p.body) for p in workshop.broker.queues["answers"])
        assert first.result == second.result
        assert ["completed", "duplicate"] == [first.status, second.status]

    in_virtual_time(play)


def test_an_unforeseen_error_reaches_the_hook() -> None:
    """A bug in a handler is reported with its place, answered without its text, and not retried."""

    async def play(workshop: Workshop) -> None:
        llm = ScriptedGateway(ZeroDivisionError("secret"))
        agent = workshop.agent(ContentCreationAgent, llm=llm)
        await agent.start()
        client = MessageFactory("client", clock=workshop.clock, randomness=Random(2))
        task = client.task(
            "create_content",
            CreateContent(brand_id=UUID(int=1), title="Hello"),
            reply_to="answers",
            timeout_seconds=10,
        )
        await agent.courier.task("content-creation", task, now=workshop.clock.now())
        await workshop.broker.settle()
        ((where, error),) = workshop.errors
        assert "content-creation-1 handling create_content" == where
        assert isinstance(error, ZeroDivisionError)
        (answer,) = workshop.broker.queues["answers"]
        assert b"secret" not in answer.body
        assert b'"error_class":"fatal"' in answer.body

    in_virtual_time(play)


def test_a_retried_task_counts_its_attempts() -> None:
    """The copy that waits in a delay queue says how often it was tried."""

    async def play(workshop: Workshop) -> None:
        agent = workshop.agent(
            ContentCreationAgent, llm=ScriptedGateway(PortUnavailable("llm", ""))
        )
        await agent.start()
        client = MessageFactory("client", clock=workshop.clock, randomness=Random(2))
        task = client.task("create_content", CreateContent(brand_id=UUID(int=1), title="Hello"))
        await agent.courier.task("content-creation", task, now=workshop.clock.now())
        await workshop.broker.settle()
        counts = [
            agent._codec.decode(parcel.body).retry_count for parcel in workshop.broker.published
        ]
        assert [0, 1, 2, 3, 3] == counts

    in_virtual_time(play)


def test_an_agent_says_that_it_is_alive(engine: Engine) -> None:
    """With a heartbeat of ten seconds each agent is heard from every ten seconds."""

    async def play(stage: Stage) -> None:
        config = replace(stage.config, heartbeat_seconds=10.0)
        async with stage.application(config=config):
            await asyncio.sleep(25)
        names = [span.name for span in stage.finished_spans()]
        assert 3 * 5 == names.count("publish umt.events:agent.heartbeat")

    on_stage(engine, play)


def test_an_agent_without_a_loop_starts_when_it_is_awaited() -> None:
    """start() works before there is an event loop; awaiting its handle then starts the agent."""
    workshop = Workshop()
    agent = workshop.agent(ContentStrategyAgent)
    handle = agent.start()

    async def main() -> None:
        await handle
        await agent.stop()

    asyncio.run(main())


def test_a_process_that_lost_power_is_started_again(engine: Engine) -> None:
    """After a power cut of the content creation agent a new process takes its tasks over."""

    async def play(stage: Stage) -> None:
        name = "content-creation-agent"
        async with stage.application() as application:
            brand = UUID((await application.client.onboard_brand(ACME))["brand_id"])
            command = CreateContent(brand_id=brand, title="Hello")
            stage.network.host(name).crash()
            request = asyncio.ensure_future(application.client.create_content(command))
            await asyncio.sleep(5)
            assert not request.done()
            stage.network.host(name).restart()
            await application.restart(name)
            assert 2 == (await request)["variations"]
        assert [] == stage.errors

    on_stage(engine, play)


def test_a_delay_queue_gives_parcels_back(in_world: InWorld) -> None:
    """What waits in the delay queue of an attempt returns when its time is up."""

    async def play(stage: Stage) -> None:
        broker = RabbitMQMessageBroker(stage.config)
        arrived: asyncio.Queue[Parcel] = asyncio.Queue()

        async def consume(delivery: Delivery) -> None:
            await arrived.put(delivery.parcel)
            await delivery.ack()

        spec = QueueSpec("delayed", delays_seconds=(0.2,), dead_letter_queue="umt.dead-letters")
        await broker.subscribe(spec, consume)
        began = stage.now()
        await broker.publish(Parcel("", spec.delay_queue(1), b"{}", message_id="m1"))
        async with asyncio.timeout(10):
            parcel = await arrived.get()
        assert "m1" == parcel.message_id
        assert stage.now() - began >= 0.19
        await broker.close()

    in_world(play)
