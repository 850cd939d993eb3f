"""
An HTTP server around an application: who may come in, how long it takes, what goes wrong.

A request passes, in this order: the rate limit (429 at once), the route (404, 405), the
body (415 if it is compressed, 400), the error drawn for it if that is below 500, the
capacity (503 if its queue is full), the idempotency key (the earlier answer), the error
drawn for it if that is 500 or above, and at last the application. All that follows the
capacity happens in one instant, so two requests with one key cannot both take effect.

A client that goes away does not stop its request: it had arrived, and takes effect.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from math import ceil
from typing import TYPE_CHECKING, Any

from aiohttp import web

from umt_sim.journal.recorder import Recorder
from umt_sim.journal.records import EffectRecord
from umt_sim.servers.capacity import QueueFull, Restarted
from umt_sim.servers.http.application import Answer, Application, Call, Refusal, Route
from umt_sim.servers.http.log import Effect, Request, RequestLog
from umt_sim.servers.http.trouble import ErrorMix, RateLimit, Verdict

if TYPE_CHECKING:
    from random import Random

    from umt_sim.servers.capacity import Capacity

__all__ = ["HttpUpstream"]

_GOODBYE = 1.0  # seconds that answers under way get; 0 would mean for ever to aiohttp


class HttpUpstream:
    """
    One upstream service on the running loop.

    Args:
        application: What it does.
        capacity: How many requests at once, and how long each takes. The operation is the
            route's: ``completion``, ``publish``, ``metrics``, ...; each event of a stream
            is served as ``token``.
        stream: What errors are drawn from.
        errors: Wrong answers by chance.
        rate_limit: Refuses what comes too fast; ``None`` lets everything in.
        honours_idempotency: Whether a second request with the same ``Idempotency-Key`` gets
            the first one's answer (and 422 if it asks for something else). If not, the key
            is only noted, and a retry is a duplicate.
        recorder: Gets an ``EffectRecord`` for every ``POST`` that took effect.
    """

    def __init__(
        self,
        *,
        application: Application,
        capacity: Capacity,
        stream: Random,
        errors: ErrorMix | None = None,
        rate_limit: RateLimit | None = None,
        honours_idempotency: bool = True,
        recorder: Recorder | None = None,
    ) -> None:
        self.log = RequestLog()
        self._application = application
        self._capacity = capacity
        self._stream = stream
        self._errors = errors or ErrorMix()
        self._rate_limit = rate_limit
        self._honours_idempotency = honours_idempotency
        self._recorder = recorder
        self._answers: dict[str, tuple[tuple[str, str, bytes], Answer]] = {}
        self._protocols: web.Server | None = None
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """
        The port that is listened on.

        Raises:
            RuntimeError: The server is not started.
        """
        if self._listener is None:
            raise RuntimeError(f"the {self._application.name} upstream is not started")
        return int(self._listener.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 picks a free one."""
        loop = asyncio.get_running_loop()
        self._protocols = web.Server(self._handle, access_log=None, auto_decompress=False)
        self._listener = await loop.create_server(self._protocols, host, port)

    async def stop(self) -> None:
        """Stop listening and break all connections. What the application knows stays."""
        if self._listener is None or self._protocols is None:
            return
        self._listener.close()
        self._listener = None
        self._capacity.restart()
        await self._protocols.shutdown(timeout=_GOODBYE)

    def crash(self) -> None:
        """
        Vanish: connections break, and what was being served did not happen.

        What the application knows stays, for such services keep it elsewhere. Usable also
        when the host of the server has lost its power.

        Raises:
            RuntimeError: The server is not started.
        """
        if self._listener is None or self._protocols is None:
            raise RuntimeError(f"the {self._application.name} upstream is not started")
        self._listener.close()
        self._listener = None
        self._capacity.restart()
        for handler in self._protocols.connections:
            if handler.transport is not None:
                handler.transport.abort()

    async def restart(self, *, down_for: float = 0.0) -> None:
        """Stop, stay away for *down_for* seconds, and start again on the same port."""
        if self._listener is None:
            raise RuntimeError(f"the {self._application.name} upstream is not started")
        host, port = self._listener.sockets[0].getsockname()[:2]
        await self.stop()
        await asyncio.sleep(down_for)
        await self.start(host, port)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, and write it down."""
        arrived = _now()
        exchange = _Exchange(request, key=request.headers.get("Idempotency-Key", ""))
        try:
            answer = await self._answer(exchange, arrived)
        except Refusal as refusal:
            answer = Answer({"error": refusal.message}, refusal.status, refusal.headers)
        except (Restarted, ConnectionError):  # the latter: it went away before it had said all
            return _break(request, web.Response())
        self.log.requests.append(
            Request(
                arrived=arrived,
                answered=_now(),
                operation=exchange.operation,
                status=answer.status,
                key=exchange.key,
                replayed=exchange.replayed,
            )
        )
        return await self._send(request, answer)

    async def _answer(self, exchange: _Exchange, arrived: float) -> Answer:
        request = exchange.request
        self._limit(arrived)
        route, parameters = self._find(request)
        exchange.operation = route.operation
        verdict = self._errors.draw(self._stream)
        exchange.raw = await _read(request)
        call = Call(parameters, _json(exchange.raw), request.headers, arrived)
        if verdict is not None and verdict.status < 500:
            raise _by_chance(verdict)
        try:
            await self._capacity.serve(route.operation, size=len(exchange.raw))
        except QueueFull as full:
            raise Refusal(503, str(full), {"Retry-After": "1"}) from full
        return self._take_effect(exchange, route, call, verdict)

    def _limit(self, now: float) -> None:
        wait = self._rate_limit.wait_for(now) if self._rate_limit is not None else 0.0
        if wait:
            headers = {"Retry-After": str(ceil(wait))}
            raise Refusal(429, f"too many requests; wait {wait:.3f} s", headers)

    def _find(self, request: web.BaseRequest) -> tuple[Route, dict[str, str]]:
        """The route of *request* and the parameters in its path."""
        allowed = []
        for route in self._application.routes:
            found = route.pattern.fullmatch(request.path)
            if found is None:
                continue
            if route.method == request.method:
                return route, found.groupdict()
            allowed.append(route.method)
        if allowed:
            raise Refusal(405, f"{request.path} takes {', '.join(allowed)}", _allow(allowed))
        raise Refusal(404, f"there is no {request.path}")

    def _take_effect(
        self, exchange: _Exchange, route: Route, call: Call, verdict: Verdict | None
    ) -> Answer:
        """All that happens once the capacity is done with a request, in one instant."""
        remembers = bool(exchange.key) and self._honours_idempotency
        if remembers and exchange.key in self._answers:
            wanted, answer = self._answers[exchange.key]
            if wanted != exchange.fingerprint:
                raise Refusal(422, "this Idempotency-Key was used for another request")
            exchange.replayed = True
            return answer
        if verdict is not None and not verdict.effective:
            raise _by_chance(verdict)
        answer = route.handle(call)
        if answer.resource:
            self.log.effects.append(Effect(_now(), route.operation, answer.resource, exchange.key))
            self._record(exchange)
            if remembers:
                self._answers[exchange.key] = (exchange.fingerprint, answer)
        if verdict is not None:
            raise _by_chance(verdict)
        return answer

    def _record(self, exchange: _Exchange) -> None:
        """Only a ``POST`` may not be repeated: the effect of the others is the same again."""
        if self._recorder is not None and exchange.request.method == "POST":
            self._recorder.add(
                EffectRecord(
                    at=self._recorder.now(),
                    kind=f"{self._application.name}.{exchange.operation}",
                    key=exchange.key or exchange.digest,
                )
            )

    async def _send(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        if not answer.events:
            return web.Response(
                body=json.dumps(answer.body).encode(),
                status=answer.status,
                headers=answer.headers,
                content_type="application/json",
            )
        response = web.StreamResponse(
            status=answer.status, headers={"Content-Type": "text/event-stream", **answer.headers}
        )
        await response.prepare(request)
        try:
            for event in answer.events:
                await self._capacity.serve("token")
                await response.write(f"data: {event}\n\n".encode())
        except (QueueFull, Restarted):
            return _break(request, response)
        except ConnectionError:
            return response  # the client has gone; the rest is not for anybody
        await response.write_eof()
        return response


@dataclass(slots=True)
class _Exchange:
    """What becomes known of one request on its way."""

    request: web.BaseRequest
    key: str
    raw: bytes = b""
    operation: str = ""
    replayed: bool = False

    @property
    def fingerprint(self) -> tuple[str, str, bytes]:
        """Two requests with one key must agree in this."""
        return self.request.method, self.request.path, self.raw

    @property
    def digest(self) -> str:
        """Stands for the key of a request without one: who repeats it word for word, repeats it."""
        return blake2b(self.request.path.encode() + b"\n" + self.raw, digest_size=8).hexdigest()


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _read(request: web.BaseRequest) -> bytes:
    """The body; a compressed one is refused, which aiohttp would break the connection over."""
    coding = request.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        refusal = f"a body in the coding {coding!r} is not read; send it as it is"
        raise Refusal(415, refusal, {"Accept-Encoding": "identity"})
    return await request.read()


def _json(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refusal(400, f"the body is not JSON: {error}") from None
    except RecursionError:  # before Python 3.12 the decoder counts as deep recursion
        raise Refusal(400, "the body is nested too deeply") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body must be a JSON object")
    return body


def _by_chance(verdict: Verdict) -> Refusal:
    headers = {"Retry-After": "1"} if verdict.status in (429, 503) else {}
    return Refusal(verdict.status, HTTPStatus(verdict.status).phrase, headers)


def _allow(methods: list[str]) -> dict[str, str]:
    return {"Allow": ", ".join(methods)}


def _break(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Cut the connection of *request*, as a server that dies does. *response* is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return response
