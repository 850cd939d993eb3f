"""Improvement 5: aggregates that keep their rules, repositories that keep their versions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.acme import acme
from umt_sim.platform.adapters.fernet import FernetVault
from umt_sim.platform.adapters.in_memory import InMemoryRepository, InMemoryUnitOfWork
from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.application import all_migrations
from umt_sim.platform.configuration import Configuration, PostgresSettings
from umt_sim.platform.contexts.analytics.model import (
    Insight,
    Metric,
    MetricCollection,
    Report,
    ReportKind,
    TimeFrame,
    outstanding,
)
from umt_sim.platform.contexts.analytics.postgres import (
    PostgresMetricCollectionRepository,
    PostgresReportRepository,
)
from umt_sim.platform.contexts.brand.model import (
    BrandStyling,
    Industry,
    Project,
    SocialMediaAccount,
    TargetAudience,
)
from umt_sim.platform.contexts.brand.postgres import (
    PostgresBrandRepository,
    PostgresProjectRepository,
)
from umt_sim.platform.contexts.campaign.model import (
    AdSet,
    Budget,
    Campaign,
    CampaignStatus,
    Money,
    Schedule,
    Targeting,
)
from umt_sim.platform.contexts.campaign.postgres import PostgresCampaignRepository
from umt_sim.platform.contexts.content.model import (
    Content,
    ContentStatus,
    Template,
    TestResult,
    Variation,
)
from umt_sim.platform.contexts.content.postgres import ContentTable, PostgresContentRepository
from umt_sim.platform.contexts.integration.model import (
    ConnectionSettings,
    Credentials,
    Integration,
)
from umt_sim.platform.contexts.integration.postgres import PostgresIntegrationRepository
from umt_sim.platform.domain import DomainEventDispatcher, Specification, new_id
from umt_sim.platform.domain.model import DomainEvent
from umt_sim.platform.errors import (
    AlreadyHandled,
    ErrorClass,
    IllegalTransition,
    InvariantViolated,
    NotFound,
    VersionConflict,
)
from umt_sim.platform.storage import SqlUnitOfWork, migrate
from umt_sim.platform.storage.defaults import announcements
from umt_sim.servers.postgres import Engine

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BRAND = UUID(int=1)


# Aggregates


def story(**changes: Any) -> Content:
    return Content.create(**{"brand_id": BRAND, "title": "Hello", "body": "World", **changes})


def campaign() -> Campaign:
    made = Campaign.create(
        brand_id=BRAND,
        name="Spring",
        budget=Budget(Money(1000, "EUR"), Money(100, "EUR")),
        schedule=Schedule(NOW),
    )
    made.add_ad_set(AdSet("main", "Buy.", Targeting(("tech",)), (UUID(int=7),)))
    return made


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Industry("", "TECH"), "an industry has a name"),
        (lambda: Industry("Technology", "tech"), "an industry code is like TECH, not 'tech'"),
        (lambda: BrandStyling("red", "#33FF57", "R", "P"), "a color is like #FF5733, not 'red'"),
        (lambda: SocialMediaAccount("twitter", "@a", "acme"), "an account's url is a web address"),
        (lambda: TargetAudience("all", 40, 30), "ages run from 0 to 120, not from 40 to 30"),
        (lambda: acme(name=" "), "a brand has a name"),
        (lambda: story(body=" "), "a version has a body"),
        (lambda: Template("t", "costs $ 5"), "template 't' has a stray \\$"),
        (lambda: Money(-1, "EUR"), "money is not negative"),
        (lambda: Money(1, "euro"), "a currency is like EUR, not 'euro'"),
        (lambda: Budget(Money(1, "EUR"), Money(2, "EUR")), "0.02 EUR a day is more than 0.01 EUR"),
        (lambda: Schedule(NOW, NOW), "a schedule ends after it starts"),
        (lambda: Insight("x", 2.0), "confidence is between 0 and 1"),
        (lambda: Metric("m", float("nan")), "m is not a number"),
        (lambda: TestResult.compare("A", "B", impressions=(0, 1), conversions=(0, 0)), "0 conver"),
    ],
)
def test_nonsense_is_never_made(make: Callable[[], Any], rule: str) -> None:
    """A value or aggregate that makes no sense raises, with the rule it breaks."""
    with pytest.raises(InvariantViolated, match=rule):
        make()


def test_values_are_equal_by_value_and_entities_by_id() -> None:
    """Two industries of one name are one; two brands of one name are two."""
    assert Industry("Technology", "TECH") == Industry("Technology", "TECH")
    assert acme() != acme()
    assert acme(brand_id=BRAND) == acme(brand_id=BRAND, name="Other")
    assert 1 == len({acme(brand_id=BRAND), acme(brand_id=BRAND, name="Other")})


def test_a_brand_has_an_account_once() -> None:
    """The same handle on the same platform is added once; every change is an event."""
    brand = acme()
    account = SocialMediaAccount("twitter", "@acmeinc", "https://twitter.com/acmeinc")
    brand.add_social_media_account(account)
    with pytest.raises(InvariantViolated, match="already has @acmeinc on twitter"):
        brand.add_social_media_account(account)
    assert ["brand.created", "brand.updated"] == [e.event_type for e in brand.domain_events]
    brand.clear_domain_events()
    assert () == brand.domain_events


def test_content_goes_its_way_and_no_other() -> None:
    """A draft is approved, then published, then archived; a shortcut names the open ways."""
    content = story()
    with pytest.raises(
        IllegalTransition, match="content is draft and cannot become published; from there it may"
    ):
        content.publish("x")
    content.submit()
    content.approve()
    content.schedule(NOW + timedelta(days=1), now=NOW)
    content.publish("site/1")
    content.archive()
    assert ContentStatus.ARCHIVED is content.status
    with pytest.raises(InvariantViolated, match="archived content is not rewritten"):
        content.rewrite("new")


def test_rewritten_content_has_to_be_approved_again() -> None:
    """A new version takes approval and schedule back."""
    content = story()
    content.approve()
    content.schedule(NOW + timedelta(days=1), now=NOW)
    content.rewrite("Better")
    assert (ContentStatus.DRAFT, None, "Better") == (
        content.status,
        content.scheduled_for,
        content.body,
    )
    assert [1, 2] == [version.number for version in content.versions]


def test_a_template_is_filled_or_says_what_it_needs() -> None:
    """Every placeholder gets a value, or the missing one is named."""
    template = Template("hello", "Hello $name")
    assert "Hello Ann" == template.fill({"name": "Ann"})
    with pytest.raises(InvariantViolated, match="template 'hello' needs a value for 'name'"):
        template.fill({})


def test_a_test_of_variations_is_the_two_proportion_z_test() -> None:
    """50 and 80 of 1000: lift 60 %, z 2.72, confidence 0.9935."""
    result = TestResult.compare("A", "B", impressions=(1000, 1000), conversions=(50, 80))
    assert ("B", 0.6, 0.9935) == (result.winner, round(result.lift, 9), round(result.confidence, 4))
    even = TestResult.compare("A", "B", impressions=(10, 10), conversions=(5, 5))
    assert ("A", 0.0, 0.0) == (even.winner, even.lift, even.confidence)


@given(st.lists(st.integers(0, 400), max_size=20))
def test_a_campaign_never_spends_more_than_its_budget(amounts: list[int]) -> None:
    """Whatever is spent in whatever order, the sum stays within the budget."""
    running = campaign()
    running.launch("c1")
    for cents in amounts:
        try:
            running.spend(Money(cents, "EUR"))
        except InvariantViolated:
            continue
    assert running.spent <= running.budget.total
    assert (running.status is CampaignStatus.COMPLETED) == (running.left.cents == 0)


def test_money_of_two_currencies_does_not_meet() -> None:
    """Euros and dollars are neither added nor compared."""
    with pytest.raises(InvariantViolated, match=r"1\.00 EUR and 1\.00 USD are of different curr"):
        Money(100, "EUR") + Money(100, "USD")


def test_what_stands_out_becomes_an_insight() -> None:
    """A subject more than one deviation from the mean is worth a sentence; two subjects never."""
    values = {UUID(int=n): 10.0 for n in range(9)} | {UUID(int=9): 100.0}
    (insight,) = outstanding(values, "clicks")
    assert insight.statement.startswith(f"clicks of {UUID(int=9)} is 3.0 standard deviations above")
    assert [] == outstanding({UUID(int=1): 1.0, UUID(int=2): 9.0}, "clicks")


def test_credentials_show_themselves_only_to_the_vault() -> None:
    """Neither repr nor str of credentials or their integration shows the secret or its seal."""
    vault = FernetVault([FernetVault.new_key()])
    credentials = Credentials.of("hunter2", vault)
    integration = Integration.create(
        brand_id=BRAND,
        settings=ConnectionSettings("social", "acme"),
        credentials=credentials,
    )
    assert "hunter2" == credentials.reveal(vault)
    for shown in (repr(credentials), str(credentials), repr(integration), repr(vault)):
        assert "hunter2" not in shown
        assert credentials.sealed.decode() not in shown
    with pytest.raises(InvariantViolated, match="not sealed with a key of ours"):
        credentials.reveal(FernetVault([FernetVault.new_key()]))


def test_a_key_can_be_changed() -> None:
    """What the old key sealed opens with both, and after resealing with the new one alone."""
    old, new = FernetVault.new_key(), FernetVault.new_key()
    credentials = Credentials.of("hunter2", FernetVault([old]))
    renewed = credentials.renewed(FernetVault([new, old]))
    assert "hunter2" == renewed.reveal(FernetVault([new]))


def test_specifications_combine() -> None:
    """And, or and not read as they sound, and keep their names."""
    short = Specification[str]("short", lambda text: len(text) < 4)
    loud = Specification[str]("loud", str.isupper)
    assert (short & ~loud).is_satisfied_by("abc")
    assert (short | loud).is_satisfied_by("LOUDER")
    assert "(short and not loud)" == (short & ~loud).name


def test_the_dispatcher_calls_all_and_raises_all() -> None:
    """Sync and async handlers run in order; one failure does not silence the others."""
    heard: list[str] = []

    async def later(event: DomainEvent) -> None:
        heard.append("async")

    def fails(event: DomainEvent) -> None:
        raise KeyError("lost")

    dispatcher = DomainEventDispatcher()
    dispatcher.subscribe(DomainEvent, lambda event: heard.append(event.event_type))
    dispatcher.subscribe(DomainEvent, fails)
    dispatcher.subscribe(DomainEvent, later)
    with pytest.raises(ExceptionGroup) as group:
        asyncio.run(dispatcher.dispatch(acme().domain_events[0]))
    assert ["brand.created", "async"] == heard
    assert [KeyError] == [type(error) for error in group.value.exceptions]


def test_ids_come_from_the_randomness_that_is_passed_in() -> None:
    """Equal seeds make equal ids, of version 4."""
    assert new_id(Random(1)) == new_id(Random(1)) != new_id(Random(2))
    assert 4 == new_id().version


# Repositories, against a real PostgreSQL


@pytest.fixture(scope="module")
def real_engine() -> Iterator[Engine]:
    """PostgreSQL on a port of this machine, with nothing of ours in between."""
    with Engine(port=0) as running:
        yield running


Play = Callable[[PostgresDatabase], Awaitable[None]]


@pytest.fixture
def on_postgres(real_engine: Engine) -> Callable[[Play], None]:
    """Runs a coroutine function on an empty, migrated database."""

    def run(play: Play) -> None:
        real_engine.fresh()

        async def main() -> None:
            assert real_engine.port is not None
            database = PostgresDatabase(
                Configuration(
                    postgres=PostgresSettings(
                        host="127.0.0.1", port=real_engine.port, user="umt", database="umt"
                    )
                )
            )
            try:
                await migrate(database, all_migrations(), clock=SystemClock())
                await play(database)
            finally:
                await database.close()

        asyncio.run(main())

    return run


def test_brands_come_back_as_they_were(on_postgres: Callable[[Play], None]) -> None:
    """Every field of a brand survives, and the copy is nobody else's."""

    async def play(database: PostgresDatabase) -> None:
        repository = PostgresBrandRepository(database)
        brand = acme(target_audience=TargetAudience("builders", 20, 60, ("tools", "cars")))
        brand.add_social_media_account(SocialMediaAccount("x", "@a", "https://x.example/a"))
        await repository.save(brand)
        loaded = await repository.get(brand.id)
        assert loaded is not brand
        for name in ("id", "version", "name", "description", "industry", "styling"):
            assert getattr(brand, name) == getattr(loaded, name)
        assert brand.target_audience == loaded.target_audience
        assert brand.social_media_accounts == loaded.social_media_accounts
        assert [brand] == list(await repository.named("Acme Inc."))
        assert await repository.find(UUID(int=9)) is None
        with pytest.raises(NotFound, match="there is no brand"):
            await repository.get(UUID(int=9))

    on_postgres(play)


