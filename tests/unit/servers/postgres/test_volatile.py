"""
No function of PostgreSQL's tells two runs apart: asked one by one, from its own catalogue.

Every function without arguments that PostgreSQL itself does not call immutable is called in two
runs of one seed, at different moments of the machine. What it answers must be the same. What
PostgreSQL shows of its own life (statistics, control file, folders) is left out: that leaks, and
the documentation says so.
"""

from __future__ import annotations

import asyncpg

from tests.conformance.postgres.places import Database, OursInVirtualTime

# They act on the server, show its statistics, files and control data, or are the originals
# that ours have taken the place of.
LEFT_OUT = (
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_switch_wal",
    "pg_promote",
    "pg_wal_replay",
    "pg_export_snapshot",
    "pg_log_standby_snapshot",
    "pg_replication_origin",
    "pg_backup",
    "pg_stop_backup",
    "pg_stat_",
    "pg_ls_",
    "pg_control_",
    "pg_current_logfile",
    "umt_real_",
)

FUNCTIONS = """
    SELECT DISTINCT proname FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND pronargs = 0 AND provolatile <> 'i'
      AND prokind = 'f' AND NOT proretset AND provariadic = 0
      AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'void'::regtype,
                             'internal'::regtype, 'cstring'::regtype)
    ORDER BY proname
"""


def answers(ours: OursInVirtualTime) -> dict[str, str]:
    """What each function answers in one run."""
    found: dict[str, str] = {}

    async def case(db: Database) -> None:
        one = await db.connect()
        for row in await one.fetch(FUNCTIONS):
            name = row["proname"]
            if name.startswith(LEFT_OUT):
                continue
            try:
                found[name] = str(await one.fetchval(f'SELECT pg_catalog."{name}"()::text'))
            except asyncpg.PostgresError as error:
                found[name] = error.sqlstate

    ours.run(case)
    return found


def test_no_function_tells_two_runs_apart(ours: OursInVirtualTime) -> None:
    """Clocks, randomness, process and transaction ids: two runs of one seed hear the same."""
    first, second = answers(ours), answers(ours)
    assert len(first) > 40
    assert {"now", "random", "clock_timestamp", "gen_random_uuid", "timeofday"} <= first.keys()
    assert [] == [name for name in first if first[name] != second[name]]


DISGUISES = [
    'SELECT "now"()',
    "SELECT pg_catalog . now ( )",
    "SELECT now/* not the machine's */()",
    "SELECT CURRENT_TIMESTAMP -- now",
    "SELECT cast(current_timestamp AS timestamptz)",
    "SELECT (SELECT max(t) FROM (VALUES (CURRENT_TIMESTAMP)) v(t))",
    "SELECT coalesce(NULL, statement_timestamp())",
    "SELECT stamp FROM stamps",
    "SELECT stamp FROM seen",
    "SELECT stamped()",
    "SELECT assembled()",
    "INSERT INTO stamps DEFAULT VALUES RETURNING stamp",
    "WITH fresh AS (INSERT INTO stamps DEFAULT VALUES RETURNING stamp) SELECT stamp FROM fresh",
    "SELECT to_timestamp(extract(epoch FROM clock_timestamp()))",
    "EXECUTE later",
]


def test_no_disguise_gets_at_the_machines_clock(ours: OursInVirtualTime) -> None:
    """Quoted, commented, cast, in defaults, views, functions and prepared statements."""

    async def case(db: Database) -> None:
        one = await db.connect()
        await one.execute(
            """
            CREATE TABLE stamps (stamp timestamptz DEFAULT CURRENT_TIMESTAMP);
            INSERT INTO stamps DEFAULT VALUES;
            CREATE VIEW seen AS SELECT now() AS stamp;
            CREATE FUNCTION stamped() RETURNS timestamptz LANGUAGE plpgsql AS
                $$ BEGIN RETURN CURRENT_TIMESTAMP; END $$;
            CREATE FUNCTION assembled() RETURNS timestamptz LANGUAGE plpgsql AS $$
                DECLARE found timestamptz;
                BEGIN EXECUTE 'SELECT no' || 'w()' INTO found; RETURN found; END $$;
            PREPARE later AS SELECT now();
            """
        )
        for query in DISGUISES:
            stamp = await one.fetchval(query)
            assert (2026, 1, 1, 0) == (stamp.year, stamp.month, stamp.day, stamp.hour), query

    ours.run(case)
