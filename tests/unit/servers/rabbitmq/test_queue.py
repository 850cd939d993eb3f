"""Queues without a wire: order, limits and time, to the nanosecond."""

import pytest

from tests.unit.servers.rabbitmq.timeline import Client, Timeline, new_host, new_message
from umt_sim.servers.rabbitmq.core.virtual_host import Published
from umt_sim.servers.rabbitmq.errors import AmqpError


@pytest.fixture
def timeline() -> Timeline:
    return Timeline()


@pytest.fixture
def client(timeline: Timeline) -> Client:
    return Client(new_host(timeline))


def test_messages_expire_exactly(timeline: Timeline, client: Client) -> None:
    """A time to live of 250 ms ends 250 ms after arrival, neither before nor later."""
    queue = client.declare(message_ttl=250)
    timeline.advance(1)
    client.publish("q", b"x")
    timeline.advance(0.249_999)
    assert queue.ready == 1
    timeline.advance(0.000_001)
    assert queue.ready == 0


def test_head_with_a_longer_life_holds_the_others(timeline: Timeline, client: Client) -> None:
    """Expiry looks at the head only; behind it, time is up when the head has gone."""
    queue = client.declare()
    host = client.host
    host.publish(host.exchange(""), new_message(b"long", expiration="1000"))
    host.publish(host.exchange(""), new_message(b"short", expiration="10"))
    timeline.advance(0.999)
    assert queue.ready == 2
    timeline.advance(0.001)
    assert queue.ready == 0


def test_age_is_that_of_the_head(timeline: Timeline, client: Client) -> None:
    """The oldest ready message gives the queue its age."""
    queue = client.declare()
    assert queue.age(timeline.now) is None
    client.publish("q", b"1")
    timeline.advance(2)
    client.publish("q", b"2")
    timeline.advance(3)
    assert queue.age(timeline.now) == 5
    queue.get(no_ack=True)
    assert queue.age(timeline.now) == 3


def test_unused_queue_goes(timeline: Timeline, client: Client) -> None:
    """x-expires counts from the last use; declaring and getting are uses."""
    queue = client.declare(expires=1000)
    timeline.advance(0.9)
    client.declare(expires=1000)
    timeline.advance(0.9)
    queue.get(no_ack=True)
    timeline.advance(0.999)
    assert "q" in client.host.queues
    timeline.advance(0.001)
    assert "q" not in client.host.queues


def test_consumers_keep_a_queue(timeline: Timeline, client: Client) -> None:
    """While consumed it does not go; its life begins again when the last consumer leaves."""
    queue = client.declare(expires=1000)
    client.consume(queue, "c")
    timeline.advance(10)
    assert "q" in client.host.queues
    client.session.cancel("c")
    timeline.advance(1)
    assert "q" not in client.host.queues


def test_round_robin(client: Client) -> None:
    """Consumers take turns in the order they came."""
    queue = client.declare()
    for tag in ("a", "b"):
        client.consume(queue, tag)
    client.publish("q", b"1", b"2", b"3")
    assert [(tag, number) for tag, number, _ in client.received] == [("a", 1), ("b", 2), ("a", 3)]


def test_ack_lets_the_next_one_come(client: Client) -> None:
    """Prefetch bounds what is unsettled; each ack makes room for one."""
    queue = client.declare()
    client.session.limit_prefetch(2, per_channel=False)
    client.consume(queue, "c")
    client.publish("q", b"1", b"2", b"3")
    assert (queue.ready, queue.unacked) == (1, 2)
    client.session.ack(1, multiple=False)
    assert client.bodies() == [b"1", b"2", b"3"]
    assert (queue.ready, queue.unacked) == (0, 2)


def test_rejecting_frees_before_it_returns(client: Client) -> None:
    """A consumer of prefetch 1 that returns its message is offered it again at once."""
    queue = client.declare()
    client.session.limit_prefetch(1, per_channel=False)
    client.consume(queue, "c")
    client.publish("q", b"1", b"2")
    client.session.reject(1, multiple=False, requeue=True, by_nack=False)
    assert client.bodies() == [b"1", b"1"]
    assert client.received[-1][2].redelivered