def test_every_other_aggregate_comes_back_too(on_postgres: Callable[[Play], None]) -> None:
    """Projects, content, campaigns, metrics, reports and integrations survive storage."""

    async def play(database: PostgresDatabase) -> None:
        brand = acme(brand_id=BRAND)
        await PostgresBrandRepository(database).save(brand)
        content = story(variations=[Variation("A", "World!")], metadata={"topics": "a"})
        content.note_test(TestResult.compare("A", "B", impressions=(9, 9), conversions=(1, 2)))
        content.rewrite("Better")
        content.approve()
        content.schedule(NOW + timedelta(days=1), now=NOW)
        running = campaign()
        running.launch("c1")
        running.spend(Money(10, "EUR"))
        collection = MetricCollection.collect(
            subject_id=BRAND, time_frame=TimeFrame(NOW, NOW), metrics=[Metric("m", 1.5, "EUR")]
        )
        report = Report.begin(brand_id=BRAND, kind=ReportKind.STRATEGY)
        report.add(Insight("so it is", 0.5))
        report.recommend(["a", "b"])
        integration = Integration.create(
            brand_id=BRAND,
            settings=ConnectionSettings("social", "acme"),
            credentials=Credentials(b"sealed"),
        )
        integration.connect()
        integration.fail_sync("gone", now=NOW)
        pairs: list[tuple[Any, Any]] = [
            (PostgresProjectRepository(database), Project.create(brand_id=BRAND, name="P")),
            (PostgresContentRepository(database), content),
            (PostgresCampaignRepository(database), running),
            (PostgresMetricCollectionRepository(database), collection),
            (PostgresReportRepository(database), report),
            (PostgresIntegrationRepository(database), integration),
        ]
        for repository, aggregate in pairs:
            await repository.save(aggregate)
            loaded = await repository.get(aggregate.id)
            table = repository.table
            assert table.values(aggregate) == table.values(loaded)
            assert table.document(aggregate) == table.document(loaded)
            assert 1 == loaded.version == aggregate.version
        (latest,) = await PostgresMetricCollectionRepository(database).latest([BRAND])
        assert 1.5 == latest.value("m")

    on_postgres(play)


