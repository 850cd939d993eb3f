"""Improvement 6: the architecture document's usage examples run as they are written."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from tests.fakes.stage import InWorld, Stage
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.rabbitmq import RabbitMQMessageBroker
from umt_sim.platform.adapters.redis import RedisCache
from umt_sim.platform.agents.creation import ContentCreationAgent
from umt_sim.platform.agents.factory import AgentFactory
from umt_sim.platform.application import all_migrations
from umt_sim.platform.contexts.brand import Brand, BrandStyling, Industry, SocialMediaAccount
from umt_sim.platform.contexts.brand.events import BrandCreated
from umt_sim.platform.contexts.brand.postgres import PostgresBrandRepository
from umt_sim.platform.domain import DomainEventDispatcher
from umt_sim.platform.resilience import CircuitBreaker, CircuitBreakError, CircuitOpenError
from umt_sim.platform.storage import migrate
from umt_sim.platform.tracing import OpenTelemetryTracer, TracingSettings, configure, trace

DOCUMENT = (
    Path(__file__).parents[1] / "data" / "ultimate-marketing-team-architecture-improvements.md"
)

IMPORTS = {
    thing.__name__: thing
    for thing in (
        AgentFactory,
        Brand,
        BrandStyling,
        CircuitBreakError,
        CircuitBreaker,
        CircuitOpenError,
        ContentCreationAgent,
        DomainEventDispatcher,
        Industry,
        OpenTelemetryTracer,
        RabbitMQMessageBroker,
        RedisCache,
        SocialMediaAccount,
        trace,
    )
}


def example(heading: str) -> str:
    """The Python block below a heading, exactly as it stands in the document."""
    section = DOCUMENT.read_text("utf-8").partition(f"### {heading}\n")[2]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None, f"the document has no example {heading!r}"
    return found.group(1)


async def run(source: str, **values: Any) -> dict[str, Any]:
    """Execute *source* where ``await`` is allowed; the names it has bound."""
    names = {**IMPORTS, **values}
    code = compile(source, str(DOCUMENT), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    # eval and not exec: it hands back the coroutine that top-level await makes of a module.
    pending = eval(code, names)
    if inspect.iscoroutine(pending):
        await pending
    return names


@pytest.fixture(autouse=True)
def forget_the_tracer() -> Iterator[None]:
    """Each example begins in a process that has configured no tracer."""
    yield
    OpenTelemetryTracer.install(None)


def test_the_document_has_the_examples_this_file_runs() -> None:
    """No example is left out."""
    usage = DOCUMENT.read_text("utf-8").partition("## Usage Examples")[2]
    usage = usage.partition("\n## ")[0]
    assert [
        "Interface-Based Dependency Injection",
        "Circuit Breaker",
        "Distributed Tracing",
        "Domain-Driven Design",
    ] == re.findall(r"^### (.+)$", usage, re.MULTILINE)


@pytest.mark.parametrize("awaited", [False, True])
def test_interface_based_dependency_injection(in_world: InWorld, awaited: bool) -> None:
    """The agent is created from its ports and starts to consume, awaited or not."""
    source = example("Interface-Based Dependency Injection")
    if awaited:
        source = source.replace("content_agent.start()", "await content_agent.start()")

    async def play(stage: Stage) -> None:
        names = await run(source, config=stage.config)
        if not awaited:
            await asyncio.sleep(1)
        agent = names["content_agent"]
        assert ("score_variation",) == agent.task_types
        assert 1 == await consumers("umt.content-creation", stage)
        await agent.stop()
        await names["message_broker"].close()
        await names["cache"].close()

    in_world(play)


async def consumers(queue: str, stage: Stage) -> int:
    """How many take messages from *queue*, as its broker says."""
    settings = stage.config.rabbitmq
    connection = await aio_pika.connect(
        host=settings.host, port=settings.port, login=settings.user, password=settings.password
    )
    async with connection, connection.channel() as channel:
        declared = await channel.declare_queue(queue, passive=True)
        return int(declared.declaration_result.consumer_count)


class Answers:
    """A database whose ``query`` does as it is told."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def query(self, sql: str) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def circuit_breaker_names(database: Answers, logged: list[Any]) -> dict[str, Any]:
    return {
        "database": database,
        "get_from_cache": lambda: "from the cache",
        "get_default_value": lambda: "the default",
        "log_error": logged.append,
    }


