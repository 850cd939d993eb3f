"""Toxiproxy's HTTP API: routes, status codes, defaults and error texts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from umt_sim.network.toxic import Toxic
from umt_sim.network.toxiproxy.errors import Refusal, bad_body, missing_field
from umt_sim.network.toxiproxy.population import Population, Served
from umt_sim.network.toxiproxy.wire import (
    PROXY,
    TOXIC,
    BodyError,
    Fields,
    attribute_fields,
    parse,
    read_fields,
    wrong_kind,
)

__all__ = ["VERSION", "application"]

VERSION = "2.13.0"
"""The Toxiproxy whose behaviour this is."""

PATIENCE = 25.0  # seconds, after which an answer is given up
TIMED_OUT = "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"
POPULATED_GO = 'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }'
CHANGED_GO = (
    'struct { Attributes interface {} "json:\\"attributes\\"";'
    ' Toxicity float32 "json:\\"toxicity\\"" }'
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(population: Population) -> web.Application:
    """The API over *population*."""
    api = _Api(population)
    app = web.Application(middlewares=[_plain_errors, _no_browsers, _Patience(), _refusals])
    app.add_routes(
        [
            _get("/version", api.version),
            web.post("/reset", api.reset),
            web.post("/populate", api.populate),
            _get("/proxies", api.proxies),
            web.post("/proxies", api.create_proxy),
            _get("/proxies/{proxy}", api.proxy),
            web.post("/proxies/{proxy}", api.update_proxy),
            web.patch("/proxies/{proxy}", api.update_proxy),
            web.delete("/proxies/{proxy}", api.delete_proxy),
            _get("/proxies/{proxy}/toxics", api.toxics),
            web.post("/proxies/{proxy}/toxics", api.create_toxic),
            _get("/proxies/{proxy}/toxics/{toxic}", api.toxic),
            web.post("/proxies/{proxy}/toxics/{toxic}", api.update_toxic),
            web.patch("/proxies/{proxy}/toxics/{toxic}", api.update_toxic),
            web.delete("/proxies/{proxy}/toxics/{toxic}", api.delete_toxic),
        ]
    )
    return app


class _Api:
    """One method for each route."""

    def __init__(self, population: Population) -> None:
        self._population = population

    async def version(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=f'{{"version": "{VERSION}"}}\n'.encode(),
            headers={"Content-Type": "application/json;charset=utf-8"},
        )

    async def reset(self, _request: web.Request) -> web.Response:
        for served in self._population.all():
            await served.enable()
            await served.remove_toxics()
        return web.Response(status=204)

    async def proxies(self, _request: web.Request) -> web.Response:
        return _json({served.name: served.document() for served in self._population.all()})

    async def create_proxy(self, request: web.Request) -> web.Response:
        given = {"name": "", "listen": "", "upstream": "", "enabled": True}
        await _read(request, PROXY, given, "toxiproxy.Proxy")
        for field in ("name", "upstream"):
            if not given[field]:
                raise missing_field(field)
        served = await self._population.add(given)
        return _json(served.document(), status=201)

    async def populate(self, request: web.Request) -> web.Response:
        """Its errors come with the proxies that were created before."""
        created: list[Served] | None = None
        try:
            rows = _populated(parse(await request.read()))
            created = []
            for row in rows:
                created.append(await self._population.add_or_replace(row))
        except (BodyError, Refusal) as error:
            refusal = bad_body(error) if isinstance(error, BodyError) else error
            documents = [served.document() for served in created or []] or None
            return _json(refusal.document() | {"proxies": documents}, status=refusal.status)
        return _json({"proxies": [served.document() for served in created] or None}, status=201)

    async def proxy(self, request: web.Request) -> web.Response:
        return _json(self._served(request).document())

    async def update_proxy(self, request: web.Request) -> web.Response:
        served = self._served(request)
        given: dict[str, Any] = {
            "listen": served.listen,
            "upstream": served.upstream,
            "enabled": served.proxy.enabled,
        }
        await _read(request, PROXY, given, "toxiproxy.Proxy")
        await served.change(given["listen"], given["upstream"], enabled=given["enabled"])
        return _json(served.document())

    async def delete_proxy(self, request: web.Request) -> web.Response:
        await self._population.remove(request.match_info["proxy"])
        return web.Response(status=204)

    async def toxics(self, request: web.Request) -> web.Response:
        return _json(self._served(request).toxic_documents())

    async def create_toxic(self, request: web.Request) -> web.Response:
        served = self._served(request)
        given: dict[str, Any] = {"name": "", "type": "", "stream": "downstream", "toxicity": 1.0}
        given["attributes"] = {}
        await _read(request, TOXIC, given, "toxics.ToxicWrapper")
        toxic = await served.add_toxic(given, lambda toxic: _set(toxic, given["attributes"]))
        return _json(served.toxic_document(toxic))

    async def toxic(self, request: web.Request) -> web.Response:
        served = self._served(request)
        return _json(served.toxic_document(served.toxic(request.match_info["toxic"])))

    async def update_toxic(self, request: web.Request) -> web.Response:
        served = self._served(request)
        body = await request.read()

        def read(toxic: Toxic) -> float:
            """Attributes that can be read are set even if others cannot."""
            given: dict[str, Any] = {"attributes": {}, "toxicity": toxic.toxicity}
            fields = Fields("", {"attributes": "object", "toxicity": "float32"})
            try:
                read_fields(parse(body), fields, given, CHANGED_GO)
            except BodyError as error:
                _set(toxic, given["attributes"])
                raise bad_body(error) from error
            _set(toxic, given["attributes"])
            return float(given["toxicity"])

        toxic = await served.update_toxic(request.match_info["toxic"], read)
        return _json(served.toxic_document(toxic))

    async def delete_toxic(self, request: web.Request) -> web.Response:
        await self._served(request).remove_toxic(request.match_info["toxic"])
        return web.Response(status=204)

    def _served(self, request: web.Request) -> Served:
        return self._population.named(request.match_info["proxy"])


async def _read(request: web.Request, fields: Fields, into: dict[str, Any], go_value: str) -> None:
    """Read the request's body over the defaults in *into*."""
    try:
        read_fields(parse(await request.read()), fields, into, go_value)
    except BodyError as error:
        raise bad_body(error) from error


