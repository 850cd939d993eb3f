"""How the platform uses redis-py: its settings, and the one place where its errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from umt_sim.platform.configuration import RedisSettings
from umt_sim.platform.errors import ErrorClass, PortTimeout, PortUnavailable, UpstreamRefused

__all__ = ["connect", "translated"]


def connect(settings: RedisSettings) -> Redis:
    """
    A client with a pool of its own; it connects at the first command.

    redis-py would try a failed command eleven times with jittered pauses before
    anybody hears of it. That is switched off: one attempt with a deadline, so that
    retry and breaker policies of the platform see every failure.
    """
    return Redis(
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


@contextmanager
def translated(port: str, operation: str) -> Iterator[None]:
    """
    Turn what redis-py raises inside into an error of *port*.

    Raises:
        PortTimeout: No answer in time; it may have happened.
        PortUnavailable: The connection failed.
        UpstreamRefused: Redis answered with an error.
    """
    try:
        yield
    except exceptions.TimeoutError as error:
        raise PortTimeout(port, operation, str(error)) from error
    except (exceptions.ConnectionError, OSError) as error:
        raise PortUnavailable(port, operation, str(error)) from error
    except exceptions.RedisError as error:
        raise UpstreamRefused(
            port,
            operation,
            code=type(error).__name__,
            error_class=ErrorClass.FATAL,
            reason=str(error),
        ) from error