def test_circuit_breaker_passes_results_on() -> None:
    """A call that succeeds gives its result."""
    logged: list[Any] = []
    names = asyncio.run(
        run(example("Circuit Breaker"), **circuit_breaker_names(Answers(["row"]), logged))
    )
    assert ["row"] == names["result"]
    assert [] == logged


def test_circuit_breaker_wraps_failures() -> None:
    """A call that fails is caught as CircuitBreakError, which holds the original."""
    logged: list[Any] = []
    broken = ConnectionError("no route")
    names = asyncio.run(
        run(example("Circuit Breaker"), **circuit_breaker_names(Answers(broken), logged))
    )
    assert "the default" == names["result"]
    assert [broken] == logged


def test_circuit_breaker_refuses_when_open() -> None:
    """After three failures the same code answers from the cache."""
    create, use = example("Circuit Breaker").split("# Use the circuit breaker\n")
    values = circuit_breaker_names(Answers(ConnectionError()), [])

    async def main() -> list[Any]:
        names = await run(create, **values)
        values["breaker"] = names["breaker"]
        return [(await run(use, **values))["result"] for _ in range(4)]

    assert ["the default"] * 3 + ["from the cache"] == asyncio.run(main())


def test_circuit_breaker_around_our_own_database(in_world: InWorld) -> None:
    """``breaker.execute(database.query, ...)`` of the asynchronous database is awaitable."""

    async def play(stage: Stage) -> None:
        database = PostgresDatabase(stage.config)
        breaker = CircuitBreaker(name="database-queries", failure_threshold=3)
        await database.execute("CREATE TABLE users (id int)")
        assert [] == await breaker.execute(database.query, "SELECT * FROM users")
        with pytest.raises(CircuitBreakError):
            await breaker.execute(database.query, "SELECT * FROM nobody")
        await database.close()

    in_world(play)


def test_distributed_tracing() -> None:
    """The decorated function and the manual span are recorded, with attribute and event."""
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    configure(TracingSettings(exporters=[exporter], batch=False))
    names = asyncio.run(
        run(
            example("Distributed Tracing"),
            content_id="c1",
            result=42,
            perform_operation=lambda: 42,
        )
    )
    assert 42 == names["process_content"]("c1") == names["result"]
    manual, decorated = exporter.get_finished_spans()
    assert ("operation_name", "process_content") == (manual.name, decorated.name)
    assert {"content_id": "c1"} == dict(manual.attributes)
    (event,) = manual.events
    assert ("operation_completed", {"status": "success"}) == (event.name, dict(event.attributes))


def test_distributed_tracing_unconfigured() -> None:
    """Without any configuration the example runs and records nothing."""
    asyncio.run(
        run(
            example("Distributed Tracing"),
            content_id="c1",
            result=42,
            perform_operation=lambda: 42,
        )
    )


def test_domain_driven_design(in_world: InWorld) -> None:
    """The brand is created, saved with its events, and its events are dispatched."""

    async def play(stage: Stage) -> None:
        database = PostgresDatabase(stage.config)
        await migrate(database, all_migrations(), clock=stage.clock)
        repository = PostgresBrandRepository(database)
        names = await run(example("Domain-Driven Design"), brand_repository=repository)
        stored = await repository.get(names["brand"].id)
        assert ("Acme Inc.", "TECH") == (stored.name, stored.industry.code)
        assert ["@acmeinc"] == [account.handle for account in stored.social_media_accounts]
        assert () == names["brand"].domain_events
        events = await database.query("SELECT event_type FROM outbox ORDER BY position")
        assert ["brand.created", "brand.updated"] == [row["event_type"] for row in events]
        await database.close()

    in_world(play)


def test_domain_driven_design_with_a_listener(in_world: InWorld) -> None:
    """Handlers subscribed to the example's dispatcher hear the example's events."""
    heard: list[Any] = []

    class Listening(DomainEventDispatcher):
        def __init__(self) -> None:
            super().__init__()
            self.subscribe(BrandCreated, heard.append)

    async def play(stage: Stage) -> None:
        database = PostgresDatabase(stage.config)
        await migrate(database, all_migrations(), clock=stage.clock)
        names = await run(
            example("Domain-Driven Design"),
            brand_repository=PostgresBrandRepository(database),
            DomainEventDispatcher=Listening,
        )
        assert [BrandCreated(names["brand"].id, "Acme Inc.", "TECH")] == heard
        await database.close()

    in_world(play)
