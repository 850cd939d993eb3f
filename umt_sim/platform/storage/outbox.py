"""Publishes stored events after their transaction, at least once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from umt_sim.platform.errors import PlatformError
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.messages.types import EventMessage
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.database import Session

__all__ = ["OutboxEntry", "OutboxRelay", "RelaySettings"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event, ready to be published as it is. ``traceparent`` is where it came to be."""

    id: UUID
    event_type: str
    body: bytes
    traceparent: str | None = None
    correlation_id: str | None = None

    @classmethod
    def of(cls, message: EventMessage, codec: MessageCodec) -> OutboxEntry:
        """The entry of an event message."""
        return cls(
            id=message.message_id,
            event_type=message.event_type,
            body=codec.encode(message),
            traceparent=message.traceparent,
            correlation_id=str(message.correlation_id),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """
    Pace of a relay, in seconds.

    Attributes:
        poll: Between looks at the table for entries nobody else publishes.
        forget: How long a published entry may stay before it is deleted, with others.
        lease: For how long a taken entry is ours.
        batch: Entries taken, published or deleted at once.
    """

    poll: float = 2.0
    forget: float = 1.0
    lease: float = 10.0
    batch: int = 100


class OutboxRelay:
    """
    Publishes the events that transactions left in the outbox.

    Entries come by two ways. The process that stored an event offers it here, and
    holds a lease on it: it is published at once, without reading it back. Entries
    whose lease ran out belong to a process that died, or could not publish; any
    relay takes them. ``SKIP LOCKED`` keeps two relays from taking the same one.

    Published entries are deleted together, a little later. A crash in between
    publishes them again: consumers are idempotent. Nor is there an order: what could
    not be published comes after what was stored later.

    A port that fails is waited for; the entries stay. Anything else goes to *on_error*.
    """

    def __init__(
        self,
        session: Session,
        publish: Callable[[OutboxEntry], Awaitable[None]],
        *,
        clock: Clock,
        settings: RelaySettings | None = None,
        on_error: Callable[[str, BaseException], None],
    ) -> None:
        self._session = session
        self._publish = publish
        self._clock = clock
        self._settings = settings or RelaySettings()
        self._on_error = on_error
        self._offered: list[OutboxEntry] = []
        self._published: list[UUID] = []
        self._woken = asyncio.Event()
        self._stopping = False
        self._poll_at = clock.monotonic()
        self._forget_at = 0.0

    def offer(self, entries: Iterable[OutboxEntry]) -> None:
        """Publish *entries*, which this process has just stored under its own lease."""
        self._offered.extend(entries)
        self._woken.set()

    async def run(self) -> None:
        """Publish until told to stop, or cancelled."""
        while not self._stopping:
            await self._wait()
            try:
                await self.turn()
            except PlatformError as error:
                logger.warning("the outbox is not emptied for now: %s", error)
            except Exception as error:  # noqa: BLE001 - reported, and the other entries wait
                self._on_error("outbox relay", error)

    def stop(self) -> None:
        """Let ``run`` end after its present turn: what is on its way is not sent twice."""
        self._stopping = True
        self._woken.set()

    async def turn(self) -> None:
        """Publish what is there now, and delete what was published long enough ago."""
        orphans: list[OutboxEntry] = []
        if self._clock.monotonic() >= self._poll_at:
            self._poll_at = self._clock.monotonic() + self._settings.poll
            orphans = await self._claim()
        await self._publish_all([*self._take_offered(), *orphans])
        if self._published and (
            self._clock.monotonic() >= self._forget_at
            or len(self._published) >= self._settings.batch
        ):
            await self._forget()

    async def drain(self) -> None:
        """Publish and delete what this process still holds. Called when it stops."""
        await self._publish_all(self._take_offered())
        if self._published:
            await self._forget()

    def _take_offered(self) -> list[OutboxEntry]:
        entries, self._offered = self._offered, []
        self._woken.clear()
        return entries

    async def _wait(self) -> None:
        due = min(self._poll_at, self._forget_at) if self._published else self._poll_at
        left = due - self._clock.monotonic()
        if left <= 0 or self._woken.is_set():
            return
        try:
            async with asyncio.timeout(left):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _claim(self) -> list[OutboxEntry]:
        now = self._clock.now()
        rows = await self._session.query(
            "UPDATE outbox SET available_at = $1 WHERE id IN ("
            "SELECT id FROM outbox WHERE available_at <= $2 ORDER BY position LIMIT $3"
            " FOR UPDATE SKIP LOCKED"
            ") RETURNING position, id, event_type, body, traceparent, correlation_id",
            now + timedelta(seconds=self._settings.lease),
            now,
            self._settings.batch,
        )
        if len(rows) == self._settings.batch:
            self._poll_at = self._clock.monotonic()
        return [_entry(row) for row in sorted(rows, key=lambda row: int(row["position"]))]

    async def _publish_all(self, entries: Sequence[OutboxEntry]) -> None:
        if not entries:
            return
        try:
            if len(entries) == 1:  # the usual case needs no tasks
                await self._publish_one(entries[0])
            else:
                await asyncio.gather(*(self._publish_one(entry) for entry in entries))
        except asyncio.CancelledError:
            # The process stops. What was not confirmed is left to ``drain``.
            self._offered[:0] = [entry for entry in entries if entry.id not in self._published]
            raise

    async def _publish_one(self, entry: OutboxEntry) -> None:
        try:
            await self._publish(entry)
        except PlatformError as error:
            logger.warning("%s %s stays in the outbox: %s", entry.event_type, entry.id, error)
        except Exception as error:  # noqa: BLE001 - reported, and the other entries go on
            self._on_error(f"publishing {entry.event_type}", error)
        else:
            if not self._published:
                self._forget_at = self._clock.monotonic() + self._settings.forget
            self._published.append(entry.id)

    async def _forget(self) -> None:
        published = tuple(self._published)
        self._forget_at = self._clock.monotonic() + self._settings.forget
        await self._session.execute("DELETE FROM outbox WHERE id = ANY($1::uuid[])", published)
        del self._published[: len(published)]


def _entry(row: Any) -> OutboxEntry:
    return OutboxEntry(
        id=row["id"],
        event_type=row["event_type"],
        body=bytes(row["body"]),
        traceparent=row["traceparent"],
        correlation_id=row["correlation_id"],
    )
