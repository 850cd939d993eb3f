"""Old components behind new ports, new ones behind old interfaces, and old data moved over."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.trace import TracerProvider

from umt_sim.platform.adapters.in_memory import InMemoryCache, InMemoryMessageBroker
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.adapters.threads import Outside, directly, in_thread
from umt_sim.platform.agents.addresses import task_key
from umt_sim.platform.agents.catalogue import CATALOGUE
from umt_sim.platform.agents.factory import AgentFactory
from umt_sim.platform.bridges.agent import HandlersBehindLegacy, agent_of
from umt_sim.platform.bridges.breaker import BreakerBehindLegacy, LegacyBehindBreaker
from umt_sim.platform.bridges.broker import BrokerBehindLegacy, LegacyBehindBroker
from umt_sim.platform.bridges.cache import CacheBehindLegacy, LegacyBehindCache
from umt_sim.platform.bridges.messages import MessageBridge
from umt_sim.platform.bridges.tracer import LegacySpanProcessor, TracerBehindLegacy
from umt_sim.platform.contexts.content.commands import CreateContent
from umt_sim.platform.contexts.content.events import ContentCreated
from umt_sim.platform.errors import MalformedMessage, PortClosed, PortUnavailable
from umt_sim.platform.messages import MessageCodec, MessageFactory, ResponseStatus, TaskMessage
from umt_sim.platform.ports import Cache, CircuitBreaker, MessageBroker
from umt_sim.platform.ports.message_broker import Delivery, Parcel, QueueSpec
from umt_sim.platform.resilience import CircuitBreaker as Breaker
from umt_sim.platform.resilience import CircuitOpenError
from umt_sim.platform.tracing import OpenTelemetryTracer

CODEC = MessageCodec(CATALOGUE)
OLD = {
    "type": "create_content",
    "data": {"brand_id": str(UUID(int=1)), "title": "Hello"},
    "sender": "cron",
    "timestamp": 1_767_225_600.0,
}


class Still(SystemClock):
    """A clock that stands still, at a moment that a float holds exactly."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


def bridge() -> MessageBridge:
    return MessageBridge(CODEC, clock=SystemClock(), randomness=Random(1))


# Messages


def test_an_old_dict_becomes_a_typed_task() -> None:
    """Type, data, sender and time are taken over; the id is made up."""
    task = bridge().to_new(OLD)
    assert isinstance(task, TaskMessage)
    assert CreateContent(brand_id=UUID(int=1), title="Hello") == task.payload
    assert ("cron", datetime(2026, 1, 1, tzinfo=UTC)) == (task.sender_id, task.timestamp)
    assert task.message_id == task.correlation_id


def test_a_message_comes_back_from_the_old_side_unchanged() -> None:
    """New to old to new keeps every field, also those the old side has no word for."""
    make = MessageFactory("agent", clock=Still(), randomness=Random(1))
    task = make.retry(
        make.task(
            "create_content",
            CreateContent(brand_id=UUID(int=1), title="Hello"),
            reply_to="answers",
            timeout_seconds=30.0,
            idempotency_key="k",
            priority=7,
        )
    )
    event = make.event(ContentCreated(UUID(int=2), UUID(int=1), "Hello", "site"))
    response = make.response(task, {"content_id": "1"}, status=ResponseStatus.DUPLICATE)
    error = make.error(task, PortUnavailable("llm", "POST"))
    for message in (task, event, response, error):
        assert message == bridge().to_new(json.loads(json.dumps(bridge().to_old(message))))


def test_an_old_dict_that_fits_nothing_says_why() -> None:
    """Data without a required field is refused like any other message."""
    with pytest.raises(MalformedMessage, match=r"payload\.brand_id: Field required"):
        bridge().to_new({"type": "create_content", "data": {"title": "Hello"}})
    with pytest.raises(MalformedMessage, match=r"task\.task_type: Input should be a valid string"):
        bridge().to_new({"data": {}})


@pytest.mark.parametrize(
    "none",
    [{"kind": "gossip"}, {"timestamp": 1e300}, {"timestamp": "noon"}, {1: 2, (3,): 4}, [], None],
)
def test_what_is_no_old_message_is_malformed(none: Any) -> None:
    """Nothing else comes of it, whatever an old component puts on the wire."""
    with pytest.raises(MalformedMessage):
        bridge().to_new(none)


# Cache


class OldCache:
    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, int]] = {}
        self.broken = False

    def get(self, key: str) -> str | None:
        if self.broken:
            raise ConnectionError("no route")
        return self.entries.get(key, (None, 0))[0]

    def set(self, key: str, value: str, ttl: int) -> None:
        self.entries[key] = (value, ttl)

    def delete(self, key: str) -> None:
        self.entries.pop(key, None)


