"""
The books of a real broker's messages, as far as it can be seen from outside.

The firehose tells of each message that is published and delivered. It is silent about
acknowledgements and dead letters:

- A message that was delivered is settled when its queue is next seen with nothing in it.
  If it turns up in no other queue until the end, it was acknowledged.
- A dead-lettered message carries where it died. That is read when it is delivered from
  the queue it went to, or when it is found there at the end.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import MessageEvent, MessageFate

__all__ = ["STALE", "Account"]

STALE = 1.5  # seconds by which the broker's figures may be late


class Account:
    """
    What is known of each message, queue by queue.

    Args:
        recorder: The run's journal.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: defaultdict[str, _Pile] = defaultdict(_Pile)
        self._settled: defaultdict[str, _Pile] = defaultdict(_Pile)

    def published(self, headers: Mapping[str, Any], size: int) -> None:
        """The broker took a message and put it into these queues, or none."""
        known, now = _Known.of(headers, size), self._recorder.now()
        queues = [_text(queue) for queue in headers.get("routed_queues") or ()]
        for queue in queues:
            self._enter(queue, known, now)
        if not queues:
            self._add(MessageFate.UNROUTABLE, known, now)

    def delivered(self, queue: str, headers: Mapping[str, Any], size: int) -> None:
        """A message was sent to a consumer of *queue*."""
        known, now = _Known.of(headers, size), self._recorder.now()
        again = bool(headers.get("redelivered"))
        if not again and self._came_over(queue, known):
            self._move(queue, known, now)
        here = self._waiting[queue].one(known.message_id, delivered=again)
        if here is None:
            here = known
            self._waiting[queue].add(here)
        here.delivered_at = here.seen_at = now
        self._add(MessageFate.DELIVERED, here, now, queue, redelivered=again)

    def seen_empty(self, queue: str, at: float) -> None:
        """*queue* held nothing a moment before *at*: what it delivered earlier is settled."""
        for known in self._waiting[queue].take_delivered(at - STALE):
            known.settled_at = at
            self._settled[queue].add(known)

    def missing(self, queue: str, length: int) -> bool:
        """Whether *queue*, which holds *length* messages, has some that nobody saw enter."""
        return length > len(self._waiting[queue])

    def found(self, queue: str, headers: Mapping[str, Any], size: int) -> None:
        """A message lies in *queue* at the end; if it died elsewhere, this is how we know."""
        known = _Known.of(headers, size)
        if self._came_over(queue, known):
            self._move(queue, known)

    def close(self) -> None:
        """What was settled and has turned up nowhere else was acknowledged."""
        for queue, pile in self._settled.items():
            for known in pile.take_delivered(math.inf):
                self._add(MessageFate.ACKED, known, known.settled_at, queue)

    def _came_over(self, queue: str, known: _Known) -> bool:
        """
        Whether a message that *queue* has now died in another one, and nobody said so.

        A client that publishes a message again may leave on it where it died before:
        then it was seen to enter, and has left the other queue's books already.
        """
        name, died_in = known.message_id, known.came_from
        if not died_in or name in self._waiting[died_in]:
            return bool(died_in)
        here = self._waiting[queue]
        return not here.awaits(name) and (name in self._settled[died_in] or name not in here)

    def _move(self, queue: str, known: _Known, at: float | None = None) -> None:
        """Book a dead letter over to *queue*; at the moment it was last seen if none is given."""
        before = self._waiting[known.came_from].take(known.message_id)
        before = before or self._settled[known.came_from].take(known.message_id)
        if at is None:
            at = before.seen_at if before is not None else self._recorder.now()
        self._add(MessageFate.DEAD_LETTERED, known, at, known.came_from)
        self._enter(queue, known, at)

    def _enter(self, queue: str, known: _Known, at: float) -> None:
        entered = replace(known, seen_at=at)
        self._waiting[queue].add(entered)
        self._add(MessageFate.PUBLISHED, entered, at, queue)

    def _add(
        self,
        fate: MessageFate,
        known: _Known,
        at: float,
        queue: str = "",
        *,
        redelivered: bool = False,
    ) -> None:
        self._recorder.add(
            MessageEvent(
                at,
                fate,
                known.message_id,
                known.exchange,
                known.routing_key,
                queue,
                redelivered,
                known.size,
            )
        )


class _Pile:
    """Messages of one queue by their ids, each in the order they came: an id need not be unique."""

    def __init__(self) -> None:
        self._by_id: dict[str, list[_Known]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_id.values()))

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._by_id

    def awaits(self, message_id: str) -> bool:
        """Whether one of that id has not been delivered."""
        return any(known.delivered_at is None for known in self._by_id.get(message_id, ()))

    def add(self, known: _Known) -> None:
        """Put a message in."""
        self._by_id.setdefault(known.message_id, []).append(known)

    def one(self, message_id: str, *, delivered: bool) -> _Known | None:
        """The first of that id which was delivered, or was not; else the first there is."""
        alike = self._by_id.get(message_id, [])
        fitting = (known for known in alike if (known.delivered_at is not None) is delivered)
        return next(fitting, alike[0] if alike else None)

    def take(self, message_id: str) -> _Known | None:
        """Take out the first of that id."""
        alike = self._by_id.get(message_id)
        if not alike:
            return None
        known = alike.pop(0)
        if not alike:
            del self._by_id[message_id]
        return known

    def take_delivered(self, before: float) -> list[_Known]:
        """Take out what was delivered before a moment."""
        everything = [known for alike in self._by_id.values() for known in alike]
        self._by_id.clear()
        taken = []
        for known in everything:
            if known.delivered_at is not None and known.delivered_at < before:
                taken.append(known)
            else:
                self.add(known)
        return taken


@dataclass(slots=True)
class _Known:
    """
    One message as the firehose describes it.

    Attributes:
        came_from: The queue that dead-lettered it last; empty if none did.
        delivered_at: When it was last sent to a consumer.
        seen_at: When it entered its queue, or was last delivered from it.
        settled_at: When its queue was next seen empty.
    """

    message_id: str
    exchange: str
    routing_key: str
    size: int
    came_from: str
    delivered_at: float | None = None
    seen_at: float = 0.0
    settled_at: float = 0.0

    @staticmethod
    def of(headers: Mapping[str, Any], size: int) -> _Known:
        """From the headers of a line of the firehose."""
        properties = headers.get("properties") or {}
        deaths = (properties.get("headers") or {}).get("x-death") or [{}]
        keys = headers.get("routing_keys") or [""]
        return _Known(
            _text(properties.get("message_id", "")),
            _text(headers.get("exchange_name", "")),
            _text(keys[0]),
            size,
            _text(deaths[0].get("queue", "")),
        )


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
