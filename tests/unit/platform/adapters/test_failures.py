"""Every driver's failures become port errors, in time: timeout is unknown, unavailable is no."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from tests.fakes.stage import Stage, on_stage
from umt_sim.platform.adapters.httpx import HttpxGateway
from umt_sim.platform.adapters.postgres import PostgresDatabase, summary_of
from umt_sim.platform.adapters.rabbitmq import RabbitMQMessageBroker
from umt_sim.platform.adapters.redis import RedisCache
from umt_sim.platform.adapters.system import SystemClock
from umt_sim.platform.configuration import HttpSettings
from umt_sim.platform.errors import (
    CannotBeSent,
    ErrorClass,
    InvariantViolated,
    PortClosed,
    PortTimeout,
    PortUnavailable,
    UpstreamRefused,
)
from umt_sim.platform.ports.http_gateway import path_of
from umt_sim.platform.ports.message_broker import Parcel
from umt_sim.servers.http import ErrorMix
from umt_sim.servers.postgres import Engine

Call = Callable[[], Awaitable[Any]]
HELLO = Parcel("umt.events", "hello", b"{}", message_id="m1")
ASK = {"prompt": "hello"}


class Adapters:
    """One of each on a stage, with a call that each can make."""

    def __init__(self, stage: Stage) -> None:
        self.database = PostgresDatabase(stage.config)
        self.cache = RedisCache(stage.config)
        self.broker = RabbitMQMessageBroker(stage.config)
        self.gateway = HttpxGateway(
            "llm", HttpSettings(base_url="http://llm", timeout=7.0), clock=stage.clock
        )
        self.calls: dict[str, Call] = {
            "postgres": lambda: self.database.execute("SELECT 1"),
            "redis": lambda: self.cache.set("k", b"v", ttl_seconds=1),
            "rabbitmq": lambda: self.broker.publish(HELLO),
            "llm": lambda: self.gateway.request("POST", "/v1/completions", json=ASK),
        }

    async def close(self) -> None:
        for port in (self.database, self.cache, self.broker, self.gateway):
            await port.close()


async def failure(call: Call) -> BaseException:
    with pytest.raises(Exception) as caught:
        await call()
    return caught.value


SERVICES = ("postgres", "redis", "rabbitmq", "llm")


@pytest.mark.parametrize("service", SERVICES)
def test_a_refused_connection_did_not_happen(engine: Engine, service: str) -> None:
    """Where nobody listens every adapter says PortUnavailable, with the driver's error as cause."""

    async def play(stage: Stage) -> None:
        stage.proxies[service].disable()
        adapters = Adapters(stage)
        error = await failure(adapters.calls[service])
        assert PortUnavailable is type(error)
        assert error.__cause__ is not None
        await adapters.close()

    on_stage(engine, play)


@pytest.mark.parametrize(
    ("service", "seconds"), [("postgres", 5.0), ("redis", 1.0), ("rabbitmq", 5.0), ("llm", 7.0)]
)
def test_silence_ends_at_the_deadline_and_is_unknown(
    engine: Engine, service: str, seconds: float
) -> None:
    """A call that gets no answer is a PortTimeout after exactly its deadline."""

    async def play(stage: Stage) -> None:
        adapters = Adapters(stage)
        await adapters.calls[service]()
        here = stage.here
        stage.network.latency(service, here, 1000.0)
        began = stage.now()
        error = await failure(adapters.calls[service])
        assert PortTimeout is type(error)
        assert seconds == round(stage.now() - began, 6)
        stage.network.latency(service, here, 0.0)
        await asyncio.sleep(1100)
        await adapters.close()

    on_stage(engine, play)


@pytest.mark.parametrize("service", SERVICES)
def test_a_lost_connection_is_replaced(engine: Engine, service: str) -> None:
    """After an interruption of ten seconds the same adapter works again by itself."""

    async def play(stage: Stage) -> None:
        adapters = Adapters(stage)
        await adapters.calls[service]()
        stage.proxies[service].disable()
        await asyncio.sleep(5)
        assert isinstance(await failure(adapters.calls[service]), PortUnavailable)
        stage.proxies[service].enable()
        await asyncio.sleep(5)
        await adapters.calls[service]()
        await adapters.close()

    on_stage(engine, play)


