"""
What a real broker shows of its queues and messages, for the journal.

Lengths come from the management API, once a second; the broker's own figures are up to
a second old. Messages come from the firehose, which tells of each one published and
delivered. It does not tell of acknowledgements: a message that was delivered is taken
for acknowledged when its queue is next seen with nothing in it. Dead-lettering shows
in the history a message carries when it is delivered again.

The witness connects to the server itself, so that no fault of the network blinds it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Mapping
from typing import Any

import aio_pika
import aiohttp
from aio_pika.abc import AbstractIncomingMessage

from umt_sim.errors import WorldUnavailable
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import MessageEvent, MessageFate, QueueSample
from umt_sim.worlds.live.providers.base import Site

__all__ = ["Account", "Witness"]

EVERY = 1.0  # seconds between two looks at the queues
START = 30.0  # seconds until the firehose must be on
STALE = 1.5  # seconds by which the broker's figures may be late
AGAIN = 0.1  # seconds until the next attempt where the broker is away
FIREHOSE = "umt-sim.firehose"
TRACE = "amq.rabbitmq.trace"
QUEUES = "/api/queues?columns=name,messages_ready,messages_unacknowledged,consumers"
TRACING = "/api/vhosts/%2F"
PATIENCE = aiohttp.ClientTimeout(total=5)


class Witness:
    """
    Writes what one broker shows to the journal, from ``start`` to ``stop``.

    Args:
        site: The broker.
        recorder: The run's journal.
    """

    def __init__(self, site: Site, recorder: Recorder) -> None:
        self._site = site
        self._recorder = recorder
        self._account = Account(recorder)
        self._tasks: list[asyncio.Task[None]] = []
        self._api: aiohttp.ClientSession

    async def start(self) -> None:
        """Begin to watch; returns when the firehose is on."""
        server = self._site.server
        self._api = aiohttp.ClientSession(
            self._site.management,
            headers={"Authorization": _basic(server.user, server.password)},
            timeout=PATIENCE,
        )
        listening = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._listen(listening), name="firehose"),
            loop.create_task(self._look_now_and_then(), name="queues"),
        ]
        try:
            async with asyncio.timeout(START):
                await listening.wait()
        except TimeoutError:
            await self._end()
            raise WorldUnavailable(
                server.service,
                f"its queues cannot be watched at {server.host}:{server.port} and"
                f" {self._site.management}",
                remedy="give the addresses of the broker's AMQP and management ports, or neither",
            ) from None

    async def stop(self) -> None:
        """Look a last time, when the broker's figures have caught up, and go."""
        try:
            await asyncio.sleep(STALE)
            await self._look()
        finally:
            await self._end()

    async def _end(self) -> None:
        """
        Stop watching.

        Raises:
            Exception: What a task of the witness has failed with.
        """
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _listen(self, listening: asyncio.Event) -> None:
        """Hear the firehose; where the broker goes away, again when it is back."""
        while True:
            with contextlib.suppress(OSError, aiohttp.ClientError, aio_pika.exceptions.AMQPError):
                await self._hear_until_lost(listening)
            await asyncio.sleep(AGAIN)

    async def _hear_until_lost(self, listening: asyncio.Event) -> None:
        connection = await aio_pika.connect(self._site.server.url)
        async with connection:
            channel = await connection.channel(publisher_confirms=False)
            queue = await channel.declare_queue(FIREHOSE, durable=True)
            await queue.bind(TRACE, "#")
            await self._api.put(TRACING, json={"tracing": True})
            await queue.consume(self._hear, no_ack=True)
            listening.set()
            lost = asyncio.Event()
            connection.close_callbacks.add(lambda *_: lost.set())
            await lost.wait()

    async def _hear(self, trace: AbstractIncomingMessage) -> None:
        """One line of the firehose."""
        what, _, queue = (trace.routing_key or "").partition(".")
        if what == "publish":
            self._account.published(trace.headers, len(trace.body))
        elif what == "deliver" and queue != FIREHOSE:
            self._account.delivered(queue, trace.headers, len(trace.body))

    async def _look_now_and_then(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(EVERY)

    async def _look(self) -> None:
        """Ask for every queue. A broker that is away has nothing to show."""
        try:
            async with self._api.get(QUEUES) as answer:
                rows = await answer.json() if answer.ok else []
        except (OSError, aiohttp.ClientError, TimeoutError):
            return
        for row in rows:
            if row["name"] != FIREHOSE and "messages_ready" in row:
                self._sample(row)

    def _sample(self, row: Mapping[str, Any]) -> None:
        sample = QueueSample(
            self._recorder.now(),
            self._site.server.service,
            row["name"],
            row["messages_ready"],
            row["messages_unacknowledged"],
            row["consumers"],
        )
        if not sample.ready and not sample.unacked:
            self._account.seen_empty(sample.queue, sample.at)
        self._recorder.add(sample)


class Account:
    """What is known of each message, queue by queue."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: dict[str, dict[str, _Known]] = {}

    def published(self, headers: Mapping[str, Any], size: int) -> None:
        """The broker took a message and put it into these queues, or none."""
        known = _Known.of(headers, size)
        queues = [_text(queue) for queue in headers.get("routed_queues") or ()]
        for queue in queues:
            self._enter(queue, known)
        if not queues:
            self._add(MessageFate.UNROUTABLE, known)

    def delivered(self, queue: str, headers: Mapping[str, Any], size: int) -> None:
        """A message was sent to a consumer of *queue*."""
        known = _Known.of(headers, size)
        before = self._waiting.get(queue, {}).get(known.message_id)
        if before is None and known.came_from:
            # Dead-lettered on its way here; the firehose is silent about that.
            self._waiting.get(known.came_from, {}).pop(known.message_id, None)
            self._add(MessageFate.DEAD_LETTERED, known, known.came_from)
            self._enter(queue, known)
        known = self._waiting.setdefault(queue, {}).setdefault(known.message_id, known)
        known.delivered_at = self._recorder.now()
        again = bool(headers.get("redelivered"))
        self._add(MessageFate.DELIVERED, known, queue, redelivered=again)

    def seen_empty(self, queue: str, at: float) -> None:
        """*queue* held nothing a moment before *at*: what it delivered earlier is settled."""
        waiting = self._waiting.get(queue, {})
        settled = [
            known
            for known in waiting.values()
            if known.delivered_at is not None and known.delivered_at < at - STALE
        ]
        for known in settled:
            del waiting[known.message_id]
            self._add(MessageFate.ACKED, known, queue)

    def _enter(self, queue: str, known: _Known) -> None:
        self._waiting.setdefault(queue, {})[known.message_id] = known.copy()
        self._add(MessageFate.PUBLISHED, known, queue)

    def _add(
        self, fate: MessageFate, known: _Known, queue: str = "", *, redelivered: bool = False
    ) -> None:
        self._recorder.add(
            MessageEvent(
                self._recorder.now(),
                fate,
                known.message_id,
                known.exchange,
                known.routing_key,
                queue,
                redelivered,
                known.size,
            )
        )


class _Known:
    """
    One message as the firehose describes it.

    Attributes:
        came_from: The queue that dead-lettered it last; empty if none did.
        delivered_at: When it was last sent to a consumer.
    """

    def __init__(
        self, message_id: str, exchange: str, routing_key: str, size: int, came_from: str
    ) -> None:
        self.message_id = message_id
        self.exchange = exchange
        self.routing_key = routing_key
        self.size = size
        self.came_from = came_from
        self.delivered_at: float | None = None

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

    def copy(self) -> _Known:
        """The same message in another queue."""
        return _Known(self.message_id, self.exchange, self.routing_key, self.size, self.came_from)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