def test_unreadable_client_gets_nothing(client: Client) -> None:
    """Deliveries stop while the connection cannot take more, even without acks."""
    queue = client.declare()
    client.consume(queue, "c", no_ack=True)
    client.session.set_writable(writable=False)
    client.publish("q", b"1", b"2")
    assert client.bodies() == []
    client.session.set_writable(writable=True)
    assert client.bodies() == [b"1", b"2"]


def test_closing_returns_in_order(client: Client) -> None:
    """What a closing channel had not settled is in its old place again."""
    queue = client.declare()
    client.publish("q", b"1", b"2", b"3")
    client.consume(queue, "c")
    client.session.ack(2, multiple=False)
    client.session.close()
    other = Client(client.host)
    other.consume(queue, "d")
    assert other.bodies() == [b"1", b"3"]


def test_full_queue_refuses(client: Client) -> None:
    """reject-publish refuses beyond the limit; what is delivered takes no room."""
    queue = client.declare(max_length=1, overflow="reject-publish")
    assert client.publish("q", b"1") is Published.QUEUED
    assert client.publish("q", b"2") is Published.REFUSED
    client.consume(queue, "c")
    assert client.publish("q", b"3") is Published.QUEUED
    assert client.bodies() == [b"1", b"3"]


def test_returned_message_can_be_the_one_too_many(client: Client) -> None:
    """Coming back to a full queue, the head is dropped, here the returned one itself."""
    queue = client.declare(max_length=1)
    client.publish("q", b"1")
    tag, _ = client.session.get(queue, no_ack=False) or (0, None)
    client.publish("q", b"2")
    client.session.reject(tag, multiple=False, requeue=True, by_nack=True)
    entry = queue.get(no_ack=True)
    assert entry is not None
    assert entry.message.body == b"2"


def test_delivery_limit_counts_returns(client: Client) -> None:
    """With a limit of 1 the second return gives the message up."""
    queue = client.declare(queue_type="quorum", delivery_limit=1)
    client.publish("q", b"x")
    for expected in (1, 0):
        tag, _ = client.session.get(queue, no_ack=False) or (0, None)
        client.session.reject(tag, multiple=False, requeue=True, by_nack=False)
        assert queue.ready == expected


def test_deleted_queue_tells_its_consumers(client: Client) -> None:
    """Consumers hear of it once; their tags are free again."""
    queue = client.declare()
    client.consume(queue, "c")
    client.host.delete_queue(queue)
    assert client.cancelled == ["c"]
    client.consume(client.declare(), "c")


def test_single_active_consumer_has_a_successor(client: Client) -> None:
    """The next in line gets what waits as soon as the active one leaves."""
    queue = client.declare(single_active_consumer=True)
    client.session.limit_prefetch(1, per_channel=False)
    other = Client(client.host)
    client.consume(queue, "first")
    other.consume(queue, "second")
    client.publish("q", b"1", b"2")
    assert (client.bodies(), other.bodies()) == ([b"1"], [])
    client.session.close()
    assert other.bodies() == [b"1", b"2"]


def test_exclusive_queue_is_locked(client: Client) -> None:
    """Only its owner finds it."""
    client.declare(exclusive=True)
    with pytest.raises(AmqpError, match="405 RESOURCE_LOCKED"):
        client.host.queue("q", Client(client.host))


def test_restart_keeps_what_is_durable(client: Client) -> None:
    """Persistent messages stay, transient ones are lost."""
    queue = client.declare()
    host = client.host
    for body, persistent in ((b"1", True), (b"2", False)):
        host.publish(host.exchange(""), new_message(body, persistent=persistent))
    host.go_down()
    assert queue.ready == 1
    entry = queue.get(no_ack=True)
    assert entry is not None
    assert entry.message.body == b"1"


def test_nothing_expires_while_the_node_is_down(timeline: Timeline, client: Client) -> None:
    """What expired meanwhile goes when the node is back, and lives unused begin anew."""
    queue = client.declare(message_ttl=100, expires=1000)
    client.publish("q", b"x")
    client.host.go_down()
    timeline.advance(5)
    assert queue.ready == 1
    client.host.come_up()
    assert queue.ready == 0
    timeline.advance(0.999)
    assert "q" in client.host.queues
    timeline.advance(0.001)
    assert "q" not in client.host.queues
