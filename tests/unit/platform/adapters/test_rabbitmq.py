"""The message broker on RabbitMQ: deliveries, consumers, and connections that are not to be had."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import aio_pika
import pytest

from tests.fakes.stage import Stage, on_stage
from umt_sim.platform.adapters.rabbitmq import RabbitMQMessageBroker
from umt_sim.platform.errors import PortTimeout, PortUnavailable, Unroutable
from umt_sim.platform.ports.message_broker import Delivery, Parcel, QueueSpec
from umt_sim.servers.postgres import Engine

HELLO = Parcel("umt.events", "hello", b"{}", message_id="m1")


def test_headers_of_a_stranger_are_moved_as_they_are(engine: Engine) -> None:
    """What the driver reads it must write: also text that is no UTF-8, in a table in a list."""

    async def play(stage: Stage) -> None:
        broker = RabbitMQMessageBroker(stage.config)
        arrived: asyncio.Queue[Delivery] = asyncio.Queue()
        await broker.subscribe(QueueSpec("work"), arrived.put)
        headers = {"raw": b"\xff", "list": [{"raw": b"\xfe"}], "whole": -1, "none": None}
        await broker.publish(Parcel("", "work", b"{}", message_id="m1", headers=headers))
        delivery = await arrived.get()
        assert headers == delivery.parcel.headers
        await broker.publish(replace(delivery.parcel, exchange=""))
        assert headers == (await arrived.get()).parcel.headers
        await broker.close()

    on_stage(engine, play)


def test_a_mandatory_parcel_needs_a_queue(engine: Engine) -> None:
    """What no queue wants is an error for its publisher, if it must arrive."""

    async def play(stage: Stage) -> None:
        broker = RabbitMQMessageBroker(stage.config)
        await broker.publish(HELLO)
        parcel = Parcel("umt.events", "hello", b"{}", message_id="m1", mandatory=True)
        with pytest.raises(Unroutable) as caught:
            await broker.publish(parcel)
        said = "broker: publish umt.events:hello did not happen: no queue wants it"
        assert said == str(caught.value)
        await broker.close()

    on_stage(engine, play)


def test_a_consumer_outlives_the_connection(engine: Engine) -> None:
    """A handler at work when the connection breaks finishes; its delivery comes again."""

    async def play(stage: Stage) -> None:
        broker = RabbitMQMessageBroker(stage.config)
        seen: list[tuple[str, bool]] = []

        async def consume(delivery: Delivery) -> None:
            seen.append(("begins", delivery.redelivered))
            await asyncio.sleep(2)
            seen.append(("ends", delivery.redelivered))
            try:
                await delivery.ack()
            except (PortUnavailable, PortTimeout):
                seen.append(("cannot ack", delivery.redelivered))

        await broker.subscribe(QueueSpec("work"), consume)
        await broker.publish(Parcel("", "work", b"{}", message_id="m1"))
        await asyncio.sleep(1)
        stage.proxies["rabbitmq"].disable()
        await asyncio.sleep(0.5)
        stage.proxies["rabbitmq"].enable()
        await asyncio.sleep(10)
        assert [
            ("begins", False),
            ("ends", False),
            ("cannot ack", False),
            ("begins", True),
            ("ends", True),
        ] == sorted(seen, key=lambda entry: (entry[1], 0))
        await broker.close()

    on_stage(engine, play)


def test_an_attempt_that_fails_leaves_nothing_behind(engine: Engine) -> None:
    """An exchange of another type is no reason to keep a connection that comes back for ever."""

    async def play(stage: Stage) -> None:
        settings = stage.config.rabbitmq
        stranger = await aio_pika.connect(host=settings.host)
        channel = await stranger.channel()
        await channel.declare_exchange("umt.tasks", "direct", durable=True)
        broker = RabbitMQMessageBroker(stage.config)
        connections = stage.servers["rabbitmq"]._connections
        for _ in range(3):
            with pytest.raises(PortUnavailable, match="PRECONDITION_FAILED"):
                await broker.publish(HELLO)
            await asyncio.sleep(2)
            assert 1 == len(connections)
        await channel.exchange_delete("umt.tasks")
        await broker.publish(HELLO)
        assert 2 == len(connections)
        await broker.close()
        await stranger.close()

    on_stage(engine, play)


def test_an_attempt_that_nobody_waits_for_any_more_ends(engine: Engine) -> None:
    """A connection whose opening was cancelled does not go on trying by itself."""

    async def play(stage: Stage) -> None:
        broker = RabbitMQMessageBroker(stage.config)
        here = stage.here
        stage.network.latency("rabbitmq", here, 1.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await broker.publish(HELLO)
        stage.network.latency("rabbitmq", here, 0.0)
        await asyncio.sleep(60)
        connections = stage.servers["rabbitmq"]._connections
        assert 0 == len(connections)
        await broker.publish(HELLO)
        assert 1 == len(connections)
        await broker.close()

    on_stage(engine, play)


def test_an_error_of_a_consumer_reaches_the_hook(engine: Engine) -> None:
    """What a consumer raises is reported with the queue's name, and the next parcel is taken."""

    async def play(stage: Stage) -> None:
        errors: list[tuple[str, BaseException]] = []
        broker = RabbitMQMessageBroker(
            stage.config, on_error=lambda where, error: errors.append((where, error))
        )

        async def consume(delivery: Delivery) -> None:
            await delivery.ack()
            raise KeyError(delivery.parcel.message_id)

        await broker.subscribe(QueueSpec("work"), consume)
        for name in ("m1", "m2"):
            await broker.publish(Parcel("", "work", b"{}", message_id=name))
        await asyncio.sleep(1)
        assert [("consumer of work", "'m1'"), ("consumer of work", "'m2'")] == [
            (where, str(error)) for where, error in errors
        ]
        await broker.close()

    on_stage(engine, play)


def test_no_more_than_the_prefetch_is_handled_at_once(engine: Engine) -> None:
    """With a prefetch of three, ten parcels are never more than three in hand."""

    async def play(stage: Stage) -> None:
        broker = RabbitMQMessageBroker(stage.config)
        running: list[int] = [0]
        most: list[int] = [0]

        async def consume(delivery: Delivery) -> None:
            running[0] += 1
            most[0] = max(most[0], running[0])
            await asyncio.sleep(1)
            running[0] -= 1
            await delivery.ack()

        await broker.subscribe(QueueSpec("work", prefetch=3), consume)
        for number in range(10):
            await broker.publish(Parcel("", "work", b"{}", message_id=f"m{number}"))
        await asyncio.sleep(20)
        assert 3 == most[0]
        await broker.close()

    on_stage(engine, play)


def test_a_delayed_parcel_comes_back_when_its_time_is_up(engine: Engine) -> None:
    """What is put into the delay queue of the second attempt returns after five seconds."""

    async def play(stage: Stage) -> None:
        broker = RabbitMQMessageBroker(stage.config)
        spec = QueueSpec("work", delays_seconds=(1.0, 5.0))
        arrived: list[float] = []

        async def consume(delivery: Delivery) -> None:
            arrived.append(stage.now())
            await delivery.ack()

        await broker.subscribe(spec, consume)
        began = stage.now()
        await broker.publish(Parcel("", spec.delay_queue(2), b"{}", message_id="m1"))
        await asyncio.sleep(10)
        assert [5.0] == [round(moment - began, 6) for moment in arrived]
        await broker.close()

    on_stage(engine, play)
