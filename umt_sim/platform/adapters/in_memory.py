"""
Small fakes of the ports, for unit tests of what stands on them.

They keep the ports' promises, not the servers' habits: nothing here is slow, lost
or refused unless a test says so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from umt_sim.platform.domain.model import AggregateRoot, DomainEvent
from umt_sim.platform.errors import AlreadyHandled, NotFound, PortClosed, VersionConflict
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.http_gateway import HttpResponse
from umt_sim.platform.ports.message_broker import Consumer, Parcel, QueueSpec

__all__ = [
    "InMemoryCache",
    "InMemoryMessageBroker",
    "InMemoryRepository",
    "InMemoryUnitOfWork",
    "ScriptedGateway",
]

A = TypeVar("A", bound=AggregateRoot)


class InMemoryCache:
    """A dict whose entries expire by *clock*."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[bytes, float]] = {}
        self._closed = False

    async def get(self, key: str) -> bytes | None:
        """The value stored under *key*; ``None`` when there is none or it expired."""
        self._check("GET")
        value, expires = self._entries.get(key, (None, 0.0))
        return value if self._clock.monotonic() < expires else None

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> None:
        """Store *value* under *key* for *ttl_seconds*."""
        self._check("SET")
        self._entries[key] = (value, self._clock.monotonic() + ttl_seconds)

    async def delete(self, key: str) -> None:
        """Forget *key*, whether it was there or not."""
        self._check("DEL")
        self._entries.pop(key, None)

    async def close(self) -> None:
        """Refuse from now on."""
        self._closed = True

    def _check(self, operation: str) -> None:
        if self._closed:
            raise PortClosed("cache", operation)