def test_an_old_cache_answers_the_port() -> None:
    """Any bytes survive, lifetimes round up, failures and closing are port errors."""

    async def main() -> None:
        old = OldCache()
        cache = LegacyBehindCache(old, run=directly)
        assert isinstance(cache, Cache)
        await cache.set("k", b"\xff\x00", ttl_seconds=1.2)
        assert b"\xff\x00" == await cache.get("k")
        assert 2 == old.entries["k"][1]
        await cache.delete("k")
        assert await cache.get("k") is None
        old.set("k", "text of an old component", 60)
        assert await cache.get("k") is None
        old.broken = True
        with pytest.raises(PortUnavailable, match="cache: GET did not happen: no route"):
            await cache.get("k")
        await cache.close()
        with pytest.raises(PortClosed):
            await cache.get("k")

    asyncio.run(main())


def test_a_new_cache_serves_old_threads() -> None:
    """Synchronous code in a thread uses the loop's cache; on the loop itself it is refused."""

    async def main() -> None:
        old_style = CacheBehindLegacy(InMemoryCache(SystemClock()), Outside())

        def old_code() -> list[str | None]:
            old_style.set("k", "v", 60)
            found = old_style.get("k")
            old_style.delete("k")
            return [found, old_style.get("k")]

        assert ["v", None] == await in_thread(old_code)
        with pytest.raises(RuntimeError, match="called on its own loop: await"):
            old_style.get("k")

    asyncio.run(main())


# Breaker


class OldBreaker:
    """Opens after two failures in a row."""

    def __init__(self) -> None:
        self.failures = 0

    @property
    def is_open(self) -> bool:
        return self.failures >= 2

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            result = function(*args)
        except Exception:
            self.failures += 1
            raise
        self.failures = 0
        return result


def test_an_old_breaker_guards_functions_and_coroutines() -> None:
    """Both kinds of call are counted; when it is open neither happens."""

    async def later() -> None:
        raise KeyError

    def now() -> None:
        raise KeyError

    async def main() -> None:
        guard = LegacyBehindBreaker("old", OldBreaker())
        assert isinstance(guard, CircuitBreaker)
        assert 5 == guard.call(lambda: 5)
        with pytest.raises(KeyError):
            await guard.call(later)
        with pytest.raises(KeyError):
            guard.call(now)
        with pytest.raises(CircuitOpenError, match="'old' is open"):
            guard.call(now)

    asyncio.run(main())


def test_a_new_breaker_serves_old_callers() -> None:
    """Old code sees whether it is open and calls through it."""
    breaker = Breaker("new", failure_threshold=1)
    old_style = BreakerBehindLegacy(breaker, is_open=lambda: breaker.state.value == "open")
    assert 5 == old_style.call(lambda a: a, 5)
    assert not old_style.is_open
    with pytest.raises(ZeroDivisionError):
        old_style.call(lambda: 1 / 0)
    assert old_style.is_open


# Broker


