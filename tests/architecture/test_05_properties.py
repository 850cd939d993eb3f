"""Improvement 5, for any commands in any order, and for any writers at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import methodcaller
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.acme import acme
from umt_sim.platform.adapters.in_memory import InMemoryRepository, InMemoryUnitOfWork
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.application import all_migrations
from umt_sim.platform.configuration import Configuration, PostgresSettings
from umt_sim.platform.contexts.brand.model import Brand, SocialMediaAccount
from umt_sim.platform.contexts.brand.postgres import BrandTable, PostgresBrandRepository
from umt_sim.platform.contexts.campaign.model import (
    AdSet,
    Budget,
    Campaign,
    CampaignStatus,
    Money,
    Schedule,
    Targeting,
)
from umt_sim.platform.contexts.campaign.postgres import CampaignTable
from umt_sim.platform.contexts.content.model import Content, ContentStatus, TestResult, Variation
from umt_sim.platform.contexts.content.postgres import ContentTable
from umt_sim.platform.domain.model import AggregateRoot
from umt_sim.platform.errors import DomainError, NotFound, VersionConflict
from umt_sim.platform.storage.migrations import migrate
from umt_sim.platform.storage.table import AggregateTable
from umt_sim.servers.postgres import Engine

NOW = datetime(2026, 1, 1, tzinfo=UTC)

Command = methodcaller
words = st.sampled_from(["one", "two", "three"])


def commands(*kinds: st.SearchStrategy[Command]) -> st.SearchStrategy[list[Command]]:
    """Any commands in any order."""
    return st.lists(st.one_of(*kinds), max_size=25)


def obeyed(
    aggregate: AggregateRoot, table: AggregateTable[Any], orders: Sequence[Command]
) -> Iterator[bool]:
    """Carry the commands out; one that is refused changes nothing. Says of each which it was."""
    for order in orders:
        before = _state(aggregate, table)
        try:
            order(aggregate)
        except DomainError:
            assert before == _state(aggregate, table), f"{order} was refused halfway"
            yield False
        else:
            yield True


def _state(aggregate: AggregateRoot, table: AggregateTable[Any]) -> Any:
    return deepcopy((table.values(aggregate), table.document(aggregate), aggregate.domain_events))


@given(
    commands(
        st.builds(Command, st.just("rewrite"), words),
        st.builds(Command, st.just("add_variation"), st.builds(Variation, words, words)),
        st.just(Command("note_test", TestResult("one", "two", 0.5, 0.9))),
        st.integers(-1, 1).map(
            lambda hours: Command("schedule", NOW + timedelta(hours=hours), now=NOW)
        ),
        st.sampled_from([Command(name) for name in ("submit", "approve", "archive")]),
        st.builds(Command, st.just("publish"), words),
    )
)
def test_content_makes_sense_after_any_commands(orders: list[Command]) -> None:
    """Versions count up, and each is an event; what is scheduled has a time, what is out a name."""
    content = Content.create(brand_id=UUID(int=1), title="Hello", body="text")
    for _ in obeyed(content, ContentTable(), orders):
        numbers = [version.number for version in content.versions]
        assert list(range(1, len(numbers) + 1)) == numbers
        told = [event.event_type for event in content.domain_events]
        assert len(numbers) - 1 == told.count("content.version_added")
        assert len(content.test_results) == told.count("content.tested")
        if content.status is ContentStatus.SCHEDULED:
            assert content.scheduled_for == NOW + timedelta(hours=1)
        if content.status in (ContentStatus.DRAFT, ContentStatus.APPROVED):
            assert content.scheduled_for is None
        assert bool(content.reference) == ("content.published" in told)


@given(
    st.integers(1, 1000),
    commands(
        st.builds(
            Command,
            st.just("add_ad_set"),
            st.builds(AdSet, words, words, st.just(Targeting(("tools",)))),
        ),
        st.builds(Command, st.just("launch"), words),
        st.integers(0, 600).map(lambda cents: Command("spend", Money(cents, "EUR"))),
        st.sampled_from([Command(name) for name in ("pause", "resume", "complete")]),
    ),
)
def test_a_campaign_makes_sense_after_any_commands(cents: int, orders: list[Command]) -> None:
    """It spends only while it runs, never beyond its budget, and runs only with ad sets."""
    campaign = Campaign.create(
        brand_id=UUID(int=1),
        name="Spring",
        budget=Budget(Money(cents, "EUR"), Money(min(cents, 10), "EUR")),
        schedule=Schedule(NOW),
    )
    spent, running = 0, False
    for done in obeyed(campaign, CampaignTable(), orders):
        assert spent <= campaign.spent.cents <= cents
        assert campaign.spent.cents == spent or (running and done)
        spent, running = campaign.spent.cents, campaign.status is CampaignStatus.ACTIVE
        if running:
            assert campaign.ad_sets
            assert campaign.reference
            assert spent < cents or cents == 0
        told = [event.event_type for event in campaign.domain_events]
        assert told.count("campaign.launched") <= 1
        assert told.count("campaign.completed") == (campaign.status is CampaignStatus.COMPLETED)


def account(handle: str) -> SocialMediaAccount:
    return SocialMediaAccount("x", f"@{handle}", f"https://x.example/{handle}")


@given(
    commands(
        words.map(lambda handle: Command("add_social_media_account", account(handle))),
        st.builds(Command, st.just("describe"), words),
        st.builds(Command, st.just("change_tone"), words),
    )
)
def test_a_brand_makes_sense_after_any_commands(orders: list[Command]) -> None:
    """No account is there twice, and no change goes without its event."""
    brand = acme()
    events = len(brand.domain_events)
    before = _state(brand, BrandTable())[:2]
    for _ in obeyed(brand, BrandTable(), orders):
        handles = [known.handle for known in brand.social_media_accounts]
        assert len(set(handles)) == len(handles)
        changed = before != _state(brand, BrandTable())[:2]
        assert len(brand.domain_events) - events in ((1,) if changed else (0, 1))
        events, before = len(brand.domain_events), _state(brand, BrandTable())[:2]


# Repositories: PostgreSQL and the model in memory, side by side


@dataclass(frozen=True)
class Step:
    """One writer does one thing to one brand."""

    writer: int
    deed: str
    brand: int


steps = st.lists(
    st.builds(
        Step,
        st.integers(0, 2),
        st.sampled_from(["load", "change", "save", "save", "create"]),
        st.integers(0, 1),
    ),
    max_size=30,
)


class Writers:
    """Three writers with copies of their own, who do not know of each other."""

    def __init__(self, repository: Any, ids: Sequence[UUID]) -> None:
        self.repository = repository
        self.ids = ids
        self.copies: dict[tuple[int, int], Brand] = {}

    async def take(self, step: Step, number: int) -> Any:
        """Take one step; what came of it."""
        key = (step.writer, step.brand)
        try:
            match step.deed:
                case "create":
                    self.copies[key] = acme(brand_id=self.ids[step.brand], description="new")
                case "load":
                    self.copies[key] = await self.repository.get(self.ids[step.brand])
                case "change" if key in self.copies:
                    self.copies[key].describe(f"by {step.writer} in step {number}")
                case "save" if key in self.copies:
                    await self.repository.save(self.copies[key])
        except NotFound:
            return "nothing there"
        except VersionConflict as conflict:
            return conflict.expected, conflict.found
        copy = self.copies.get(key)
        return None if copy is None else (copy.version, copy.description)


@pytest.fixture(scope="module")
def real() -> Iterator[Engine]:
    """PostgreSQL itself, with every table of the platform."""
    with Engine(port=0) as engine:
        engine.fresh()
        asyncio.run(_on(engine, lambda db: migrate(db, all_migrations(), clock=SystemClock())))
        yield engine


async def _on(engine: Engine, play: Callable[[PostgresDatabase], Awaitable[Any]]) -> Any:
    assert engine.port is not None
    where = PostgresSettings(host="127.0.0.1", port=engine.port, user="umt", database="umt")
    database = PostgresDatabase(Configuration(postgres=where))
    try:
        return await play(database)
    finally:
        await database.close()


@settings(max_examples=60, deadline=None)
@given(steps=steps)
def test_a_repository_does_what_its_model_does(real: Engine, steps: list[Step]) -> None:
    """Three writers, two brands: the same results, the same conflicts, the same state."""
    ids = uuid4(), uuid4()

    async def play(database: PostgresDatabase) -> None:
        stored = Writers(PostgresBrandRepository(database), ids)
        model = Writers(InMemoryRepository(Brand, InMemoryUnitOfWork()), ids)
        for number, step in enumerate(steps):
            assert await model.take(step, number) == await stored.take(step, number), step
        for identity in ids:
            expected, found = [await w.repository.find(identity) for w in (model, stored)]
            assert _seen(expected) == _seen(found)

    asyncio.run(_on(real, play))


def _seen(brand: Brand | None) -> Any:
    return None if brand is None else (brand.version, brand.description)


@settings(max_examples=25, deadline=None)
@given(writers=st.integers(2, 7), rounds=st.integers(1, 3))
def test_of_writers_at_the_same_time_one_wins(real: Engine, writers: int, rounds: int) -> None:
    """Each round one save succeeds; the others conflict, and nothing of theirs is written."""
    brand = acme()

    async def play(database: PostgresDatabase) -> None:
        repository = PostgresBrandRepository(database)
        await repository.save(brand)
        for number in range(rounds):
            copies = [await repository.get(brand.id) for _ in range(writers)]
            for writer, copy in enumerate(copies):
                copy.describe(f"{number} by {writer}")
            outcomes = await asyncio.gather(
                *(repository.save(copy) for copy in copies), return_exceptions=True
            )
            (winner,) = [w for w, outcome in enumerate(outcomes) if outcome is None]
            conflicts = [outcome for outcome in outcomes if outcome is not None]
            assert all(isinstance(conflict, VersionConflict) for conflict in conflicts), conflicts
            stored = await repository.get(brand.id)
            assert (number + 2, f"{number} by {winner}") == (stored.version, stored.description)
        told = await database.query(
            "SELECT count(*) AS n FROM outbox WHERE event_type = 'brand.updated'"
            " AND position(convert_to($1, 'UTF8') IN body) > 0",
            str(brand.id),
        )
        assert rounds == told[0]["n"]

    asyncio.run(_on(real, play))