class InMemoryMessageBroker:
    """
    Topic exchanges and queues in one process.

    A parcel in a delay queue comes back when its time is up, as *clock* sleeps.

    Attributes:
        published: Everything that was published, in order.
        queues: What nobody consumes stays here, by queue.
    """

    system = "in_memory"

    def __init__(self, clock: Clock) -> None:
        self.published: list[Parcel] = []
        self.queues: dict[str, deque[Parcel]] = {}
        self._clock = clock
        self._specs: dict[str, QueueSpec] = {}
        self._consumers: dict[str, Consumer] = {}
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._tag = 0
        self._closed = False

    async def publish(self, parcel: Parcel) -> None:
        """Put *parcel* into every queue bound to its address."""
        if self._closed:
            raise PortClosed("broker", f"publish {parcel.exchange}:{parcel.routing_key}")
        self.published.append(parcel)
        for queue in self._matching(parcel):
            self._put(queue, parcel)

    async def subscribe(self, queue: QueueSpec, consumer: Consumer) -> _InMemorySubscription:
        """Hand what is in *queue*, and what comes, to *consumer*."""
        self._specs[queue.name] = queue
        self._consumers[queue.name] = consumer
        waiting = self.queues.pop(queue.name, deque())
        for parcel in waiting:
            self._put(queue.name, parcel)
        return _InMemorySubscription(self._consumers, queue.name)

    async def close(self) -> None:
        """Wait for running consumers, then refuse."""
        await self.settle()
        self._closed = True

    async def settle(self) -> None:
        """Return when no consumer is running any more; raises what one of them raised."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
            # A finished task leaves the table by a callback, which needs a pass of the loop.
            await asyncio.sleep(0)

    def deliver(self, queue: str, parcel: Parcel, *, redelivered: bool) -> None:
        """Hand *parcel* to the consumer of *queue*, in a task of its own."""
        self._tag += 1
        delivery = _InMemoryDelivery(self, queue, parcel, self._tag, redelivered)
        consume: Any = self._consumers[queue](delivery)
        self._start(consume)

    def _matching(self, parcel: Parcel) -> list[str]:
        if not parcel.exchange:
            return [parcel.routing_key]
        return [
            name
            for name, spec in self._specs.items()
            if any(
                exchange == parcel.exchange and _matches(pattern, parcel.routing_key)
                for exchange, pattern in spec.bindings
            )
        ]

    def _put(self, queue: str, parcel: Parcel) -> None:
        if queue in self._consumers:
            self.deliver(queue, parcel, redelivered=False)
        elif (delay := self._delay_of(queue)) is not None:
            self._start(self._return_later(queue, parcel, delay))
        else:
            self.queues.setdefault(queue, deque()).append(parcel)

    def _delay_of(self, queue: str) -> float | None:
        for spec in self._specs.values():
            for attempt, seconds in enumerate(spec.delays_seconds, 1):
                if spec.delay_queue(attempt) == queue:
                    return seconds
        return None

    async def _return_later(self, queue: str, parcel: Parcel, delay: float) -> None:
        await self._clock.sleep(delay)
        self._put(queue.partition(".retry.")[0], parcel)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]


@dataclass(frozen=True, slots=True)
class _InMemoryDelivery:
    broker: InMemoryMessageBroker
    queue: str
    parcel: Parcel
    tag: int
    redelivered: bool

    async def ack(self) -> None:
        """Nothing is left to do."""

    async def reject(self, *, requeue: bool) -> None:
        """Deliver it again, or drop it."""
        if requeue:
            self.broker.deliver(self.queue, self.parcel, redelivered=True)


@dataclass(frozen=True, slots=True)
class _InMemorySubscription:
    consumers: dict[str, Consumer]
    queue: str

    async def cancel(self) -> None:
        """Take no more deliveries."""
        self.consumers.pop(self.queue, None)


class InMemoryUnitOfWork:
    """
    Keeps copies of aggregates, and compares versions as the real one does.

    Attributes:
        entries: What was written to the outbox, in order.
        answers: Answers by idempotency key.
    """

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.answers: dict[str, bytes] = {}
        self._stored: dict[tuple[type, UUID], AggregateRoot] = {}

    @asynccontextmanager
    async def begin(
        self, write_event: Callable[[DomainEvent], Any]
    ) -> AsyncIterator[_InMemoryWork]:
        """Work that is committed at the end of the ``async with`` block."""
        work = _InMemoryWork()
        yield work
        self._commit(work, write_event)

    async def answer_to(self, idempotency_key: str) -> bytes | None:
        """What was answered to the task of this key; ``None`` if it was never handled."""
        return self.answers.get(idempotency_key)

    def all(self, kind: type[A]) -> list[A]:
        """Copies of every stored aggregate of *kind*, in the order they were first stored."""
        found: list[Any] = [
            deepcopy(stored) for (known, _), stored in self._stored.items() if known is kind
        ]
        return found

    def _commit(self, work: _InMemoryWork, write_event: Callable[[DomainEvent], Any]) -> None:
        for key in work.answers:
            if key in self.answers:
                raise AlreadyHandled(key)
        for aggregate in work.aggregates:
            stored = self._stored.get((type(aggregate), aggregate.id))
            found = stored.version if stored else None
            if found != (aggregate.version or None):
                raise VersionConflict(aggregate.id, aggregate.version, found)
        self.answers |= work.answers
        for aggregate in work.aggregates:
            self.entries.extend(write_event(event) for event in aggregate.unsaved_events)
            aggregate.mark_saved(aggregate.version + 1)
            copy = deepcopy(aggregate)
            copy.clear_domain_events()
            self._stored[type(aggregate), aggregate.id] = copy


@dataclass(slots=True)
class _InMemoryWork:
    aggregates: list[AggregateRoot] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)

    def save(self, aggregate: AggregateRoot) -> None:
        """Store *aggregate* at the commit."""
        self.aggregates.append(aggregate)

    def remember(self, idempotency_key: str, answer: bytes) -> None:
        """Note the answer at the commit."""
        self.answers[idempotency_key] = answer


class InMemoryRepository(Generic[A]):
    """Looks up what an in-memory unit of work has stored. Answers every context's port."""

    def __init__(self, kind: type[A], store: InMemoryUnitOfWork) -> None:
        self._kind = kind
        self._store = store

    async def save(self, aggregate: A) -> None:
        """Store *aggregate*, new or changed; raises ``VersionConflict``."""
        async with self._store.begin(lambda event: event) as work:
            work.save(aggregate)

    async def find(self, identity: UUID) -> A | None:
        """The aggregate of this id; ``None`` when there is none."""
        found = self._where(lambda aggregate: aggregate.id == identity)
        return found[0] if found else None

    async def get(self, identity: UUID) -> A:
        """The aggregate of this id; raises ``NotFound``."""
        found = await self.find(identity)
        if found is None:
            raise NotFound(self._kind.__name__.lower(), identity)
        return found

    async def named(self, name: str) -> Sequence[A]:
        """Aggregates of this name."""
        return self._where(lambda aggregate: aggregate.name == name)

    async def of_brand(self, brand_id: UUID) -> Sequence[A]:
        """A brand's aggregates."""
        return self._where(lambda aggregate: aggregate.brand_id == brand_id)

    async def latest(self, subject_ids: Sequence[UUID]) -> Sequence[A]:
        """The latest aggregate about each subject that has one, in the order given."""
        about = self._where(lambda aggregate: aggregate.subject_id in subject_ids)
        about.sort(key=lambda aggregate: aggregate.time_frame.ends)
        latest = {aggregate.subject_id: aggregate for aggregate in about}
        return [latest[subject] for subject in subject_ids if subject in latest]

    def _where(self, condition: Callable[[Any], bool]) -> list[Any]:
        return [aggregate for aggregate in self._store.all(self._kind) if condition(aggregate)]


class ScriptedGateway:
    """
    An HTTP upstream that gives the answers it was told, in order; the last one for ever.

    Args:
        answers: Bodies of answers of status 200, or exceptions to raise.

    Attributes:
        requests: Method, path, JSON and headers of each request.
    """

    def __init__(self, *answers: Any) -> None:
        self.requests: list[tuple[str, str, Any, Mapping[str, str]]] = []
        self._answers = deque(answers)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """The next answer."""
        self.requests.append((method, path, json, dict(headers or {})))
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.popleft()
        if isinstance(answer, BaseException):
            raise answer
        return HttpResponse(200, answer)

    async def close(self) -> None:
        """Nothing to give up."""


def _matches(pattern: str, key: str) -> bool:
    """Whether a topic pattern (``*`` one word, ``#`` any number of words) matches *key*."""
    return _words_match(pattern.split("."), key.split("."))


def _words_match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    head, *rest = pattern
    if head == "#":
        return _words_match(rest, words) or bool(words and _words_match(pattern, words[1:]))
    return bool(words) and head in ("*", words[0]) and _words_match(rest, words[1:])
