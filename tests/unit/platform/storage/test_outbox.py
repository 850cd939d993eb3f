"""Stored events are published at least once, soon, and by one relay at a time."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, Self
from uuid import UUID

from tests.fakes.stage import Stage, on_stage
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.application import all_migrations
from umt_sim.platform.contexts.content.model import Content
from umt_sim.platform.contexts.content.postgres import ContentTable
from umt_sim.platform.domain.model import DomainEvent
from umt_sim.platform.errors import PortUnavailable
from umt_sim.platform.messages import MessageCodec, MessageFactory, PayloadRegistry
from umt_sim.platform.storage import OutboxEntry, OutboxRelay, SqlUnitOfWork, migrate
from umt_sim.servers.postgres import Engine


class Desk:
    """A database with its outbox, a writer and any number of relays."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.database = PostgresDatabase(stage.config)
        self.published: list[tuple[str, UUID, float]] = []
        self.refuse = False
        self.errors: list[tuple[str, BaseException]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._factory = MessageFactory("desk", clock=stage.clock, randomness=Random(1))
        self._ids = Random(2)

    async def __aenter__(self) -> Self:
        await migrate(self.database, all_migrations(), clock=self.stage.clock)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.database.close()

    def relay(self, name: str = "relay", *, run: bool = True) -> OutboxRelay:
        async def publish(entry: OutboxEntry) -> None:
            if self.refuse:
                raise PortUnavailable("broker", "publish")
            await asyncio.sleep(0.01)
            self.published.append((name, entry.id, self.stage.now()))

        relay = OutboxRelay(
            self.database,
            publish,
            clock=self.stage.clock,
            on_error=lambda where, error: self.errors.append((where, error)),
        )
        if run:
            self.tasks.append(asyncio.ensure_future(relay.run()))
        return relay

    async def store(self, relay: OutboxRelay | None = None) -> None:
        work = SqlUnitOfWork(
            self.database,
            [ContentTable()],
            clock=self.stage.clock,
            published=relay.offer if relay else None,
        )
        content = Content.create(
            brand_id=UUID(int=1),
            title="Hello",
            body="World",
            content_id=UUID(int=self._ids.getrandbits(128), version=4),
        )
        async with work.begin(self._entry) as writes:
            writes.save(content)

    async def left(self) -> int:
        return int((await self.database.query("SELECT count(*) AS n FROM outbox"))[0]["n"])

    def _entry(self, event: DomainEvent) -> OutboxEntry:
        return OutboxEntry.of(self._factory.event(event), MessageCodec(PayloadRegistry()))


def play_at_desk(engine: Engine, play: Any) -> None:
    async def on(stage: Stage) -> None:
        async with Desk(stage) as desk:
            await play(desk)
            assert [] == desk.errors

    on_stage(engine, on)


def test_an_offered_event_is_published_at_once_and_then_forgotten(engine: Engine) -> None:
    """The writer's own relay publishes without waiting for its poll, and deletes a second later."""

    async def play(desk: Desk) -> None:
        relay = desk.relay()
        await asyncio.sleep(0.5)
        began = desk.stage.now()
        await desk.store(relay)
        await asyncio.sleep(0.5)
        assert [0.01] == [round(at - began, 6) for _, _, at in desk.published]
        assert 1 == await desk.left()
        await asyncio.sleep(1)
        assert 0 == await desk.left()

    play_at_desk(engine, play)


def test_an_orphaned_event_is_taken_by_somebody_else(engine: Engine) -> None:
    """A dead writer leaves a lease; when it runs out after ten seconds any relay takes over."""

    async def play(desk: Desk) -> None:
        await desk.store(desk.relay("dead", run=False))
        began = desk.stage.now()
        desk.relay("other")
        await asyncio.sleep(9)
        assert [] == desk.published
        await asyncio.sleep(6)
        ((name, _, at),) = desk.published
        assert "other" == name
        assert 10.0 <= at - began <= 12.1
        assert 0 == await desk.left()

    play_at_desk(engine, play)


def test_events_without_a_lease_are_found_by_polling(engine: Engine) -> None:
    """What a repository stored without a relay is published within the poll."""

    async def play(desk: Desk) -> None:
        await desk.store()
        desk.relay()
        await asyncio.sleep(5)
        assert 1 == len(desk.published)
        assert 0 == await desk.left()

    play_at_desk(engine, play)


def test_two_relays_do_not_take_the_same_event(engine: Engine) -> None:
    """Twenty events and three relays make twenty publications."""

    async def play(desk: Desk) -> None:
        for _ in range(20):
            await desk.store()
        for name in "abc":
            desk.relay(name)
        await asyncio.sleep(30)
        assert 20 == len(desk.published)
        assert 20 == len({identity for _, identity, _ in desk.published})
        assert 0 == await desk.left()

    play_at_desk(engine, play)


def test_what_cannot_be_published_stays(engine: Engine) -> None:
    """While the broker refuses, the event waits in the table; afterwards it is published."""

    async def play(desk: Desk) -> None:
        relay = desk.relay()
        desk.refuse = True
        await desk.store(relay)
        await asyncio.sleep(30)
        assert ([], 1) == (desk.published, await desk.left())
        desk.refuse = False
        await asyncio.sleep(15)
        assert (1, 0) == (len(desk.published), await desk.left())

    play_at_desk(engine, play)


def test_a_broken_database_does_not_end_the_relay(engine: Engine) -> None:
    """An outage of the database is waited for."""

    async def play(desk: Desk) -> None:
        desk.relay()
        await asyncio.sleep(1)
        desk.stage.proxies["postgres"].disable()
        await asyncio.sleep(20)
        desk.stage.proxies["postgres"].enable()
        await desk.store()
        await asyncio.sleep(5)
        assert 1 == len(desk.published)

    play_at_desk(engine, play)


def test_draining_publishes_and_deletes_what_is_held(engine: Engine) -> None:
    """A process that stops leaves nothing of its own in the table."""

    async def play(desk: Desk) -> None:
        relay = desk.relay(run=False)
        await desk.store(relay)
        await desk.store(relay)
        await relay.drain()
        assert (2, 0) == (len(desk.published), await desk.left())

    play_at_desk(engine, play)


def test_what_was_being_published_when_the_process_stopped_is_published_by_the_drain(
    engine: Engine,
) -> None:
    """Nothing waits for a lease to run out because its relay was cancelled half-way."""

    async def play(desk: Desk) -> None:
        relay = desk.relay()
        await asyncio.sleep(0.5)
        await desk.store(relay)
        await desk.store(relay)
        await asyncio.sleep(0.005)  # both are on their way
        (relaying,) = desk.tasks
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await relay.drain()
        assert (2, 0) == (len(desk.published), await desk.left())

    play_at_desk(engine, play)


def test_an_offered_event_does_not_wait_for_a_database_that_is_away(engine: Engine) -> None:
    """The look for orphans fails; what this process stored itself is published all the same."""

    async def play(desk: Desk) -> None:
        relay = desk.relay(run=False)
        await desk.store(relay)
        desk.stage.proxies["postgres"].disable()
        began = desk.stage.now()
        desk.tasks.append(asyncio.ensure_future(relay.run()))
        await asyncio.sleep(1)
        assert [0.01] == [round(at - began, 6) for _, _, at in desk.published]
        desk.stage.proxies["postgres"].enable()

    play_at_desk(engine, play)
