"""
An outage that queues traffic: afterwards the backlog drains at the capacity that is left over.

A fluid of rate lam meets a server of rate cap that stands still for D seconds: lam D wait at
the end of it, they and who comes after them are through D lam / (cap - lam) seconds later, the
first waits D, and lam (D + drain) are late in all, by D / 2 on average.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from tests.ground_truth.cases import Draws, cases_of, mean, virtually
from umt_sim.faults.actions import Hold
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import QueueSample
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.rabbitmq import RabbitMQ

MANY = 10  # runs of a campaign
OUTAGE_AT = 20.0


@dataclass
class Outage:
    """
    What was seen of an outage.

    Attributes:
        passed: When each job came and when its service began, in the order they came.
        over: When the outage ended.
        gone: When the backlog was gone.
    """

    over: float
    gone: float | None = None
    passed: list[tuple[float, float]] = field(default_factory=list)

    def note(self, came: float, began: float) -> None:
        """The service of a job begins; the first that did not wait ends the drain."""
        self.passed.append((came, began))
        if self.gone is None and came > self.over and began == came:
            self.gone = came

    def metrics(self) -> dict[str, float]:
        """Backlog at the end of the outage, its drain, and the delays until it was gone."""
        assert self.gone is not None
        waiting = [came for came, began in self.passed if came < self.over <= began]
        late = [began - came for came, began in self.passed if OUTAGE_AT <= came < self.gone]
        return {
            "backlog": len(waiting),
            "drain": self.gone - self.over,
            "max_delay": max(late),
            "mean_delay": mean(late),
            "affected": len(late),
        }


Job = Callable[[], Coroutine[Any, Any, None]]


async def load(draws: Draws, job: Job, rate: float, seen: Outage) -> None:
    """Send jobs at random until the backlog is gone."""
    gap = draws.exponential("arrivals", rate)
    async with asyncio.TaskGroup() as group:
        while seen.gone is None:
            await asyncio.sleep(gap())
            group.create_task(job())


@asynccontextmanager
async def held(
    network: Network, left: str, right: str, at: float, until: float
) -> AsyncIterator[None]:
    """Keep every packet between two hosts from one moment to another."""

    async def hold() -> None:
        await asyncio.sleep(at - network.now())
        network.begin("outage", Hold(left=left, right=right))
        await asyncio.sleep(until - network.now())
        network.end("outage")

    holding = asyncio.create_task(hold())
    yield
    await holding


def behind_a_broker(queue: str, number: int) -> Outage:
    """The broker keeps what its consumer cannot get: aio-pika, one message at a time."""
    params = next(iter(cases_of(queue).values())).params
    draws = Draws(queue, number)
    service = draws.exponential("service", params["cap"])
    seen = Outage(over=OUTAGE_AT + params["D"])

    async def play(kernel: Kernel, network: Network) -> None:
        recorder = Recorder(kernel.loop.time)
        broker = RabbitMQ(
            stream=draws.stream("names"), wall_clock=lambda: datetime.now(UTC), recorder=recorder
        )
        await network.host("broker").run(broker.start("broker", 5672))
        url = "amqp://guest:guest@broker:5672/?heartbeat=600"
        clock = kernel.loop.time

        async def handle(message: AbstractIncomingMessage) -> None:
            seen.note(float(message.body), clock())
            await asyncio.sleep(service())
            await message.ack()

        async def consumer() -> None:
            async with await aio_pika.connect(url) as connection:
                channel = await connection.channel()
                await channel.set_qos(1)
                work = await channel.declare_queue("work", durable=True)
                await work.consume(handle)
                await asyncio.Event().wait()

        consuming = network.host("consumer").run(consumer())
        await asyncio.sleep(1)
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel(publisher_confirms=False)

            async def job() -> None:
                message = aio_pika.Message(repr(clock()).encode())
                await channel.default_exchange.publish(message, "work")

            async with held(network, "broker", "consumer", OUTAGE_AT, seen.over):
                await load(draws, job, params["lam"], seen)
        consuming.cancel()
        await asyncio.gather(consuming, return_exceptions=True)
        await broker.stop()
        samples = recorder.so_far(QueueSample)
        *_, at_the_end = (sample.ready for sample in samples if sample.at <= seen.over)
        # The sample may be 100 ms old, and a message is on its way to the consumer.
        assert at_the_end == pytest.approx(seen.metrics()["backlog"], rel=0.02)

    virtually(play)
    return seen


@pytest.mark.parametrize("queue", ["Q26", pytest.param("Q28", marks=pytest.mark.campaign)])
def test_a_backlog_drains_as_a_fluid_does(queue: str, campaign: bool) -> None:
    """Backlog, drain, delays and the number of those affected, of 80 % and of 95 % load."""
    runs = [behind_a_broker(queue, number).metrics() for number in range(MANY if campaign else 1)]
    for metric, case in cases_of(queue).items():
        case.check(mean([found[metric] for found in runs]), len(runs))
