"""
What a real broker shows of its queues and messages, for the journal.

Lengths come from the management API, once a second; the broker's own figures are up to
a second old. Messages come from the firehose; ``account`` makes sense of what it tells.
At the end the witness looks into the queues that hold more than was seen to enter them.

The witness connects to the server itself, so that no fault of the network blinds it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aio_pika
import aiohttp
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from pamqp.common import FieldTable

from umt_sim.errors import WorldUnavailable
from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import QueueSample
from umt_sim.worlds.live.account import STALE, Account
from umt_sim.worlds.live.connecting import connected
from umt_sim.worlds.live.providers.base import Site

__all__ = ["Witness"]

EVERY = 1.0  # seconds between two looks at the queues
START = 30.0  # seconds until the firehose must be on
SETTLING = 15.0  # seconds for a look into the queues at the end
AGAIN = 0.1  # seconds until the next attempt where the broker is away
FIREHOSE = "umt-sim.firehose"
UNHEARD: FieldTable = {"x-expires": 600_000}
"""Milliseconds after which the broker forgets a firehose that a killed run has left."""

TRACE = "amq.rabbitmq.trace"
COLUMNS = "columns=name,messages_ready,messages_unacknowledged,consumers"
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
        self._vhost = quote(site.server.database, safe="")
        self._traced = False
        self._tasks: list[asyncio.Task[None]] = []
        self._ready: dict[str, int] = {}
        self._before: dict[str, int] = {}
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
        await self._look()
        self._before = dict(self._ready)

    async def stop(self) -> None:
        """Look a last time, when the broker's figures have caught up, and go."""
        try:
            await asyncio.sleep(STALE)
            await self._look()
            await self._settle()
        finally:
            self._account.close()
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
        async with connected(self._site.server.url) as connection:
            channel = await connection.channel(publisher_confirms=False)
            queue = await channel.declare_queue(FIREHOSE, durable=True, arguments=UNHEARD)
            await queue.bind(TRACE, "#")
            if not listening.is_set():
                await queue.purge()  # what others did before this run
                self._traced = await self._is_traced()
            await self._trace(on=True)
            await queue.consume(self._hear, no_ack=True)
            listening.set()
            lost = asyncio.Event()
            connection.close_callbacks.add(lambda *_: lost.set())
            await lost.wait()

    async def _is_traced(self) -> bool:
        async with self._api.get(f"/api/vhosts/{self._vhost}") as answer:
            answer.raise_for_status()
            return bool((await answer.json())["tracing"])

    async def _trace(self, *, on: bool) -> None:
        await self._api.put(f"/api/vhosts/{self._vhost}", json={"tracing": on})

    async def _hear(self, trace: AbstractIncomingMessage) -> None:
        """One line of the firehose."""
        what, _, queue = (trace.routing_key or "").partition(".")
        if what == "publish":
            self._account.published(trace.headers, len(trace.body))
        elif what == "deliver" and queue != FIREHOSE:
            self._account.delivered(queue, trace.headers, len(trace.body))

    async def _settle(self) -> None:
        """Let the firehose go, and find the dead letters that nobody has read."""
        for task in self._tasks:
            task.cancel()  # what we look at now is no delivery
        with contextlib.suppress(OSError, aio_pika.exceptions.AMQPError, TimeoutError):
            async with (
                asyncio.timeout(SETTLING),
                connected(self._site.server.url) as connection,
            ):
                channel = await connection.channel(publisher_confirms=False)
                await channel.queue_delete(FIREHOSE)
                await self._trace(on=self._traced)
                for queue, length in self._ready.items():
                    if self._account.missing(queue, length - self._before.get(queue, 0)):
                        await self._find(channel, queue, length)

    async def _find(self, channel: AbstractChannel, queue: str, length: int) -> None:
        """
        Look at what came to lie in *queue*; it is put back when the connection ends.

        What lay there before the run lies in front.
        """
        place = await channel.get_queue(queue, ensure=False)
        for position in range(length):
            message = await place.get(fail=False)
            if message is None:
                return
            if position < self._before.get(queue, 0):
                continue
            properties = {"message_id": message.message_id or "", "headers": message.headers}
            headers = {
                "exchange_name": message.exchange,
                "routing_keys": [message.routing_key],
                "properties": properties,
            }
            self._account.found(queue, headers, len(message.body))

    async def _look_now_and_then(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(EVERY)

    async def _look(self) -> None:
        """Ask for every queue. A broker that is away has nothing to show."""
        try:
            async with self._api.get(f"/api/queues/{self._vhost}?{COLUMNS}") as answer:
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
        self._ready[sample.queue] = sample.ready
        self._recorder.add(sample)


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
