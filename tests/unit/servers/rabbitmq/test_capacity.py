"""A broker that is not infinitely fast, in virtual time: who waits, how long, and for what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from pamqp import commands

from tests.conformance.rabbitmq.raw_client import RawClient
from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import MessageEvent, MessageFate
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Station
from umt_sim.servers.rabbitmq import RABBITMQ_3_13, RabbitMQ


class Slow:
    """
    A broker with a station, and the journal of what it did.

    Args:
        kernel: Its virtual time.
        workers: At the station.
        service: Seconds of each operation; what is not named takes no time.
        settings: More of the station's.
    """

    def __init__(
        self, kernel: Kernel, *, workers: int, service: dict[str, float], **settings: Any
    ) -> None:
        self.loop = kernel.loop
        self.clients = AsyncExitStack()
        self.recorder = Recorder(kernel.loop.time)
        station = Station(
            kernel.env,
            name="rabbitmq",
            workers=workers,
            service={name: Constant(seconds) for name, seconds in service.items()},
            default=Constant(0.0),
            stream=Random(1),
            recorder=self.recorder,
            **settings,
        )
        self.broker = RabbitMQ(
            rules=RABBITMQ_3_13,
            stream=Random(1),
            wall_clock=lambda: datetime.now(UTC),
            capacity=station,
            recorder=self.recorder,
        )

    async def client(self, *channels: int, confirming: bool = True) -> RawClient:
        """A client with *channels* open."""
        client = RawClient("127.0.0.1", self.broker.port)
        self.clients.push_async_callback(client.close)
        await client.open(*channels)
        for channel in channels if confirming else ():
            client.send(channel, commands.Confirm.Select())
            await client.expect(commands.Confirm.SelectOk)
        return client

    def times(self, fate: MessageFate) -> list[float]:
        """When messages met *fate*."""
        return [event.at for event in self.recorder.so_far(MessageEvent) if event.fate is fate]


def in_virtual_time(
    body: Callable[[Slow], Awaitable[None]],
    *,
    workers: int = 1,
    service: dict[str, float],
    **settings: Any,
) -> None:
    """Run *body* with a started broker."""
    with Kernel(seed=7) as kernel:
        Network(kernel)
        slow = Slow(kernel, workers=workers, service=service, **settings)

        async def main() -> None:
            await slow.broker.start("127.0.0.1", 0)
            async with slow.clients:
                await body(slow)
            await slow.broker.stop()

        kernel.run(main())


async def declared(client: RawClient, name: str = "q") -> None:
    """Make a queue."""
    client.send(1, commands.Queue.Declare(queue=name))
    await client.expect(commands.Queue.DeclareOk)


async def confirms(client: RawClient, count: int, slow: Slow) -> list[tuple[int, float]]:
    """Tags and moments of the next confirms."""
    found = []
    for _ in range(count):
        ack = await client.expect(commands.Basic.Ack)
        found.append((ack.delivery_tag, slow.loop.time()))
    return found


def test_publishes_of_a_channel_are_served_one_after_the_other() -> None:
    """Three messages of 10 ms each are confirmed at 10, 20 and 30 ms."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1)
        await declared(client)
        for _ in range(3):
            client.publish(1, "", "q", b"x")
        assert await confirms(client, 3, slow) == [(1, 0.01), (2, 0.02), (3, 0.03)]

    in_virtual_time(body, workers=8, service={"publish": 0.01})


def test_channels_share_the_workers() -> None:
    """Two channels and two workers take the time of one; a third channel waits."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1, 2, 3)
        await declared(client)
        for channel in (1, 2, 3):
            client.publish(channel, "", "q", b"x")
        moments = [moment for _, moment in await confirms(client, 3, slow)]
        assert moments == [0.01, 0.01, 0.02]

    in_virtual_time(body, workers=2, service={"publish": 0.01})


def test_deliveries_take_their_time() -> None:
    """A consumer gets a message every 5 ms; replies of its channel stay in order."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1)
        await declared(client)
        for _ in range(3):
            client.publish(1, "", "q", b"x")
        await confirms(client, 3, slow)
        client.send(1, commands.Basic.Consume(queue="q", no_ack=True))
        await client.expect(commands.Basic.ConsumeOk)
        for _ in range(3):
            await client.expect_delivery()
        assert slow.times(MessageFate.DELIVERED) == [0.005, 0.01, 0.015]
        assert slow.times(MessageFate.ACKED) == [0.005, 0.01, 0.015]

    in_virtual_time(body, workers=1, service={"deliver": 0.005})


