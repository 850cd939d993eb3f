"""Old rows become aggregates: once each, whatever interrupts it, and proved equal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from umt_sim.platform.adapters.postgres import PostgresDatabase
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.application import all_migrations
from umt_sim.platform.bridges.data import (
    BrandImport,
    ContentImport,
    ImportDiffers,
    RowRefused,
    import_rows,
    new_id_of,
    verify,
)
from umt_sim.platform.configuration import Configuration, PostgresSettings
from umt_sim.platform.contexts.brand.postgres import PostgresBrandRepository
from umt_sim.platform.contexts.content.postgres import PostgresContentRepository
from umt_sim.platform.storage import migrate
from umt_sim.servers.postgres import Engine

OLD_SCHEMA = """
CREATE TABLE old_brands (
    id serial PRIMARY KEY, name text NOT NULL, description text, industry text NOT NULL,
    primary_color text, secondary_color text, font text, tone text
);
CREATE TABLE old_contents (
    id serial PRIMARY KEY, brand_id int NOT NULL, title text NOT NULL, body text NOT NULL,
    live boolean NOT NULL
);
INSERT INTO old_brands (name, industry, primary_color)
    SELECT 'Brand ' || n, 'Retail', '#00FF00' FROM generate_series(1, 25) n;
INSERT INTO old_contents (brand_id, title, body, live)
    SELECT 1 + n % 25, 'Title ' || n, 'Body ' || n, n % 2 = 0 FROM generate_series(1, 60) n;
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(port=0) as running:
        yield running


@pytest.fixture
def on_old_data(engine: Engine) -> Callable[[Callable[[PostgresDatabase], Awaitable[None]]], None]:
    def run(play: Callable[[PostgresDatabase], Awaitable[None]]) -> None:
        engine.fresh()

        async def main() -> None:
            assert engine.port is not None
            settings = PostgresSettings(
                host="127.0.0.1", port=engine.port, user="umt", database="umt"
            )
            database = PostgresDatabase(Configuration(postgres=settings))
            try:
                await migrate(database, all_migrations(), clock=SystemClock())
                await database.execute(OLD_SCHEMA)
                await play(database)
            finally:
                await database.close()

        asyncio.run(main())

    return run


def test_all_rows_come_over_once(on_old_data: Any) -> None:
    """A second import finds nothing to do; counts and checksums agree."""

    async def play(database: PostgresDatabase) -> None:
        clock = SystemClock()
        assert 25 == await import_rows(database, BrandImport(), clock=clock, batch=10)
        assert 60 == await import_rows(database, ContentImport(), clock=clock, batch=7)
        assert 0 == await import_rows(database, ContentImport(), clock=clock)
        assert 25 == (await verify(database, BrandImport())).new_count
        verification = await verify(database, ContentImport())
        assert (60, 60, True) == (
            verification.old_count,
            verification.new_count,
            verification.matches,
        )
        brand = await PostgresBrandRepository(database).get(new_id_of("brand", 3))
        assert ("Brand 3", "#00FF00", "RETAIL") == (
            brand.name,
            brand.styling.primary_color,
            brand.industry.code,
        )
        assert 0 == (await database.query("SELECT count(*) FROM outbox"))[0]["count"]

    on_old_data(play)


class Interrupted(ContentImport):
    """Fails in the middle of a batch."""

    def aggregate(self, row: Any) -> Any:
        if row["id"] == 34:
            raise ConnectionResetError("power cut")
        return super().aggregate(row)


def test_an_interrupted_import_goes_on_where_it_was(on_old_data: Any) -> None:
    """The batch that failed leaves nothing behind, and the next run begins with it."""

    async def play(database: PostgresDatabase) -> None:
        clock = SystemClock()
        with pytest.raises(ConnectionResetError):
            await import_rows(database, Interrupted(), clock=clock, batch=10)
        assert 30 == (await database.query("SELECT count(*) FROM contents"))[0]["count"]
        assert 30 == await import_rows(database, ContentImport(), clock=clock, batch=10)
        assert (await verify(database, ContentImport())).matches

    on_old_data(play)


def test_a_difference_is_found(on_old_data: Any) -> None:
    """A changed and a missing row each make the verification fail, with both counts."""

    async def play(database: PostgresDatabase) -> None:
        await import_rows(database, ContentImport(), clock=SystemClock())
        content = await PostgresContentRepository(database).get(new_id_of("content", 5))
        content.rewrite("tampered with")
        await PostgresContentRepository(database).save(content)
        with pytest.raises(ImportDiffers, match="import of contents differs: 60 old rows, 60 new"):
            await verify(database, ContentImport())
        await database.execute("DELETE FROM contents WHERE id = $1", content.id)
        with pytest.raises(ImportDiffers, match="60 old rows, 59 new ones"):
            await verify(database, ContentImport())

    on_old_data(play)


def test_a_row_that_breaks_a_rule_is_named_and_can_be_mended(on_old_data: Any) -> None:
    """The batches before it are imported; once it is mended the import goes on with its batch."""

    async def play(database: PostgresDatabase) -> None:
        clock = SystemClock()
        await database.execute("UPDATE old_contents SET title = ' ' WHERE id = 34")
        for _ in range(2):  # trying again changes nothing
            with pytest.raises(RowRefused, match="row 34 of old_contents is not imported: content"):
                await import_rows(database, ContentImport(), clock=clock, batch=10)
            assert 30 == (await database.query("SELECT count(*) FROM contents"))[0]["count"]
        await database.execute("UPDATE old_contents SET title = 'Mended' WHERE id = 34")
        assert 30 == await import_rows(database, ContentImport(), clock=clock, batch=10)
        assert (await verify(database, ContentImport())).matches

    on_old_data(play)


def test_any_industry_gets_a_code_and_any_id_is_imported(on_old_data: Any) -> None:
    """Old data has ampersands, digits, other alphabets and a row number zero."""
    codes = {
        "Food & Drink": "FOOD_DRINK",
        "3D printing": "I_3D_PRINTING",
        "B\u00e4ckerei": "B_CKEREI",
        "X": "X_",
        "\u98df\u54c1": "I_",
        "Telecommunications equipment": "TELECOMMUNICATIO",
    }

    async def play(database: PostgresDatabase) -> None:
        await database.execute("DELETE FROM old_brands")
        for old_id, industry in enumerate(codes):
            await database.execute(
                "INSERT INTO old_brands (id, name, industry) VALUES ($1, 'B', $2)", old_id, industry
            )
        assert len(codes) == await import_rows(database, BrandImport(), clock=SystemClock())
        brands = await PostgresBrandRepository(database).named("B")
        assert codes == {brand.industry.name: brand.industry.code for brand in brands}
        assert (await verify(database, BrandImport())).matches

    on_old_data(play)


def test_importers_at_the_same_time_take_turns(on_old_data: Any) -> None:
    """Six of them, from the making of the table that remembers how far they are."""

    async def play(database: PostgresDatabase) -> None:
        await asyncio.gather(*(database.query("SELECT pg_sleep(0.1)") for _ in "123456"))  # connect
        imported = await asyncio.gather(
            *(
                import_rows(database, ContentImport(), clock=SystemClock(), batch=7)
                for _ in "123456"
            )
        )
        assert 60 == sum(imported)
        assert (await verify(database, ContentImport())).matches

    on_old_data(play)