def test_the_second_of_two_writers_is_told(on_postgres: Callable[[Play], None]) -> None:
    """Two load version 1; the one who saves later conflicts, and nothing of his is written."""

    async def play(database: PostgresDatabase) -> None:
        repository = PostgresContentRepository(database)
        content = story()
        await repository.save(content)
        first, second = await repository.get(content.id), await repository.get(content.id)
        first.rewrite("first")
        await repository.save(first)
        second.rewrite("second")
        with pytest.raises(VersionConflict) as conflict:
            await repository.save(second)
        assert (content.id, 1, 2) == (
            conflict.value.aggregate_id,
            conflict.value.expected,
            conflict.value.found,
        )
        assert "first" == (await repository.get(content.id)).body
        events = await database.query("SELECT event_type FROM outbox ORDER BY position")
        assert ["content.created", "content.version_added"] == [e["event_type"] for e in events]

    on_postgres(play)


def test_one_of_two_who_create_the_same_is_told(on_postgres: Callable[[Play], None]) -> None:
    """An id that is taken is a conflict with the stored version, which no repetition resolves."""

    async def play(database: PostgresDatabase) -> None:
        repository = PostgresContentRepository(database)
        await repository.save(story(content_id=BRAND))
        with pytest.raises(VersionConflict, match="is new, but version 1 is stored") as conflict:
            await repository.save(story(content_id=BRAND))
        assert ErrorClass.CLIENT is conflict.value.error_class

    on_postgres(play)


