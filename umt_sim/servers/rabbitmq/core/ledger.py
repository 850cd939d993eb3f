"""What the broker tells the journal: the fate of messages and the length of queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from umt_sim.journal.records import MessageEvent, MessageFate, QueueSample

if TYPE_CHECKING:
    from umt_sim.journal.recorder import Recorder
    from umt_sim.servers.rabbitmq.core.message import Message
    from umt_sim.servers.rabbitmq.core.ports import Timeline, Timer
    from umt_sim.servers.rabbitmq.core.queue import Queue

__all__ = ["Ledger", "Recorded", "Silent"]

_BETWEEN_SAMPLES = 0.1  # seconds


class Ledger(Protocol):
    """Hears of everything that happens to messages and queues."""

    def fate(
        self,
        fate: MessageFate,
        message: Message,
        queue: str = "",
        *,
        redelivered: bool = False,
        reason: str = "",
    ) -> None:
        """*message* went one step further."""
        ...

    def changed(self, queue: Queue) -> None:
        """The length or the consumers of *queue* are not what they were."""
        ...

    def settle(self) -> None:
        """Nothing more will happen for now."""
        ...


class Silent:
    """Nobody listens."""

    def fate(
        self,
        fate: MessageFate,
        message: Message,
        queue: str = "",
        *,
        redelivered: bool = False,
        reason: str = "",
    ) -> None:
        """Do nothing."""

    def changed(self, queue: Queue) -> None:
        """Do nothing."""

    def settle(self) -> None:
        """Do nothing."""


class Recorded:
    """
    Writes to a recorder.

    A queue is sampled when it becomes empty, stops being so or is deleted, and otherwise
    at most every 100 ms; a change in between is written when that time is over.

    Args:
        server: Name of the broker in the samples.
        recorder: The run's journal.
        timeline: The loop, for the samples that wait.
    """

    def __init__(self, server: str, recorder: Recorder, timeline: Timeline) -> None:
        self._server = server
        self._add = recorder.add
        self._now = recorder.now
        self._timeline = timeline
        self._last: dict[Queue, tuple[float, bool]] = {}  # when sampled, and whether empty
        self._waiting: dict[Queue, Timer] = {}

    def fate(
        self,
        fate: MessageFate,
        message: Message,
        queue: str = "",
        *,
        redelivered: bool = False,
        reason: str = "",
    ) -> None:
        """Write a ``MessageEvent``."""
        self._add(
            MessageEvent(
                self._now(),
                fate,
                message.properties.message_id,
                message.exchange,
                message.routing_keys[0],
                queue,
                redelivered,
                len(message.body),
                reason,
            )
        )

    def changed(self, queue: Queue) -> None:
        """Write a ``QueueSample`` now or when the last one is 100 ms old."""
        now = self._timeline.time()
        sampled_at, was_empty = self._last.get(queue, (float("-inf"), False))
        if queue.deleted:
            self._sample(queue, now)
            del self._last[queue]
        elif was_empty != (queue.ready == 0) or now - sampled_at >= _BETWEEN_SAMPLES:
            self._sample(queue, now)
        elif queue not in self._waiting:
            due = sampled_at + _BETWEEN_SAMPLES
            self._waiting[queue] = self._timeline.call_at(due, self._sample_late, queue)

    def settle(self) -> None:
        """Write the samples that wait, for the journal may be closed before they are due."""
        for queue, timer in list(self._waiting.items()):
            timer.cancel()
            self._sample_late(queue)

    def _sample_late(self, queue: Queue) -> None:
        del self._waiting[queue]
        if queue in self._last:
            self._sample(queue, self._timeline.time())

    def _sample(self, queue: Queue, now: float) -> None:
        self._last[queue] = (now, queue.ready == 0)
        self._add(
            QueueSample(
                self._now(),
                self._server,
                queue.name,
                queue.ready,
                queue.unacked,
                queue.consumer_count,
                queue.age(now),
            )
        )
