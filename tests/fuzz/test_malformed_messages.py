"""
Whatever comes, a server answers in its protocol's words or hangs up; it never fails itself.

Proper conversations, half of them recorded from real drivers, go wrong at some message. Each
must come to its end; an exception that leaves the server, one it logs, or a connection that
hangs fails the test, and a driver must be served afterwards. 2,000 malformed messages for
each protocol by default, 100,000 with ``--campaign``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from aiohttp.http_exceptions import HttpProcessingError

from tests.fuzz.amqp import Amqp
from tests.fuzz.bombardment import Dialect, bombard
from tests.fuzz.http1 import Http
from tests.fuzz.postgresql import Postgresql
from tests.fuzz.resp import Resp
from umt_sim.servers.postgres import Engine, recipe

PARTS = 10
FEW, MANY = 200, 10_000  # malformed messages of each part


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The PostgreSQL behind the front end."""
    with Engine(recipe()) as engine:
        yield engine


@pytest.fixture(params=["amqp", "postgresql", "resp", "http"])
def protocol(request: pytest.FixtureRequest) -> str:
    """The protocol that is spoken."""
    return str(request.param)


@pytest.fixture
def dialect(protocol: str, part: int, request: pytest.FixtureRequest) -> Dialect:
    """How it is spoken; HTTP to each of the applications in turn."""
    match protocol:
        case "amqp":
            return Amqp()
        case "postgresql":
            return Postgresql(request.getfixturevalue("engine"))
        case "resp":
            return Resp()
        case _:
            return Http(("llm", "social", "ads", "cms")[part % 4])


@pytest.mark.parametrize("part", range(PARTS))
def test_malformed_messages(
    dialect: Dialect,
    protocol: str,
    part: int,
    campaign: bool,
    caplog: pytest.LogCaptureFixture,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    """Every conversation ends, most with an error told, and the server works on."""
    with caplog.at_level(logging.ERROR):
        tally = bombard(dialect, MANY if campaign else FEW, f"{protocol}:{part}")
    assert [] == [record.getMessage() for record in caplog.records if not is_told(record)]
    assert tally.complaints > tally.conversations / 10
    assert tally.hung_up > 0
    record_testsuite_property(f"{protocol}-{part}", tally)  # for the report of --junit-xml


def is_told(record: logging.LogRecord) -> bool:
    """Whether a log record is about a request that aiohttp answered with 400."""
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, HttpProcessingError)
