"""HttpGateway on httpx."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from typing import Any

import httpx
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from umt_sim.platform.configuration import HttpSettings
from umt_sim.platform.errors import (
    CannotBeSent,
    ErrorClass,
    PortClosed,
    PortTimeout,
    PortUnavailable,
    UpstreamRefused,
)
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.http_gateway import HttpResponse
from umt_sim.platform.ports.tracing import TracingProvider
from umt_sim.platform.tracing.conventions import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_FULL,
)
from umt_sim.platform.tracing.propagation import inject
from umt_sim.platform.tracing.tracer import OpenTelemetryTracer

__all__ = ["HttpxGateway"]

TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503
TIMED_OUT = (408, 504)
SERVER_ERRORS = 500
ERRORS = 400
MOST_DIGITS = 9
"""Of a Retry-After in seconds; nobody means a longer one."""


class HttpxGateway:
    """
    Talks JSON to one upstream.

    A failed connection attempt did not happen and is ``PortUnavailable``; whatever
    breaks once the request is on its way is ``PortTimeout``: it may have happened. A
    request that HTTP has no way to say, with a line break in a header, is ``CannotBeSent``.
    Proxies and certificates named in the environment are ignored.

    Args:
        name: What errors and spans call the upstream.
        settings: Where it is.
        clock: Turns a ``Retry-After`` date into seconds.
        tracer: For a client span around each request.
    """

    def __init__(
        self,
        name: str,
        settings: HttpSettings,
        *,
        clock: Clock,
        tracer: TracingProvider | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._tracer = tracer or OpenTelemetryTracer()
        headers = {"authorization": f"Bearer {settings.token}"} if settings.token else {}
        url = httpx.URL(settings.base_url)
        # Loading the certificate store takes 20 ms; without TLS nobody reads it.
        plain = url.scheme == "http"
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else ssl.create_default_context()
        self._client = httpx.AsyncClient(
            base_url=url,
            headers=headers,
            timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
            limits=httpx.Limits(
                max_connections=settings.max_connections,
                max_keepalive_connections=settings.max_connections,
            ),
            verify=verify,
            trust_env=False,
        )
        self._base = settings.base_url.rstrip("/")
        self._address: dict[str, AttributeValue] = {
            SERVER_ADDRESS: url.host,
            SERVER_PORT: url.port or (80 if plain else 443),
        }

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Send *json* to *path* below the upstream's base URL."""
        attributes = {**self._address, HTTP_REQUEST_METHOD: method, URL_FULL: f"{self._base}{path}"}
        with self._tracer.start_as_current_span(
            f"{method} {path}", kind=SpanKind.CLIENT, attributes=attributes
        ) as span:
            sent = dict(headers or {})
            inject(sent, span)
            response = await self._send(method, path, json, sent)
            span.set_attribute(HTTP_RESPONSE_STATUS_CODE, response.status_code)
            return self._accepted(f"{method} {path}", response)

    async def close(self) -> None:
        """Give up the connections."""
        await self._client.aclose()

    async def _send(
        self, method: str, path: str, json: Any, headers: Mapping[str, str]
    ) -> httpx.Response:
        """The one place where httpx's errors become ours."""
        operation = f"{method} {path}"
        if self._client.is_closed:
            raise PortClosed(self.name, operation)
        try:
            return await self._client.request(method, path, json=json, headers=headers)
        except (UnicodeEncodeError, httpx.InvalidURL, httpx.LocalProtocolError):
            # The causes quote the header, which may be a token: they are not kept.
            raise CannotBeSent(
                self.name, operation, "its address or a header has characters that HTTP has not"
            ) from None
        except httpx.DecodingError as error:
            raise UpstreamRefused(
                self.name,
                operation,
                code="200",
                error_class=ErrorClass.SERVER,
                reason="the answer is not encoded as it says",
            ) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise PortUnavailable(self.name, operation, str(error)) from error
        except httpx.TransportError as error:
            raise PortTimeout(self.name, operation, str(error) or type(error).__name__) from error

    def _accepted(self, operation: str, response: httpx.Response) -> HttpResponse:
        status = response.status_code
        if status >= ERRORS:
            raise UpstreamRefused(
                self.name,
                operation,
                code=str(status),
                error_class=_class_of(status),
                reason=response.reason_phrase,
                retry_after_seconds=self._retry_after(response.headers.get("retry-after")),
            )
        try:
            body = response.json() if response.content else None
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise UpstreamRefused(
                self.name,
                operation,
                code=str(status),
                error_class=ErrorClass.SERVER,
                reason=f"the answer is not JSON: {error}",
            ) from error
        return HttpResponse(status, body, response.headers)

    def _retry_after(self, value: str | None) -> float | None:
        """Seconds to wait. The header is a number of seconds or a date (RFC 9110, 10.2.3)."""
        if value is None:
            return None
        if value.isdecimal():
            return float(value) if len(value) <= MOST_DIGITS else None
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, _seconds_between(self._clock.now(), moment))


def _seconds_between(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds()


def _class_of(status: int) -> ErrorClass:
    if status in (TOO_MANY_REQUESTS, UNAVAILABLE, *TIMED_OUT):
        return ErrorClass.TRANSIENT
    return ErrorClass.SERVER if status >= SERVER_ERRORS else ErrorClass.CLIENT
