"""What the journal hears of messages and queues."""

import pytest

from tests.unit.servers.rabbitmq.timeline import Client, Timeline, new_host, new_message
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import MessageEvent, MessageFate, QueueSample
from umt_sim.servers.rabbitmq.core.ledger import Recorded


class Journal:
    """A client of a broker that writes everything down."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.recorder = Recorder(self.timeline.time)
        ledger = Recorded("rabbitmq", self.recorder, self.timeline)
        self.client = Client(new_host(self.timeline, ledger=ledger))

    def fates(self) -> list[str]:
        """The fates until now."""
        return [event.fate.value for event in self.recorder.so_far(MessageEvent)]

    def lengths(self) -> list[tuple[float, int, int, int]]:
        """The samples until now: time, ready, unacknowledged, consumers."""
        samples = self.recorder.so_far(QueueSample)
        return [(s.at, s.ready, s.unacked, s.consumers) for s in samples]


@pytest.fixture
def journal() -> Journal:
    return Journal()


def test_life_of_a_message(journal: Journal) -> None:
    """Published, delivered, returned, delivered again, acknowledged."""
    client = journal.client
    queue = client.declare()
    client.publish("q", b"x")
    client.consume(queue, "c")
    client.session.reject(1, multiple=False, requeue=True, by_nack=True)
    client.session.ack(2, multiple=False)
    expected = ["published", "delivered", "requeued", "delivered", "acked"]
    assert journal.fates() == expected


def test_event_says_which_message(journal: Journal) -> None:
    """Id, exchange, key, queue, size and whether it had been delivered before."""
    client = journal.client
    queue = client.declare()
    journal.timeline.advance(1.5)
    message = new_message(b"12345", message_id="m-1")
    client.host.publish(client.host.exchange(""), message)
    client.session.get(queue, no_ack=True)
    published, delivered, acked = journal.recorder.so_far(MessageEvent)
    assert published == MessageEvent(
        1.5, MessageFate.PUBLISHED, "m-1", "", "q", "q", redelivered=False, size=5
    )
    assert (delivered.fate, acked.fate) == (MessageFate.DELIVERED, MessageFate.ACKED)


def test_unroutable(journal: Journal) -> None:
    """A message no queue wants belongs to none."""
    journal.client.publish("nowhere", b"x")
    (event,) = journal.recorder.so_far(MessageEvent)
    assert (event.fate, event.queue) == (MessageFate.UNROUTABLE, "")


@pytest.mark.parametrize(
    ("arguments", "fate"),
    [
        ({}, "expired"),
        ({"dead_letter_exchange": "amq.fanout"}, "dead_lettered"),
    ],
)
def test_expired(journal: Journal, arguments: dict[str, str], fate: str) -> None:
    """With a dead-letter exchange it is dead-lettered, without one it expires."""
    journal.client.declare(message_ttl=10, **arguments)
    journal.client.publish("q", b"x")
    journal.timeline.advance(1)
    last = [event for event in journal.recorder.so_far(MessageEvent) if event.queue == "q"][-1]
    assert (last.at, last.fate.value, last.reason) == (0.01, fate, "expired")


def test_dropped(journal: Journal) -> None:
    """Overflow and rejection say why."""
    client = journal.client
    queue = client.declare(max_length=1)
    client.publish("q", b"1", b"2")
    client.session.get(queue, no_ack=False)
    client.session.reject(1, multiple=False, requeue=False, by_nack=False)
    dropped = [
        event.reason
        for event in journal.recorder.so_far(MessageEvent)
        if event.fate is MessageFate.DROPPED
    ]
    assert dropped == ["maxlen", "rejected"]


def test_lost_and_purged(journal: Journal) -> None:
    """A restart loses transient messages; deleting a queue purges the rest."""
    client = journal.client
    queue = client.declare()
    client.publish("q", b"kept")
    client.host.publish(client.host.exchange(""), new_message(b"gone", persistent=False))
    client.host.go_down()
    client.host.delete_queue(queue)
    assert journal.fates()[2:] == ["lost", "purged"]


def test_samples_at_the_edges_of_empty(journal: Journal) -> None:
    """A queue that fills or empties is sampled at once."""
    client = journal.client
    queue = client.declare()
    journal.timeline.advance(1)
    client.publish("q", b"x")
    journal.timeline.advance(0.01)
    client.session.get(queue, no_ack=True)
    assert journal.lengths() == [(1.0, 1, 0, 0), (1.01, 0, 0, 0)]


def test_samples_are_coalesced(journal: Journal) -> None:
    """Between the edges there is one sample every 100 ms, the last state included."""
    client = journal.client
    client.declare()
    for _ in range(4):
        client.publish("q", b"x")
        journal.timeline.advance(0.0625)
    journal.timeline.advance(1)
    assert journal.lengths() == [(0.0, 1, 0, 0), (0.1, 2, 0, 0), (0.2, 4, 0, 0)]


def test_sample_knows_the_age_of_the_head(journal: Journal) -> None:
    """The age is that of the oldest ready message at the moment of the sample."""
    client = journal.client
    client.declare()
    client.publish("q", b"x")
    journal.timeline.advance(5)
    client.publish("q", b"x")
    assert [sample.oldest for sample in journal.recorder.so_far(QueueSample)] == [0.0, 5.0]
