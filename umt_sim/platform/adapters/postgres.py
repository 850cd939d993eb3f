"""Database on asyncpg."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from typing import Any

import asyncpg
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from umt_sim.platform.configuration import Configuration
from umt_sim.platform.errors import (
    ErrorClass,
    PlatformError,
    PortClosed,
    PortTimeout,
    PortUnavailable,
    UpstreamRefused,
)
from umt_sim.platform.ports.database import Row, Session
from umt_sim.platform.ports.tracing import TracingProvider
from umt_sim.platform.tracing.conventions import (
    DB_NAMESPACE,
    DB_OPERATION_NAME,
    DB_QUERY_SUMMARY,
    DB_SYSTEM_NAME,
    SERVER_ADDRESS,
    SERVER_PORT,
)
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer

__all__ = ["PostgresDatabase"]

PORT = "database"

_CONNECTION_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_NOTHING_HAPPENED = ("08", "53", "57")
"""SQLSTATE classes: no connection, out of resources, operator intervention."""
_TRY_AGAIN = ("40", "55")
"""SQLSTATE classes: serialization failure or deadlock, lock not available."""
_REQUEST_WRONG = ("22", "23", "UM")
"""SQLSTATE classes: a value is none, a constraint says no, or a function of our migrations does."""


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is untyped
    """
    A connection that is not reset when it returns to the pool.

    The default spends a round trip on it. Here no statement changes a session's
    settings, and every transaction has ended by then.
    """

    def get_reset_query(self) -> str:
        return ""


class PostgresDatabase:
    """
    A pool of PostgreSQL sessions. The first statement opens it.

    Args:
        config: Where PostgreSQL is.
        tracer: For a client span around each statement.
    """

    def __init__(self, config: Configuration, *, tracer: TracingProvider | None = None) -> None:
        self._settings = settings = config.postgres
        self._tracer = tracer or OpenTelemetryTracer()
        self._attributes: dict[str, AttributeValue] = {
            DB_SYSTEM_NAME: "postgresql",
            DB_NAMESPACE: settings.database,
            SERVER_ADDRESS: settings.host,
            SERVER_PORT: settings.port,
        }
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def query(self, sql: str, *values: Any) -> Sequence[Row]:
        """The rows *sql* returns."""
        rows: Sequence[Row] = await self._alone(sql, lambda session: session.query(sql, *values))
        return rows

    async def execute(self, sql: str, *values: Any) -> int:
        """Run *sql* and say how many rows it touched."""
        touched: int = await self._alone(sql, lambda session: session.execute(sql, *values))
        return touched

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A session whose statements are kept together; an exception undoes them all."""
        async with self._connection("BEGIN") as connection:
            transaction = connection.transaction()
            with _translated("BEGIN", unknown=False):
                await transaction.start()
            try:
                yield _TracedSession(self._span, connection, self._settings.statement_timeout)
            except BaseException:
                if not connection.is_closed():
                    with _translated("ROLLBACK", unknown=False):
                        await transaction.rollback()
                raise
            with self._span("COMMIT"), _translated("COMMIT", unknown=True):
                async with asyncio.timeout(self._settings.statement_timeout):
                    await transaction.commit()

    async def close(self) -> None:
        """Give up the connections."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(self._settings.connect_timeout):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def _alone(self, sql: str, run: Callable[[_PlainSession], Awaitable[Any]]) -> Any:
        """Run one statement, which is a transaction of its own."""
        with self._span(summary_of(sql)):
            async with self._connection(summary_of(sql)) as connection:
                return await run(
                    _PlainSession(connection, self._settings.statement_timeout, unknown=True)
                )

    @asynccontextmanager
    async def _connection(self, operation: str) -> AsyncIterator[asyncpg.Connection]:
        if self._closed:
            raise PortClosed(PORT, operation)
        # Whatever goes wrong before there is a connection, nothing happened.
        with _translated(operation, unknown=False):
            pool = await self._opened()
            connection = await pool.acquire(timeout=self._settings.acquire_timeout)
        try:
            yield connection
        except (PortTimeout, PortUnavailable, asyncio.CancelledError):
            # Nobody knows what the session is doing. Waiting for the server to cancel it
            # could take as long as what was given up.
            # A connection that broke has left the pool by itself and minds being asked.
            with suppress(asyncpg.InterfaceError):
                connection.terminate()
            raise
        finally:
            await pool.release(connection, timeout=self._settings.connect_timeout)

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                settings = self._settings
                self._pool = await asyncpg.create_pool(
                    host=settings.host,
                    port=settings.port,
                    user=settings.user,
                    password=settings.password,
                    database=settings.database,
                    min_size=1,
                    max_size=settings.max_connections,
                    max_inactive_connection_lifetime=0,
                    timeout=settings.connect_timeout,
                    connection_class=_Connection,
                )
            return self._pool

    def _span(self, summary: str) -> Any:
        attributes = {
            **self._attributes,
            DB_OPERATION_NAME: summary.partition(" ")[0],
            DB_QUERY_SUMMARY: summary,
        }
        return self._tracer.start_as_current_span(
            summary, kind=SpanKind.CLIENT, attributes=attributes
        )


class _PlainSession:
    """Statements on one connection, errors translated."""

    def __init__(self, connection: asyncpg.Connection, timeout: float, *, unknown: bool) -> None:
        self._connection = connection
        self._timeout = timeout
        self._unknown = unknown

    async def query(self, sql: str, *values: Any) -> Sequence[Row]:
        with _translated(summary_of(sql), unknown=self._unknown):
            rows: Sequence[Row] = await self._connection.fetch(sql, *values, timeout=self._timeout)
            return rows

    async def execute(self, sql: str, *values: Any) -> int:
        with _translated(summary_of(sql), unknown=self._unknown):
            status: str = await self._connection.execute(sql, *values, timeout=self._timeout)
            touched = status.rpartition(" ")[2]
            return int(touched) if touched.isdigit() else 0


class _TracedSession:
    """Statements of a transaction. Until it commits, whatever fails did not happen."""

    def __init__(
        self, span: Callable[[str], Any], connection: asyncpg.Connection, timeout: float
    ) -> None:
        self._span = span
        self._session = _PlainSession(connection, timeout, unknown=False)

    async def query(self, sql: str, *values: Any) -> Sequence[Row]:
        with self._span(summary_of(sql)):
            return await self._session.query(sql, *values)

    async def execute(self, sql: str, *values: Any) -> int:
        with self._span(summary_of(sql)):
            return await self._session.execute(sql, *values)


@contextmanager
def _translated(operation: str, *, unknown: bool) -> Iterator[None]:
    """The one place where asyncpg's errors become ours; *unknown* if it may have happened."""
    try:
        yield
    except PlatformError:
        raise
    except asyncpg.PostgresConnectionError as error:
        raise _lost(operation, error, unknown=unknown) from error
    except asyncpg.PostgresError as error:
        raise _refused(operation, error) from error
    except TimeoutError as error:
        kind = PortTimeout if unknown else PortUnavailable
        raise kind(PORT, operation, "no answer in time") from error
    except _CONNECTION_LOST as error:
        raise _lost(operation, error, unknown=unknown) from error


