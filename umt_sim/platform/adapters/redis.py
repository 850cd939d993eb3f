"""Cache on Redis or Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue
from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from umt_sim.platform.configuration import Configuration
from umt_sim.platform.errors import (
    ErrorClass,
    PortClosed,
    PortTimeout,
    PortUnavailable,
    UpstreamRefused,
)
from umt_sim.platform.ports.tracing import TracingProvider
from umt_sim.platform.tracing.conventions import (
    DB_NAMESPACE,
    DB_OPERATION_NAME,
    DB_SYSTEM_NAME,
    SERVER_ADDRESS,
    SERVER_PORT,
)
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer

__all__ = ["RedisCache"]


class RedisCache:
    """
    Keeps bytes in Redis.

    redis-py would try a failed command eleven times with jittered pauses before
    anybody hears of it. That is switched off: one attempt with a deadline, so that
    retry and breaker policies of the platform see every failure.

    Args:
        config: Where Redis is.
        tracer: For a client span around each command.
    """

    def __init__(self, config: Configuration, *, tracer: TracingProvider | None = None) -> None:
        self._settings = settings = config.redis
        self._tracer = tracer or OpenTelemetryTracer()
        self._attributes: dict[str, AttributeValue] = {
            DB_SYSTEM_NAME: "redis",
            DB_NAMESPACE: str(settings.database),
            SERVER_ADDRESS: settings.host,
            SERVER_PORT: settings.port,
        }
        self._closed = False
        self._redis = Redis(
            connection_pool=BlockingConnectionPool(
                host=settings.host,
                port=settings.port,
                username=settings.user,
                password=settings.password,
                db=settings.database,
                # RESP2 needs no greeting, and a nameless client no introduction:
                # the first command of a connection costs one round trip, not four.
                protocol=2,
                driver_info=None,
                socket_connect_timeout=settings.connect_timeout,
                socket_timeout=settings.command_timeout,
                retry=Retry(NoBackoff(), 0),
                retry_on_error=[],
                max_connections=settings.max_connections,
                timeout=settings.connect_timeout,
            )
        )

    async def get(self, key: str) -> bytes | None:
        """The value stored under *key*; ``None`` when there is none or it expired."""
        with self._command("GET"):
            value = await self._redis.get(key)
        return value.encode() if isinstance(value, str) else value

    async def set(self, key: str, value: bytes, *, ttl_seconds: float) -> None:
        """Store *value* under *key* for *ttl_seconds*, to the millisecond."""
        with self._command("SET"):
            await self._redis.set(key, value, px=max(1, round(ttl_seconds * 1000)))

    async def delete(self, key: str) -> None:
        """Forget *key*, whether it was there or not."""
        with self._command("DEL"):
            await self._redis.delete(key)

    async def close(self) -> None:
        """Give up the connections."""
        self._closed = True
        await self._redis.aclose(close_connection_pool=True)

    @contextmanager
    def _command(self, operation: str) -> Iterator[None]:
        """A span, and the one place where redis-py's errors become ours."""
        if self._closed:
            raise PortClosed("cache", operation)
        attributes = {**self._attributes, DB_OPERATION_NAME: operation}
        with self._tracer.start_as_current_span(
            operation, kind=SpanKind.CLIENT, attributes=attributes
        ):
            try:
                yield
            except exceptions.TimeoutError as error:
                raise PortTimeout("cache", operation, str(error)) from error
            except (exceptions.ConnectionError, OSError) as error:
                raise PortUnavailable("cache", operation, str(error)) from error
            except exceptions.RedisError as error:
                raise UpstreamRefused(
                    "cache",
                    operation,
                    code=type(error).__name__,
                    error_class=ErrorClass.FATAL,
                    reason=str(error),
                ) from error