def _set(toxic: Toxic, attributes: dict[str, Any]) -> None:
    """Set what can be set of a toxic's attributes, then complain about what cannot."""
    values: dict[str, Any] = {}
    fields = attribute_fields(toxic.pipe.type, toxic.pipe.attribute_names())
    try:
        read_fields(attributes, fields, values, "")
    except BodyError as error:
        raise bad_body(error) from error
    finally:
        toxic.pipe.update(values)


def _populated(document: object) -> list[dict[str, Any]]:
    """The rows of a populate request, all checked before any is acted on."""
    if document is None:
        return []
    if not isinstance(document, list):
        raise wrong_kind(document, f"[]{POPULATED_GO}")
    rows = []
    for entry in document:
        row = {"name": "", "listen": "", "upstream": "", "enabled": True}
        read_fields(entry, PROXY, row, POPULATED_GO)
        rows.append(row)
    for number, row in enumerate(rows, 1):
        for field in ("name", "upstream"):
            if not row[field]:
                raise missing_field(f"{field} at proxy {number}")
    return rows


def _get(path: str, handler: Handler) -> web.RouteDef:
    """A route for GET alone: Toxiproxy knows no HEAD."""
    return web.get(path, handler, allow_head=False)


def _json(document: object, status: int = 200) -> web.Response:
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(body=body, status=status, content_type="application/json")


@web.middleware
async def _plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Unknown routes and methods are answered as Go's router does."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return web.Response(text="404 page not found\n", status=404)
    except web.HTTPMethodNotAllowed:
        return web.Response(status=405)


@web.middleware
async def _no_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page in a browser must not be able to change anything."""
    if request.headers.get("User-Agent", "").startswith("Mozilla/"):
        return web.Response(text="User agent not allowed\n", status=403)
    return await handler(request)


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        # JSON that says it is text, as Go's http.Error sends it.
        text = json.dumps(refusal.document(), separators=(",", ":"), ensure_ascii=False)
        return web.Response(text=text + "\n", status=refusal.status)


class _Patience:
    """Answers 503 after a while. What was asked for goes on all the same."""

    __middleware_version__ = 1  # how aiohttp tells a middleware that is no function

    def __init__(self) -> None:
        self._unfinished: dict[asyncio.Future[Any], None] = {}

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        work = asyncio.ensure_future(handler(request))
        self._unfinished[work] = None
        work.add_done_callback(lambda work: self._unfinished.pop(work, None))
        done, _ = await asyncio.wait([work], timeout=PATIENCE)
        if not done:
            return web.Response(text=TIMED_OUT, status=503, content_type="text/html")
        return work.result()