def test_acks_take_their_time() -> None:
    """With prefetch 1 a slow ack delays the next delivery."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1)
        await declared(client)
        client.send(1, commands.Basic.Qos(0, 1))
        await client.expect(commands.Basic.QosOk)
        for _ in range(2):
            client.publish(1, "", "q", b"x")
        await confirms(client, 2, slow)
        client.send(1, commands.Basic.Consume(queue="q"))
        await client.expect(commands.Basic.ConsumeOk)
        await client.expect_delivery()
        client.send(1, commands.Basic.Ack(1))
        await client.expect_delivery()
        assert slow.times(MessageFate.DELIVERED) == [0.0, 0.25]

    in_virtual_time(body, workers=1, service={"ack": 0.25})


def test_lost_client_has_published_all_the_same() -> None:
    """What the broker had read when the connection broke is worked off."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1)
        await declared(client)
        for _ in range(3):
            client.publish(1, "", "q", b"x")
        await asyncio.sleep(0.005)
        await client.close()
        await asyncio.sleep(1)
        assert slow.times(MessageFate.PUBLISHED) == pytest.approx([0.01, 0.02, 0.03])

    in_virtual_time(body, service={"publish": 0.01})


def test_close_is_answered_when_all_is_done() -> None:
    """connection.close-ok comes after the effects, and the confirms, of all that came before."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1)
        await declared(client)
        for _ in range(3):
            client.publish(1, "", "q", b"x")
        client.send(0, commands.Connection.Close(200, "bye", 0, 0))
        assert await confirms(client, 3, slow) == [(1, 0.01), (2, 0.02), (3, 0.03)]
        await client.expect(commands.Connection.CloseOk)
        assert slow.loop.time() == 0.03

    in_virtual_time(body, service={"publish": 0.01})


def test_error_ends_what_waits_behind_it() -> None:
    """After a refused operation the channel does nothing more, soft error or hard."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1)
        await declared(client)
        client.publish(1, "nowhere", "q", b"x")
        client.publish(1, "", "q", b"x")
        assert (await client.closed_channel())[0] == 404
        client.send(1, commands.Channel.CloseOk(), commands.Channel.Open())
        await client.expect(commands.Channel.OpenOk)
        client.send(1, commands.Channel.Flow(active=False))
        client.publish(1, "", "q", b"x")
        assert (await client.closed_connection())[0] == 540
        await asyncio.sleep(1)
        assert slow.times(MessageFate.PUBLISHED) == []

    in_virtual_time(body, service={"publish": 0.01})


def test_queue_keeps_what_the_channel_cannot_send_yet() -> None:
    """Without a prefetch limit, 200 deliveries wait at the channel and the rest in the queue."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1, confirming=False)
        await declared(client)
        for _ in range(500):
            client.publish(1, "", "q", b"x")
        await client.becomes_ready(1, "q", 500)
        client.send(1, commands.Basic.Consume(queue="q", nowait=True))
        await asyncio.sleep(0.001)
        queue = slow.broker.hosts["/"].queues["q"]
        assert (queue.ready, queue.unacked) == (300, 200)
        await asyncio.sleep(10)
        assert (queue.ready, queue.unacked) == (0, 500)

    in_virtual_time(body, service={"deliver": 0.01})


def test_crash_forgets_what_was_under_way() -> None:
    """Nothing that waited or was being served has an effect."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1)
        await declared(client)
        for _ in range(3):
            client.publish(1, "", "q", b"x")
        await asyncio.sleep(0.015)
        port = slow.broker.port
        slow.broker.crash()
        assert await client.receive() is not None  # the first confirm was on its way
        assert await client.receive() is None
        await slow.broker.start("127.0.0.1", port)
        await asyncio.sleep(1)
        assert slow.times(MessageFate.PUBLISHED) == [0.01]

    in_virtual_time(body, service={"publish": 0.01})


def test_connection_that_is_ahead_is_not_read() -> None:
    """After 400 waiting operations the broker reads no further until half are done."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1)
        await declared(client)
        (connection,) = slow.broker._connections
        for _ in range(2_000):
            client.publish(1, "", "q", bytes(1000))
        await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        assert connection._reading.stopped
        assert 0 < connection.channels[1].waiting < 1_000
        await asyncio.sleep(3)
        assert not connection._reading.stopped
        assert len(slow.times(MessageFate.PUBLISHED)) == 2_000

    in_virtual_time(body, service={"publish": 0.001})


def test_full_station_closes_the_connection() -> None:
    """A station with a limited queue refuses: 506, for RabbitMQ itself knows no such refusal."""

    async def body(slow: Slow) -> None:
        client = await slow.client(1, 2, 3)
        await declared(client)
        for channel in (1, 2, 3):
            client.publish(channel, "", "q", b"x")
        code, text, *_ = await client.closed_connection()
        assert code == 506
        assert text.startswith("RESOURCE_ERROR - no room for publish")

    in_virtual_time(body, service={"publish": 1.0}, queue_limit=1)


def test_two_runs_are_one() -> None:
    """The same seed gives the same journal, names included."""

    def once() -> Iterable[object]:
        rows: list[object] = []

        async def body(slow: Slow) -> None:
            client = await slow.client(1, 2)
            client.send(1, commands.Queue.Declare(exclusive=True))
            name = (await client.expect(commands.Queue.DeclareOk)).queue
            rows.append(name)
            for channel in (1, 2, 1):
                client.publish(channel, "", name, b"x")
            await confirms(client, 3, slow)
            rows.extend(slow.recorder.so_far(MessageEvent))

        in_virtual_time(body, workers=2, service={"publish": 0.01})
        return rows

    assert once() == once()
