"""Deliveries that nobody settles cost their channel, at RabbitMQ's minute."""

from dataclasses import replace

from pamqp import commands

from tests.conformance.rabbitmq.raw_client import content
from tests.unit.servers.rabbitmq.timeline import Client, Timeline, new_host
from tests.unit.servers.rabbitmq.wire import SmallBroker, Wire
from umt_sim.servers.rabbitmq import RABBITMQ_3_13, RABBITMQ_4

HALF_AN_HOUR = 1800.0


def test_a_channel_that_does_not_acknowledge_is_closed() -> None:
    """Half an hour after delivery it counts as lost, at the next look of the channel."""
    timeline = Timeline()
    client = Client(new_host(timeline))
    queue = client.declare()
    timeline.advance(10)
    client.publish("q", b"x")
    client.consume(queue, "c")
    timeline.advance(HALF_AN_HOUR + 49.999)
    assert (client.overdue_after, queue.unacked) == (None, 1)
    timeline.advance(0.001)
    assert (client.overdue_after, queue.unacked, queue.ready) == (HALF_AN_HOUR, 0, 1)


def test_the_oldest_delivery_counts() -> None:
    """Who acknowledges in time may always owe something."""
    timeline = Timeline()
    client = Client(new_host(timeline))
    client.consume(client.declare(), "c")
    for tag in range(1, 10):
        client.publish("q", b"x")
        timeline.advance(800)
        if tag > 1:
            client.session.ack(tag - 1, multiple=False)
    assert client.overdue_after is None
    timeline.advance(HALF_AN_HOUR)
    assert client.overdue_after == HALF_AN_HOUR


def test_settled_deliveries_owe_nothing() -> None:
    """Acknowledged at the last moment, taken with no-ack, or under RabbitMQ 4: no deadline."""
    timeline = Timeline()
    prompt, careless = Client(new_host(timeline)), Client(new_host(timeline))
    patient = Client(new_host(timeline, rules=RABBITMQ_4))
    prompt.consume(prompt.declare(), "c")
    careless.consume(careless.declare(), "c", no_ack=True)
    patient.consume(patient.declare(), "c")
    for client in (prompt, careless, patient):
        client.publish("q", b"x")
    timeline.advance(HALF_AN_HOUR)
    prompt.session.ack(1, multiple=False)
    timeline.advance(10 * HALF_AN_HOUR)
    assert [None, None, None] == [c.overdue_after for c in (prompt, careless, patient)]


def test_the_time_is_a_rule() -> None:
    """Other times are rules of one's own, counted for messages taken one by one as well."""
    timeline = Timeline()
    client = Client(new_host(timeline, rules=replace(RABBITMQ_3_13, delivery_timeout=90.0)))
    queue = client.declare()
    client.publish("q", b"x")
    client.session.get(queue, no_ack=False)
    timeline.advance(119.999)
    assert client.overdue_after is None
    timeline.advance(0.001)
    assert client.overdue_after == 90.0


def test_the_channel_is_told() -> None:
    """In RabbitMQ's words, about no method of the client's; the connection lives on."""
    broker = SmallBroker()
    wire = Wire(broker).open(1)
    wire.send(1, commands.Queue.Declare(queue="q"), commands.Basic.Publish(routing_key="q"))
    wire.say(content(1, b"x"))
    wire.send(1, commands.Basic.Get(queue="q"))
    wire.frames()
    broker.loop.advance(HALF_AN_HOUR + 60)
    broker.flush()
    (close,) = wire.frames()
    assert (close.reply_code, close.class_id, close.method_id) == (406, 0, 0)
    assert close.reply_text == (
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value"
        " used: 1800000 ms. This timeout value can be configured, see consumers doc guide to learn"
        " more"
    )
    assert not wire.closed
