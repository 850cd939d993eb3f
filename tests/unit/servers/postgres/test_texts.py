"""SQL texts, settings and messages: what is read from them and what they become."""

from __future__ import annotations

import pytest

from umt_sim.servers.postgres import sql, wire
from umt_sim.servers.postgres.errors import Interrupted
from umt_sim.servers.postgres.inbox import Batch
from umt_sim.servers.postgres.limits import _seconds, renamed
from umt_sim.servers.postgres.wire import ProtocolViolation


def query(text: str) -> bytes:
    return wire.message(b"Q", text.encode() + b"\0")


def translated(text: str) -> str:
    return sql.translated(query(text))[5:-1].decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", "SELECT 1"),
        ("SELECT now()", "SELECT now()"),
        ("SELECT CURRENT_TIMESTAMP", 'SELECT pg_catalog."current_timestamp"()'),
        ("SELECT current_timestamp(3)", 'SELECT pg_catalog."current_timestamp"(3)'),
        ("SELECT current_date - 1", 'SELECT pg_catalog."current_date"() - 1'),
        ("SELECT localtime, LOCALTIMESTAMP",
         'SELECT pg_catalog."localtime"(), pg_catalog."localtimestamp"()'),
        ("SELECT a AS current_date", "SELECT a AS current_date"),
        ("SELECT 'current_date'", "SELECT 'current_date'"),
        ("SELECT 'it''s current_date'", "SELECT 'it''s current_date'"),
        (r"SELECT E'\' current_date'", r"SELECT E'\' current_date'"),
        ('SELECT "current_date" FROM t', 'SELECT "current_date" FROM t'),
        ("SELECT 1 -- current_date", "SELECT 1 -- current_date"),
        ("/* current_date */ SELECT 1", "/* current_date */ SELECT 1"),
        ("DO $$ BEGIN x := current_date; END $$",
         'DO $$ BEGIN x := pg_catalog."current_date"(); END $$'),
        ("DO $a$ BEGIN x := 'current_date'; END $a$",
         "DO $a$ BEGIN x := 'current_date'; END $a$"),
        ("SET statement_timeout = 5", "SET umt_sim.statement_timeout = 5"),
        ("SET LOCAL lock_timeout TO '1s'", "SET LOCAL umt_sim.lock_timeout TO '1s'"),
        ("SET SESSION idle_session_timeout = 1", "SET SESSION umt_sim.idle_session_timeout = 1"),
        ("SHOW statement_timeout", "SHOW umt_sim.statement_timeout"),
        ("ALTER ROLE a SET statement_timeout = 5",
         "ALTER ROLE a SET umt_sim.statement_timeout = 5"),
        ("SELECT statement_timeout FROM t", "SELECT statement_timeout FROM t"),
        ("SELECT set_config('statement_timeout', '5', true)",
         "SELECT set_config('umt_sim.statement_timeout', '5', true)"),
        ("SELECT 'now'", "SELECT 'now'"),
        ("INSERT INTO days VALUES ('today')", "INSERT INTO days VALUES ('today')"),
    ],
)  # fmt: skip
def test_only_what_tells_time_is_translated(text: str, expected: str) -> None:
    """Words are replaced where they are words, in functions' bodies too, and nowhere else."""
    assert expected == translated(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("SELECT 'now'::timestamptz", "'now'::time"),
        ("SELECT ' Today '::date", "' Today '::date"),
        ("SELECT date 'tomorrow'", "date 'tomorrow'"),
        ("SELECT timestamp with time zone 'now'", "timestamp with time zone 'now'"),
        ("SELECT CAST('now' AS timestamp)", "CAST('now' AS time"),
        ("SELECT gen_random_bytes(16)", "gen_random_bytes"),
        ("SELECT uuid_generate_v4()", "uuid_generate_v4"),
        ("SELECT pg_terminate_backend(1)", "pg_terminate_backend"),
        ("SELECT * FROM t TABLESAMPLE BERNOULLI (1)", "tablesample"),
    ],
)
def test_what_reaches_for_the_machine_is_refused_by_name(text: str, named: str) -> None:
    """The error names it and says what to use instead."""
    with pytest.raises(Interrupted) as caught:
        translated(text)
    assert ("0A000", f"{named} is not available in virtual time") == (
        caught.value.why.code,
        caught.value.why.text,
    )
    assert caught.value.why.fields["H"]


def test_a_parse_message_keeps_its_name_and_types() -> None:
    """Only the text between them changes."""
    parse = wire.message(b"P", b"name\0SELECT current_date\0\0\1\0\0\0\x17")
    rest = wire.message(b"S", b"")
    expected = wire.message(b"P", b'name\0SELECT pg_catalog."current_date"()\0\0\1\0\0\0\x17')
    assert expected + rest == sql.translated(parse + rest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BEGIN;", "begin"),
        ("start transaction", "begin"),
        ("  -- so\n commit", "commit"),
        ("/* x */END", "commit"),
        ("ROLLBACK TO a", "rollback"),
        ("abort", "rollback"),
        ("SELECT 1", "query"),
        ("", "query"),
        (";", "query"),
    ],
)
def test_the_first_word_names_the_operation(text: str, expected: str) -> None:
    """Transactions have their own service times."""
    batch = Batch(query(text), ord("Q"), answers=0, executes=True, has_text=True)
    assert expected == sql.operation(batch)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("250", 0.25),
        ("5s", 5.0),
        ("1.5s", 1.5),
        ("2min", 120.0),
        ("1 h", 3600.0),
        ("1d", 86400.0),
        ("10us", 1e-5),
        ("soon", 0.0),
    ],
)
def test_durations_are_milliseconds_unless_they_say(value: str, expected: float) -> None:
    """As PostgreSQL reads them."""
    assert expected == _seconds(value)


def test_startup_parameters_are_renamed_as_sql_is() -> None:
    """Also within the options of a command line."""
    given = {
        "user": "umt",
        "statement_timeout": "5s",
        "options": "-c lock_timeout=1s --idle_session_timeout=3 -c geqo=off",
    }
    expected = {
        "user": "umt",
        "umt_sim.statement_timeout": "5s",
        "options": "-c umt_sim.lock_timeout=1s --umt_sim.idle_session_timeout=3 -c geqo=off",
    }
    assert expected == renamed(given)


def test_startup_parameters_come_in_pairs() -> None:
    """A StartupMessage that is no list of names and values is refused."""
    assert {"user": "a", "database": "b"} == wire.parameters_of(b"user\0a\0database\0b\0\0")
    assert {} == wire.parameters_of(b"\0")
    for body in (b"", b"user", b"user\0a", b"user\0a\0", b"user\0a\0x\0\0", b"\xff\0a\0\0"):
        with pytest.raises(ProtocolViolation):
            wire.parameters_of(body)


def test_error_fields_go_there_and_back() -> None:
    """What is written is what is read."""
    frame = wire.error_response("FATAL", "57P01", "bye", D="detail")
    expected = {"S": "FATAL", "V": "FATAL", "C": "57P01", "M": "bye", "D": "detail"}
    assert expected == wire.fields_of(frame)
