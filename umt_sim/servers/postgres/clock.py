"""
Gives the engine virtual time: the SQL functions that tell time read what we write.

The engine's machine has a clock of its own, and ``now()`` is compiled into the server. So
the template's catalogue calls those functions by other names and has ours in their place.
They read a file in the data folder, one row for each session, that this process has mapped
into its memory: telling a session the time costs no system call, and a query that does not
ask for it pays nothing.
"""

from __future__ import annotations

import mmap
from pathlib import Path

__all__ = ["CLOCK_FILE", "ROWS", "SCRIPT", "Clock"]

CLOCK_FILE = "umt_sim_clock"
ROWS = 4096
WIDTH = 48  # three numbers of 16 digits: begin of transaction, begin of statement, now

SCRIPT = r"""
UPDATE pg_proc SET proname = 'umt_real_' || proname
WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN (
    'now', 'transaction_timestamp', 'statement_timestamp', 'clock_timestamp', 'timeofday', 'age',
    'pg_sleep', 'pg_sleep_for', 'pg_sleep_until', 'pg_backend_pid', 'pg_postmaster_start_time',
    'pg_conf_load_time', 'gen_random_uuid', 'uuidv4', 'uuidv7'
) AND NOT (proname = 'age' AND (pronargs <> 1 OR proargtypes[0] = 'xid'::regtype));

DO $do$ BEGIN EXECUTE format(
    'CREATE FUNCTION pg_catalog.umt_sim_read(text, bigint, bigint) RETURNS text'
    ' LANGUAGE internal STABLE STRICT AS %L',
    (SELECT prosrc FROM pg_proc WHERE oid = 'pg_read_file(text, bigint, bigint)'::regprocedure)
); END $do$;

CREATE FUNCTION pg_catalog.umt_sim_clock(part int) RETURNS bigint LANGUAGE sql STABLE RETURN
    umt_sim_read('umt_sim_clock', current_setting('umt_sim.row')::bigint * 48 + part * 16, 16)
    ::bigint;

CREATE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql STABLE RETURN
    '1970-01-01 00:00:00+00'::timestamptz + umt_sim_clock(0) * '1 microsecond'::interval;

CREATE FUNCTION pg_catalog.transaction_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN now();

CREATE FUNCTION pg_catalog.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE RETURN
    '1970-01-01 00:00:00+00'::timestamptz + umt_sim_clock(1) * '1 microsecond'::interval;

CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE RETURN
    '1970-01-01 00:00:00+00'::timestamptz + umt_sim_clock(2) * '1 microsecond'::interval;

CREATE FUNCTION pg_catalog.timeofday() RETURNS text LANGUAGE sql VOLATILE RETURN
    to_char(clock_timestamp(), 'Dy Mon DD HH24:MI:SS.US YYYY TZ');

CREATE FUNCTION pg_catalog."current_timestamp"() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN now();

CREATE FUNCTION pg_catalog."current_timestamp"(digits int) RETURNS timestamptz LANGUAGE sql
    STABLE RETURN pg_catalog."timestamptz"(now(), digits);

CREATE FUNCTION pg_catalog."localtimestamp"() RETURNS timestamp LANGUAGE sql STABLE
    RETURN now()::timestamp;

CREATE FUNCTION pg_catalog."localtimestamp"(digits int) RETURNS timestamp LANGUAGE sql STABLE
    RETURN pg_catalog."timestamp"(now()::timestamp, digits);

CREATE FUNCTION pg_catalog."current_date"() RETURNS date LANGUAGE sql STABLE
    RETURN now()::date;

CREATE FUNCTION pg_catalog."current_time"() RETURNS timetz LANGUAGE sql STABLE
    RETURN now()::timetz;

CREATE FUNCTION pg_catalog."current_time"(digits int) RETURNS timetz LANGUAGE sql STABLE
    RETURN pg_catalog."timetz"(now()::timetz, digits);

CREATE FUNCTION pg_catalog."localtime"() RETURNS time LANGUAGE sql STABLE
    RETURN now()::time;

CREATE FUNCTION pg_catalog."localtime"(digits int) RETURNS time LANGUAGE sql STABLE
    RETURN pg_catalog."time"(now()::time, digits);

CREATE FUNCTION pg_catalog.age(timestamptz) RETURNS interval LANGUAGE sql STABLE STRICT
    RETURN age(now()::date::timestamptz, $1);

CREATE FUNCTION pg_catalog.age(timestamp) RETURNS interval LANGUAGE sql STABLE STRICT
    RETURN age(now()::date::timestamp, $1);

CREATE FUNCTION pg_catalog.pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN '2026-01-01 00:00:00+00'::timestamptz;

CREATE FUNCTION pg_catalog.pg_conf_load_time() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN '2026-01-01 00:00:00+00'::timestamptz;

CREATE FUNCTION pg_catalog.pg_backend_pid() RETURNS int LANGUAGE sql STABLE
    RETURN current_setting('umt_sim.pid')::int;

CREATE FUNCTION pg_catalog.pg_sleep(seconds double precision) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT AS $body$
DECLARE
    wake CONSTANT bigint := umt_sim_clock(2) + (seconds * 1e6)::bigint;
BEGIN
    IF seconds > 0 THEN
        RAISE INFO USING ERRCODE = 'US001', MESSAGE = seconds::text;
        WHILE umt_sim_clock(2) < wake LOOP
            PERFORM umt_real_pg_sleep(0.0005);
        END LOOP;
    END IF;
END
$body$;

CREATE FUNCTION pg_catalog.pg_sleep_for(interval) RETURNS void LANGUAGE sql VOLATILE STRICT
    RETURN pg_sleep(extract(epoch FROM $1)::double precision);

CREATE FUNCTION pg_catalog.pg_sleep_until(timestamptz) RETURNS void LANGUAGE sql VOLATILE STRICT
    RETURN pg_sleep(extract(epoch FROM $1 - clock_timestamp())::double precision);

CREATE FUNCTION pg_catalog.gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE RETURN
    overlay(overlay(
        md5(concat_ws('/', pg_backend_pid(), umt_sim_clock(2), random(), random()))
        PLACING '4' FROM 13) PLACING to_hex(8 + floor(random() * 4)::int) FROM 17)::uuid;

DO $do$ BEGIN
IF EXISTS (SELECT FROM pg_proc WHERE proname = 'umt_real_uuidv7') THEN
    CREATE FUNCTION pg_catalog.uuidv4() RETURNS uuid LANGUAGE sql VOLATILE
        RETURN gen_random_uuid();
    CREATE FUNCTION pg_catalog.uuidv7(shift interval DEFAULT '0') RETURNS uuid
        LANGUAGE sql VOLATILE RETURN overlay(overlay(
            replace(gen_random_uuid()::text, '-', '')
            PLACING lpad(to_hex((extract(epoch FROM clock_timestamp() + shift) * 1000)::bigint),
                12, '0') FROM 1) PLACING '7' FROM 13)::uuid;
END IF;
END $do$;
"""
"""Statements for every database of the template."""


class Clock:
    """
    The file the engine's time functions read.

    Args:
        data: Data folder of the engine.
    """

    def __init__(self, data: Path) -> None:
        with (data / CLOCK_FILE).open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), ROWS * WIDTH)
        self._free = list(range(ROWS - 1, -1, -1))

    def take_row(self) -> int:
        """A row for one more session, the lowest that is free."""
        return self._free.pop()

    def give_back(self, row: int) -> None:
        """The session of *row* is over."""
        self._free.append(row)
        self._free.sort(reverse=True)

    def begin_transaction(self, row: int, microseconds: int) -> None:
        """A transaction and its first statement begin, at a time since 1970."""
        at = row * WIDTH
        self._map[at : at + WIDTH] = b"%016d" % microseconds * 3

    def begin_statement(self, row: int, microseconds: int) -> None:
        """A statement of a transaction begins."""
        at = row * WIDTH
        self._map[at + 16 : at + WIDTH] = b"%016d" % microseconds * 2

    def go_on(self, row: int, microseconds: int) -> None:
        """A statement goes on after a wait."""
        at = row * WIDTH
        self._map[at + 32 : at + WIDTH] = b"%016d" % microseconds

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