@pytest.mark.parametrize("service", SERVICES)
def test_a_closed_port_says_that_we_closed_it(engine: Engine, service: str) -> None:
    """After close() a call is refused before anything is sent."""

    async def play(stage: Stage) -> None:
        adapters = Adapters(stage)
        await adapters.calls[service]()
        await adapters.close()
        assert PortClosed is type(await failure(adapters.calls[service]))

    on_stage(engine, play)


# PostgreSQL


def test_a_transaction_is_kept_or_undone_as_a_whole(engine: Engine) -> None:
    """What an exception leaves behind is nothing."""

    async def play(stage: Stage) -> None:
        database = Adapters(stage).database
        await database.execute("CREATE TABLE t (n int)")

        async def add(*, fail: bool) -> None:
            async with database.transaction() as session:
                assert 1 == await session.execute("INSERT INTO t VALUES (1)")
                if fail:
                    raise KeyError

        with pytest.raises(KeyError):
            await add(fail=True)
        assert [] == await database.query("SELECT n FROM t")
        await add(fail=False)
        assert [1] == [row["n"] for row in await database.query("SELECT n FROM t")]
        await database.close()

    on_stage(engine, play)


@pytest.mark.parametrize(
    ("sql", "code", "error_class"),
    [
        ("SELECT nonsense", "42703", ErrorClass.FATAL),
        ("INSERT INTO unique_numbers VALUES (1)", "23505", ErrorClass.CLIENT),
    ],
)
def test_a_refusal_carries_its_sqlstate(
    engine: Engine, sql: str, code: str, error_class: ErrorClass
) -> None:
    """A wrong statement is our fault, a broken constraint the request's."""

    async def play(stage: Stage) -> None:
        database = Adapters(stage).database
        await database.execute("CREATE TABLE unique_numbers (n int PRIMARY KEY)")
        await database.execute("INSERT INTO unique_numbers VALUES (1)")
        error = await failure(lambda: database.execute(sql))
        assert isinstance(error, UpstreamRefused)
        assert (code, error_class) == (error.code, error.error_class)
        await database.close()

    on_stage(engine, play)


def test_a_deadlock_is_worth_another_try(engine: Engine) -> None:
    """The victim of a deadlock is told that time mends it."""

    async def play(stage: Stage) -> None:
        database = Adapters(stage).database
        await database.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
        await database.execute("INSERT INTO t VALUES (1, 0), (2, 0)")

        async def swap(first: int, second: int) -> None:
            async with database.transaction() as session:
                await session.execute("UPDATE t SET n = n + 1 WHERE id = $1", first)
                await asyncio.sleep(1)
                await session.execute("UPDATE t SET n = n + 1 WHERE id = $1", second)

        outcomes = await asyncio.gather(swap(1, 2), swap(2, 1), return_exceptions=True)
        (victim,) = [outcome for outcome in outcomes if outcome is not None]
        assert isinstance(victim, UpstreamRefused)
        assert ("40P01", ErrorClass.TRANSIENT) == (victim.code, victim.error_class)
        await database.close()

    on_stage(engine, play)


@pytest.mark.parametrize(
    ("sql", "summary"),
    [
        ("SELECT * FROM users", "SELECT users"),
        ("select 1", "SELECT"),
        ("DELETE FROM outbox WHERE id = ANY($1)", "DELETE outbox"),
        (
            "UPDATE outbox SET a = 1 WHERE id IN (SELECT id FROM outbox FOR UPDATE SKIP LOCKED)",
            "UPDATE outbox SELECT outbox",
        ),
        (
            "WITH s AS (INSERT INTO contents VALUES (1)),"  # noqa: ISC004 - one statement
            " o AS (INSERT INTO outbox SELECT * FROM unnest($1::text[]))"
            " SELECT must((SELECT count(*) FROM s))",
            "INSERT contents INSERT outbox",
        ),
    ],
)
def test_a_statement_is_summed_up_in_few_words(sql: str, summary: str) -> None:
    """Verb and table of each part; names of WITH queries are nobody's tables."""
    assert summary == summary_of(sql)


