"""How the firehose of a real broker becomes the fates of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import MessageEvent
from umt_sim.worlds.live.witness import STALE, Account


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
    assert [("published", "a"), ("delivered", "a")] == broker.fates
    broker.now = 1.1 + STALE
    broker.seen_empty("a")
    broker.seen_empty("a")
    assert ("acked", "a") == broker.fates[-1]
    assert 3 == len(broker.fates)


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


def test_bytes_and_missing_headers_are_read_too() -> None:
    """Drivers give short strings as bytes, and a message need not have an id."""
    broker = Broker()
    headers: Mapping[str, Any] = {"routed_queues": [b"a"], "routing_keys": [b"k"]}
    broker.account.published(headers, 0)
    assert [("published", "a")] == broker.fates
