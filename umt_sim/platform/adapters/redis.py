"""Cache on Redis or Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from umt_sim.platform.adapters.redis_driver import connect, translated
from umt_sim.platform.configuration import Configuration
from umt_sim.platform.errors import PortClosed
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
    Keeps bytes in Redis. One attempt per command, with a deadline; see ``redis_driver``.

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
        self._redis = connect(settings)

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
        """A span around a command, and its errors as the port's."""
        if self._closed:
            raise PortClosed("cache", operation)
        attributes = {**self._attributes, DB_OPERATION_NAME: operation}
        with (
            self._tracer.start_as_current_span(
                operation, kind=SpanKind.CLIENT, attributes=attributes
            ),
            translated("cache", operation),
        ):
            yield