def test_aggregate_events_and_key_are_written_together(
    on_postgres: Callable[[Play], None],
) -> None:
    """A repeated idempotency key writes neither the aggregate nor its events again."""

    async def play(database: PostgresDatabase) -> None:
        work = SqlUnitOfWork(database, [ContentTable()], clock=SystemClock())
        for attempt in range(2):
            try:
                async with work.begin(announcements()) as writes:
                    writes.save(story())
                    writes.remember("k", b"answer")
            except AlreadyHandled:
                assert 1 == attempt
        assert b"answer" == await work.answer_to("k")
        assert await work.answer_to("other") is None
        for table in ("contents", "outbox", "handled_tasks"):
            assert 1 == (await database.query(f"SELECT count(*) FROM {table}"))[0]["count"]

    on_postgres(play)


def test_an_exception_in_the_block_writes_nothing(on_postgres: Callable[[Play], None]) -> None:
    """Work is committed at the end of its block or not at all."""

    async def play(database: PostgresDatabase) -> None:
        work = SqlUnitOfWork(database, [ContentTable()], clock=SystemClock())

        async def fail() -> None:
            async with work.begin(announcements()) as writes:
                writes.save(story())
                raise KeyError

        with pytest.raises(KeyError):
            await fail()
        assert 0 == (await database.query("SELECT count(*) FROM contents"))[0]["count"]

    on_postgres(play)