class OldBroker:
    """Calls back from a thread of its own."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.callbacks: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.closed = False

    def publish(self, queue: str, message: dict[str, Any]) -> None:
        self.published.append((queue, message))
        if queue in self.callbacks:
            threading.Thread(target=self.callbacks[queue], args=(message,)).start()

    def subscribe(self, queue: str, callback: Callable[[dict[str, Any]], None]) -> None:
        self.callbacks[queue] = callback

    def close(self) -> None:
        self.closed = True


def test_an_old_broker_carries_new_messages() -> None:
    """What is published arrives as an old dict, and old dicts arrive as messages."""

    async def main() -> None:
        old = OldBroker()
        broker = LegacyBehindBroker(
            old,
            messages=bridge(),
            codec=CODEC,
            route=lambda exchange, key: key,
            outside=Outside(),
            clock=SystemClock(),
        )
        assert isinstance(broker, MessageBroker)
        arrived: asyncio.Queue[Delivery] = asyncio.Queue()
        subscription = await broker.subscribe(QueueSpec("work"), arrived.put)
        task = bridge().to_new(OLD)
        await broker.publish(Parcel("", "work", CODEC.encode(task)))
        delivery = await arrived.get()
        assert task.payload == CODEC.decode(delivery.parcel.body).payload
        assert "create_content" == old.published[0][1]["type"]
        await delivery.reject(requeue=True)
        await (await arrived.get()).ack()
        await subscription.cancel()
        await broker.close()
        assert old.closed
        with pytest.raises(PortClosed):
            await broker.publish(delivery.parcel)

    asyncio.run(main())


def test_nothing_is_lost_on_an_old_broker() -> None:
    """What fails comes again after its delay with its envelope; what is no message arrives too."""

    async def main() -> None:
        old = OldBroker()
        broker = LegacyBehindBroker(
            old,
            messages=bridge(),
            codec=CODEC,
            route=lambda exchange, key: key,
            outside=Outside(),
            clock=SystemClock(),
        )
        arrived: asyncio.Queue[Delivery] = asyncio.Queue()
        work = QueueSpec("work", delays_seconds=(0.01,))
        await broker.subscribe(work, arrived.put)
        body = CODEC.encode(bridge().to_new(OLD))
        failed = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "x-retry-count": 1}
        await broker.publish(Parcel("", work.delay_queue(1), body, headers=failed))
        assert [] == old.published
        delivery = await arrived.get()
        assert failed == delivery.parcel.headers
        old.publish("work", {"kind": "gossip"})
        assert b"{'kind': 'gossip'}" == (await arrived.get()).parcel.body
        await broker.publish(Parcel("", "dead", b"\xffgarbage", headers={"x-reason": "why"}))
        buried = {"type": "unreadable", "data": "\\xffgarbage", "envelope": {"x-reason": "why"}}
        assert ("dead", buried) == old.published[-1]
        await broker.close()

    asyncio.run(main())


def test_a_new_broker_keeps_no_poison_for_old_callbacks() -> None:
    """What is no message is rejected for good, and its callback never hears of it."""

    async def main() -> None:
        broker = InMemoryMessageBroker(SystemClock())
        old_style = BrokerBehindLegacy(broker, messages=bridge(), codec=CODEC, outside=Outside())
        heard: list[dict[str, Any]] = []
        await in_thread(old_style.subscribe, "work", heard.append)
        await broker.publish(Parcel("", "work", b"garbage"))
        with pytest.raises(ValueError, match="Expecting value"):
            await broker.settle()
        assert [] == heard

    asyncio.run(main())


def test_a_new_broker_serves_old_callbacks() -> None:
    """Old code publishes and is called back with dicts; what it fails on comes again."""

    async def main() -> None:
        broker = InMemoryMessageBroker(SystemClock())
        old_style = BrokerBehindLegacy(broker, messages=bridge(), codec=CODEC, outside=Outside())
        heard: list[dict[str, Any]] = []

        def old_code() -> None:
            old_style.subscribe("work", heard.append)
            old_style.publish("work", OLD)

        await in_thread(old_code)
        await broker.settle()
        assert OLD["data"]["title"] == heard[0]["data"]["title"]
        await in_thread(old_style.close)

    asyncio.run(main())


# Tracer


class OldSpan:
    def __init__(self, name: str, parent: OldSpan | None) -> None:
        self.name = name
        self.parent = parent
        self.tags: dict[str, Any] = {}
        self.finished = False

    def set_tag(self, key: str, value: Any) -> None:
        self.tags[key] = value

    def finish(self) -> None:
        self.finished = True


class OldTracer:
    def __init__(self) -> None:
        self.spans: list[OldSpan] = []

    def start_span(self, name: str, parent: OldSpan | None = None) -> OldSpan:
        self.spans.append(OldSpan(name, parent))
        return self.spans[-1]


def test_an_old_tracer_sees_new_spans_and_the_other_way_round() -> None:
    """Names, parents, attributes and failures arrive; old-style spans land in the new tracer."""
    old = OldTracer()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(LegacySpanProcessor(old))
    tracer = OpenTelemetryTracer(provider)
    with (
        pytest.raises(KeyError),
        tracer.start_as_current_span("outer"),
        tracer.start_as_current_span("inner", attributes={"a": 1}),
    ):
        raise KeyError
    outer, inner = old.spans
    assert outer is inner.parent
    assert {"a": 1, "error.type": "KeyError", "error": True} == inner.tags
    assert inner.finished
    assert outer.finished
    old_style = TracerBehindLegacy(tracer)
    above = old_style.start_span("above")
    below = old_style.start_span("below", above)
    below.set_tag("b", 2)
    below.finish()
    above.finish()
    assert ["outer", "inner", "above", "below"] == [span.name for span in old.spans]
    assert old.spans[2] is old.spans[3].parent
    assert {"b": 2} == old.spans[3].tags


# Agent


class OldAgent:
    name = "old-writer"

    def __init__(self) -> None:
        self.handlers = {"create_content": self.write}

    def write(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"wrote": message["data"]["title"]}


def test_an_old_agent_takes_tasks_like_a_new_one() -> None:
    """Its handler gets the dict it knows; queue, answer and retries are the new agent's."""

    async def main() -> None:
        clock = SystemClock()
        broker = InMemoryMessageBroker(clock)
        agent = AgentFactory.create_agent(
            agent_of(OldAgent(), bridge(), run=directly),
            agent_id="old-writer-1",
            message_broker=broker,
            cache=InMemoryCache(clock),
            circuit_breaker=Breaker("b"),
            tracer=OpenTelemetryTracer(),
        )
        assert ("create_content",) == agent.task_types
        await agent.start()
        task = MessageFactory("client", clock=clock, randomness=Random(1)).task(
            "create_content",
            CreateContent(brand_id=UUID(int=1), title="Hello"),
            reply_to="answers",
        )
        await broker.publish(
            Parcel("umt.tasks", task_key("old-writer", "create_content"), CODEC.encode(task))
        )
        await broker.settle()
        (answer,) = broker.queues["answers"]
        assert {"wrote": "Hello"} == CODEC.decode(answer.body).result

    asyncio.run(main())


def test_new_operations_serve_old_code_as_handlers() -> None:
    """A dict of handlers whose work is done on the loop."""

    async def create(command: CreateContent) -> dict[str, str]:
        return {"title": command.title}

    async def main() -> None:
        handlers = HandlersBehindLegacy({"create_content": create}, bridge(), Outside())
        assert ["create_content"] == list(handlers)
        assert {"title": "Hello"} == await in_thread(handlers["create_content"], OLD)

    asyncio.run(main())