# HTTP


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (429, ErrorClass.TRANSIENT),
        (503, ErrorClass.TRANSIENT),
        (500, ErrorClass.SERVER),
        (404, ErrorClass.CLIENT),
    ],
)
def test_a_status_says_whether_another_try_can_help(
    engine: Engine, status: int, error_class: ErrorClass
) -> None:
    """Too many requests and unavailable pass by; other server errors may; client errors never."""

    async def play(stage: Stage) -> None:
        stage.servers["llm"]._errors = ErrorMix({status: 1.0})
        adapters = Adapters(stage)
        error = await failure(adapters.calls["llm"])
        assert isinstance(error, UpstreamRefused)
        assert (str(status), error_class) == (error.code, error.error_class)
        if status == 429:
            assert error.retry_after_seconds is not None
        await adapters.close()

    on_stage(engine, play)


@pytest.mark.parametrize("secret", ["hunter2\n", "hunter2\u00fc", "hunter2\0"])
def test_a_header_that_cannot_be_sent_is_the_callers_fault_and_not_quoted(
    engine: Engine, secret: str
) -> None:
    """Nothing was sent, another try cannot help, and the HTTP library's own text is not kept."""

    async def play(stage: Stage) -> None:
        adapters = Adapters(stage)
        with pytest.raises(CannotBeSent) as caught:
            await adapters.gateway.request("GET", "/", headers={"authorization": secret})
        assert ErrorClass.CLIENT is caught.value.error_class
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))
        assert [] == stage.servers["llm"].log.requests
        await adapters.close()

    on_stage(engine, play)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("200 OK\r\ncontent-encoding: gzip", "200 the answer is not encoded as it says"),
        ("200 OK", "200 the answer is not JSON"),
        ("429 Slow\r\nretry-after: \u00b2", "429 Slow"),
        (f"429 Slow\r\nretry-after: {'9' * 400}", "429 Slow"),
        ("429 Slow\r\nretry-after: Fri, 31 Dec 99999 23:59:59 +9999", "429 Slow"),
    ],
)
def test_an_answer_that_makes_no_sense_is_the_upstreams_fault(head: str, said: str) -> None:
    """Whatever is in its headers, the error is one of the port's."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\ncontent-length: 4\r\n\r\nnone".encode("latin-1"))
        await writer.drain()
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            settings = HttpSettings(base_url=f"http://127.0.0.1:{port}")
            gateway = HttpxGateway("llm", settings, clock=SystemClock())
            refusal = await failure(partial(gateway.request, "GET", "/"))
            assert isinstance(refusal, UpstreamRefused)
            assert f"llm: GET / was refused: {said}" in str(refusal)
            assert refusal.retry_after_seconds is None
            await gateway.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("segment", "path"),
    [("../admin", "/posts/..%2Fadmin/metrics"), ("a?b#c d", "/posts/a%3Fb%23c%20d/metrics")],
)
def test_a_segment_of_a_path_leads_nowhere_else(segment: str, path: str) -> None:
    """Whatever a customer calls a post, the request is about that post."""
    assert path == path_of("posts", segment, "metrics")
    for dots in ("", ".", ".."):
        with pytest.raises(InvariantViolated, match="names nothing at an upstream"):
            path_of("posts", dots, "metrics")


def test_a_value_the_database_has_no_room_for_is_the_callers_fault(engine: Engine) -> None:
    """Neither a repetition nor somebody of ours can mend it."""

    async def play(stage: Stage) -> None:
        database = Adapters(stage).database
        for value in (10**30, "a\0b"):
            kind = "bigint" if isinstance(value, int) else "text"
            refusal = await failure(partial(database.query, f"SELECT $1::{kind}", value))
            assert isinstance(refusal, UpstreamRefused)
            assert ErrorClass.CLIENT is refusal.error_class
        await database.close()

    on_stage(engine, play)


def test_a_refusal_quotes_no_row(engine: Engine) -> None:
    """The server's detail shows the row that failed, the driver's text the value."""

    async def play(stage: Stage) -> None:
        database = Adapters(stage).database
        await database.execute("CREATE TABLE secrets (name text PRIMARY KEY, n int CHECK (n < 9))")
        for wrong in ("($1, 9)", "($1, 1), ($1, 2)"):
            sql = f"INSERT INTO secrets VALUES {wrong}"
            refusal = await failure(partial(database.execute, sql, "hunter2"))
            assert 'constraint "secrets_' in str(refusal)
            assert "hunter2" not in str(refusal)
        refusal = await failure(partial(database.query, "SELECT $1::bigint", 4 * 10**20))
        assert "22000 invalid input for query argument $1" in str(refusal)
        assert "400000" not in str(refusal)
        await database.close()

    on_stage(engine, play)


# RabbitMQ