def test_events_are_stored_once_and_dispatched_by_their_owner(
    on_postgres: Callable[[Play], None],
) -> None:
    """Saving twice stores an event once; it stays with the aggregate until it is cleared."""

    async def play(database: PostgresDatabase) -> None:
        repository = PostgresContentRepository(database)
        content = story()
        await repository.save(content)
        await repository.save(content)
        assert 2 == content.version
        assert 1 == len(content.domain_events)
        assert 1 == (await database.query("SELECT count(*) FROM outbox"))[0]["count"]

    on_postgres(play)


def test_migrations_are_applied_once_and_never_edited(
    on_postgres: Callable[[Play], None],
) -> None:
    """A second run applies nothing; an edited file is refused by name."""

    async def play(database: PostgresDatabase) -> None:
        from dataclasses import replace

        from umt_sim.platform.storage.migrations import MigrationChanged

        migrations = all_migrations()
        assert [] == list(await migrate(database, migrations, clock=SystemClock()))
        edited = replace(migrations[0], sql=migrations[0].sql + "-- better")
        with pytest.raises(MigrationChanged, match="storage/0001_outbox was edited"):
            await migrate(database, [edited], clock=SystemClock())

    on_postgres(play)


def test_the_database_itself_guards_the_budget(on_postgres: Callable[[Play], None]) -> None:
    """Even SQL past the model cannot spend more than the budget."""

    async def play(database: PostgresDatabase) -> None:
        from umt_sim.platform.errors import UpstreamRefused

        await PostgresCampaignRepository(database).save(campaign())
        with pytest.raises(UpstreamRefused) as refusal:
            await database.execute("UPDATE campaigns SET spent_cents = budget_cents + 1")
        assert "23514" == refusal.value.code

    on_postgres(play)


def test_the_fake_keeps_the_same_promises() -> None:
    """The in-memory repository conflicts, copies and misses like the real one."""

    async def main() -> None:
        repository = InMemoryRepository(Content, InMemoryUnitOfWork())
        content = story()
        await repository.save(content)
        first, second = await repository.get(content.id), await repository.get(content.id)
        first.rewrite("first")
        await repository.save(first)
        second.rewrite("second")
        with pytest.raises(VersionConflict):
            await repository.save(second)
        assert "first" == (await repository.get(content.id)).body
        with pytest.raises(NotFound):
            await repository.get(UUID(int=9))

    asyncio.run(main())