def _lost(operation: str, error: Exception, *, unknown: bool) -> PlatformError:
    kind = PortTimeout if unknown else PortUnavailable
    return kind(PORT, operation, str(error) or type(error).__name__)


def _refused(operation: str, error: asyncpg.PostgresError) -> PlatformError:
    code = error.sqlstate or ""
    if code.startswith(_NOTHING_HAPPENED):
        return PortUnavailable(PORT, operation, f"{code} {_said(error)}")
    if code.startswith(_TRY_AGAIN):
        error_class = ErrorClass.TRANSIENT
    else:
        error_class = ErrorClass.CLIENT if code.startswith(_REQUEST_WRONG) else ErrorClass.FATAL
    return UpstreamRefused(PORT, operation, code=code, error_class=error_class, reason=_said(error))


def _said(error: asyncpg.PostgresError) -> str:
    """What the server said, or the driver, without the values: they are the caller's."""
    message: str | None = error.message
    return message or str(error).partition(":")[0]


_TARGET = re.compile(
    r"(?<!FOR )\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|FROM|JOIN)\s+([a-z_][a-z0-9_.]*)",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def summary_of(sql: str) -> str:
    """
    What a statement does, as ``db.query.summary``: ``INSERT contents INSERT outbox``.

    Read from the text once per statement; names of ``WITH`` queries are left out.
    """
    named = {name.lower() for name in re.findall(r"\b(\w+)\s+AS\s*\(", sql, re.IGNORECASE)}
    words = []
    for verb, target in _TARGET.findall(sql):
        if target.lower() not in named and target.lower() != "unnest":
            operation = verb.split()[0].upper()
            words.append(f"{'SELECT' if operation in ('FROM', 'JOIN') else operation} {target}")
    return " ".join(words) or sql.split(None, 1)[0].upper()
