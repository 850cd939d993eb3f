"""
What the platform adds: microseconds to write and read a message, and around a handler.

A *message* is a task with all thirteen header fields and some 500 bytes of payload. Its bare
baseline is the standard library's ``json`` on the same fields, without any validation.

A *handler* is an agent's method for one task, called in two ways: bare, and as the agent does
when a delivery comes in: decoded, traced, within its deadline, answered through the guard,
acknowledged. The broker takes no time here, so what is left is the platform's own. Both are
the least of several batches.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from umt_sim.platform.adapters.in_memory import InMemoryCache
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.agents.catalogue import CATALOGUE
from umt_sim.platform.agents.creation import ContentCreationAgent
from umt_sim.platform.agents.factory import AgentFactory
from umt_sim.platform.contexts.content.commands import (
    CreateContent,
    ScoreVariation,
    VariationCounts,
)
from umt_sim.platform.messages import MessageCodec, MessageFactory, TaskMessage
from umt_sim.platform.policies import PRODUCTION_POLICIES, build_policy
from umt_sim.platform.ports.message_broker import Consumer, Parcel, QueueSpec
from umt_sim.platform.tracing.configuration import TracingSettings, build_provider
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer

BATCHES = 100  # short ones: the least of them was not interrupted
CODEC = MessageCodec(CATALOGUE)
CLOCK = SystemClock()


def message() -> TaskMessage:
    """A task with every header field, and a payload of some 500 bytes."""
    now = datetime.now(UTC)
    return TaskMessage(
        message_id=UUID(int=1),
        sender_id="marketing-client",
        timestamp=now,
        correlation_id=UUID(int=2),
        causation_id=UUID(int=3),
        reply_to="umt.replies.marketing-client",
        priority=5,
        expires_at=now + timedelta(seconds=30),
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
        tracestate="vendor=1",
        task_type="create_content",
        payload=CreateContent(
            brand_id=UUID(int=4),
            title="A story " * 40,
            topics=("technology", "leading", "provider"),
            tone="Professional",
        ),
        timeout_seconds=30.0,
        idempotency_key=str(UUID(int=5)),
    )


class Broker:
    """Takes everything at once and keeps nothing."""

    system = "none"

    async def publish(self, parcel: Parcel) -> None:
        """Gone."""

    async def subscribe(self, queue: QueueSpec, consumer: Consumer) -> Any:
        """The benchmark delivers by itself."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to give up."""


class Delivery:
    """One parcel, delivered as often as one likes."""

    tag = 1
    redelivered = False

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel

    async def ack(self) -> None:
        """Nobody waits for it."""

    async def reject(self, *, requeue: bool) -> None:  # noqa: ARG002 - as the port has it
        """Never happens here."""
        raise AssertionError("a delivery was rejected")


def microseconds(act: Callable[[], Any], calls: int = 200) -> float:
    """The least time of one call."""

    def batch() -> float:
        began = time.perf_counter()
        for _ in range(calls):
            act()
        return (time.perf_counter() - began) / calls * 1e6

    return min(batch() for _ in range(BATCHES))


async def awaited(act: Callable[[], Awaitable[Any]], calls: int = 40) -> float:
    """The least time of one awaited call."""

    async def batch() -> float:
        await asyncio.sleep(0)  # lets the loop forget the deadlines of the last batch
        began = time.perf_counter()
        for _ in range(calls):
            await act()
        return (time.perf_counter() - began) / calls * 1e6

    return min([await batch() for _ in range(BATCHES)])


def codec() -> None:
    """Encode, decode and validate."""
    task = message()
    body = CODEC.encode(task)
    fields = json.loads(body)
    payload = len(json.dumps(fields["payload"], separators=(",", ":")))
    print(f"message: {len(body)} bytes, of which {payload} payload")
    print(f"  encode                        {microseconds(lambda: CODEC.encode(task)):6.1f}")
    print(f"  decode and validate           {microseconds(lambda: CODEC.decode(body)):6.1f}")
    both = microseconds(lambda: CODEC.decode(CODEC.encode(task)))
    print(f"  both                          {both:6.1f}  (at most 12)")
    bare = microseconds(lambda: json.loads(json.dumps(fields).encode()))
    print(f"  json both ways, unvalidated   {bare:6.1f}")


async def handler() -> None:
    """One task of the content creation agent."""
    provider = build_provider(TracingSettings())  # spans are made, and go nowhere
    guard = build_policy("broker", PRODUCTION_POLICIES["broker"], clock=CLOCK, randomness=Random(1))
    agent = AgentFactory.create_agent(
        ContentCreationAgent,
        agent_id="content-creation-agent",
        message_broker=Broker(),
        cache=InMemoryCache(CLOCK),
        circuit_breaker=guard,
        tracer=OpenTelemetryTracer(provider),
    )
    task = MessageFactory("client", clock=CLOCK, randomness=Random(2)).task(
        "score_variation",
        ScoreVariation(
            control=VariationCounts(label="A", impressions=1000, conversions=50),
            challenger=VariationCounts(label="B", impressions=1000, conversions=80),
        ),
        reply_to="answers",
        timeout_seconds=3600,
    )
    origin = f"00-{'a' * 32}-{'b' * 16}-01"
    delivery = Delivery(
        Parcel(
            "umt.tasks",
            "content-creation.score_variation",
            CODEC.encode(task),
            message_id=str(task.message_id),
            headers={"traceparent": origin},
        )
    )
    bare = await awaited(lambda: agent.score_variation(task, task.payload))
    whole = await awaited(lambda: agent._receive(delivery))
    print("handler: score_variation")
    print(f"  bare                          {bare:6.1f}")
    print(f"  as a delivery                 {whole:6.1f}")
    print(f"  overhead                      {whole - bare:6.1f}  (at most 150)")


if __name__ == "__main__":
    codec()
    asyncio.run(handler())
