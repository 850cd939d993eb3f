"""How the firehose of a real broker becomes the fates of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import MessageEvent
from umt_sim.worlds.live.account import STALE, Account


class Broker:
    """Tells an account what a broker would, at times that a test chooses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.recorder = Recorder(lambda: self.now)
        self.account = Account(self.recorder)

    def publish(self, *queues: str, message: str = "m") -> None:
        self.account.published(_headers(message, routed_queues=list(queues)), 3)

    def deliver(
        self, queue: str, *, message: str = "m", again: bool = False, died_in: str = ""
    ) -> None:
        headers = _headers(message, redelivered=int(again))
        if died_in:
            headers["properties"]["headers"] = {"x-death": [{"queue": died_in}]}
        self.account.delivered(queue, headers, 3)

    def seen_empty(self, queue: str) -> None:
        self.account.seen_empty(queue, self.now)

    def find(self, queue: str, *, message: str = "m", died_in: str = "") -> None:
        headers = _headers(message)
        if died_in:
            headers["properties"]["headers"] = {"x-death": [{"queue": died_in}]}
        self.account.found(queue, headers, 3)

    @property
    def ended(self) -> list[tuple[str, str]]:
        """Fates and queues of everything, when the books are closed."""
        self.account.close()
        return self.fates

    @property
    def fates(self) -> list[tuple[str, str]]:
        """Fate and queue of every event."""
        return [(e.fate.value, e.queue) for e in self.recorder.so_far(MessageEvent)]


def _headers(message: str, **more: Any) -> dict[str, Any]:
    return {
        "exchange_name": "umt.events",
        "routing_keys": ["content.created"],
        "properties": {"message_id": message},
        **more,
    }


def test_a_message_goes_into_every_queue_it_was_routed_to() -> None:
    """Each of them owes its own ending; one that no queue wants is unroutable."""
    broker = Broker()
    broker.publish("a", "b")
    broker.publish(message="n")
    assert [("published", "a"), ("published", "b"), ("unroutable", "")] == broker.fates
    event = broker.recorder.so_far(MessageEvent)[0]
    assert ("m", "umt.events", "content.created", 3) == (
        event.message_id,
        event.exchange,
        event.routing_key,
        event.size,
    )


def test_a_delivered_message_is_settled_when_its_queue_is_seen_empty() -> None:
    """But not by a look whose figures may be older than the delivery."""
    broker = Broker()
    broker.publish("a")
    broker.now = 1.0
    broker.deliver("a")
    broker.now = 1.0 + STALE
    broker.seen_empty("a")
    assert [("published", "a"), ("delivered", "a")] == broker.ended
    broker.now = settled = 1.1 + STALE
    broker.seen_empty("a")
    broker.now = 60.0
    broker.seen_empty("a")
    assert ("acked", "a") == broker.ended[-1]
    assert 3 == len(broker.fates)
    assert settled == broker.recorder.so_far(MessageEvent)[-1].at


def test_a_message_that_vanished_stays_owed() -> None:
    """It was published and never delivered; an empty queue does not excuse that."""
    broker = Broker()
    broker.publish("a")
    broker.now = 60.0
    broker.seen_empty("a")
    assert [("published", "a")] == broker.fates


def test_a_second_delivery_is_marked() -> None:
    """And the message is settled once."""
    broker = Broker()
    broker.publish("a")
    broker.deliver("a")
    broker.deliver("a", again=True)
    broker.now = 10.0
    broker.seen_empty("a")
    broker.account.close()
    redelivered = [event.redelivered for event in broker.recorder.so_far(MessageEvent)]
    assert [False, False, True, False] == redelivered
    assert 1 == [fate for fate, _ in broker.fates].count("acked")


def test_dead_lettering_shows_at_the_next_delivery() -> None:
    """The message left the queue where it waited and entered the one that delivers it."""
    broker = Broker()
    broker.publish("a.retry")
    broker.deliver("a", died_in="a.retry")
    assert [
        ("published", "a.retry"),
        ("dead_lettered", "a.retry"),
        ("published", "a"),
        ("delivered", "a"),
    ] == broker.fates


def test_a_retried_message_that_kept_its_id_leaves_the_retry_queue() -> None:
    """Its earlier self is still on the books of the queue that it comes back to."""
    broker = Broker()
    broker.publish("a")
    broker.deliver("a")
    broker.publish("a.retry")
    broker.now = 1.0
    broker.deliver("a", died_in="a.retry")
    broker.now = 9.0
    broker.seen_empty("a")
    assert 1 == broker.ended.count(("dead_lettered", "a.retry"))
    assert 2 == broker.fates.count(("published", "a"))
    assert 2 == broker.fates.count(("acked", "a"))


def test_a_message_that_goes_round_twice_dies_twice() -> None:
    """Also where the client leaves on it that it died before."""
    broker = Broker()
    broker.publish("a")
    broker.deliver("a")
    for _ in range(2):
        broker.publish("a.retry")
        broker.deliver("a", died_in="a.retry")
        broker.deliver("a", died_in="a.retry", again=True)
    assert 2 == broker.fates.count(("dead_lettered", "a.retry"))
    assert 3 == broker.fates.count(("published", "a"))


def test_messages_of_one_id_are_settled_each() -> None:
    """A publisher that lost its confirm publishes again; some give no ids at all."""
    broker = Broker()
    broker.publish("a")
    broker.publish("a")
    broker.deliver("a")
    broker.deliver("a")
    broker.now = 9.0
    broker.seen_empty("a")
    assert 2 == broker.ended.count(("acked", "a"))


def test_a_dead_letter_that_nobody_reads_is_found_at_the_end() -> None:
    """It was taken for acknowledged until then; it died when it was last seen alive."""
    broker = Broker()
    broker.publish("jobs")
    broker.now = 1.0
    broker.deliver("jobs")
    broker.now = 9.0
    broker.seen_empty("jobs")
    broker.now = 60.0
    assert broker.account.missing("dead", 1)
    broker.find("dead", died_in="jobs")
    assert not broker.account.missing("dead", 1)
    assert [("dead_lettered", "jobs"), ("published", "dead")] == broker.ended[-2:]
    assert ("acked", "jobs") not in broker.fates
    assert [1.0, 1.0] == [e.at for e in broker.recorder.so_far(MessageEvent)[-2:]]


def test_what_lies_where_it_was_published_has_not_died() -> None:
    """Nor has a stranger without a history."""
    broker = Broker()
    broker.publish("a")
    broker.find("a", died_in="b")
    broker.find("a", message="stranger")
    assert [("published", "a")] == broker.ended


def test_bytes_and_missing_headers_are_read_too() -> None:
    """Drivers give short strings as bytes, and a message need not have an id."""
    broker = Broker()
    headers: Mapping[str, Any] = {"routed_queues": [b"a"], "routing_keys": [b"k"]}
    broker.account.published(headers, 0)
    assert [("published", "a")] == broker.fates
