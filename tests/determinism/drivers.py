"""
Real drivers, unmodified, on the simulated network: one short story each.

As a program it tells every story and prints, for each, its log and the tape's fingerprint.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

import aio_pika
import aiohttp
import asyncpg
import httpx
import nats
import redis.asyncio
import trustme
from aiohttp import web
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from tests.fakes.nats_wire import NatsWire
from tests.fakes.postgres_wire import PostgresWire
from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.proxy import Proxy
from umt_sim.network.toxic import Direction
from umt_sim.servers.capacity import Instant
from umt_sim.servers.rabbitmq.server import RabbitMQ
from umt_sim.servers.redis.server import Redis

PORT = 4000
Log = list[str]


class Place:
    """A proxy named ``service`` before a server on a host named ``server``."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.network = Network(kernel)
        self.network.host("server")
        self.proxy: Proxy = self.network.proxy(
            "service", listen=("service", PORT), upstream=("server", PORT)
        )
        self.log: Log = []

    def note(self, *what: object) -> None:
        """Log something with its time."""
        self.log.append(f"{self.kernel.loop.time():.9f} " + " ".join(map(repr, what)))

    def slow_down(self) -> None:
        """Latency with jitter both ways, on about half of the connections one way."""
        self.proxy.add_toxic("latency", {"latency": 20, "jitter": 15}, toxicity=0.5)
        self.proxy.add_toxic("latency", {"latency": 5, "jitter": 4}, direction=Direction.UPSTREAM)

    async def outage(self, seconds: float) -> None:
        self.proxy.disable()
        await asyncio.sleep(seconds)
        self.proxy.enable()


async def redis_py(place: Place) -> None:
    """A pool of clients, a pipeline, an outage that retries get over."""
    server = Redis(
        capacity=Instant(), clock=time.time, stream=place.kernel.streams.stream("server")
    )
    await server.start("server", PORT)
    place.slow_down()
    client = redis.asyncio.Redis(
        host="service", port=PORT, retry=Retry(ConstantBackoff(0.5), 4), socket_timeout=2
    )
    async with client:
        await asyncio.gather(*(client.set(f"key {n}", n, ex=10) for n in range(8)))
        place.note(await client.mget([f"key {n}" for n in range(8)]))
        async with client.pipeline(transaction=True) as pipeline:
            place.note(await pipeline.incr("count").incr("count").execute())
        outage = asyncio.create_task(place.outage(1.2))
        await asyncio.sleep(0.1)
        place.note(await client.get("count"))
        await outage
        await asyncio.sleep(10)
        place.note(await client.get("key 1"))
    await server.stop()


@cache
def certificates() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server named ``service`` and of a client that trusts it."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("service").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


async def asyncpg_plain(place: Place) -> None:
    """One connection, statements, a cut in the middle of one."""
    await _asyncpg(place, tls=False)


async def asyncpg_tls(place: Place) -> None:
    """The same inside TLS, begun after PostgreSQL's own greeting."""
    await _asyncpg(place, tls=True)


async def _asyncpg(place: Place, *, tls: bool) -> None:
    server_side, client_side = certificates()
    wire = PostgresWire(server_side if tls else None)
    server = await asyncio.start_server(wire.serve, "server", PORT)
    place.slow_down()
    for _ in range(2):
        connection = await _connect_postgres(ssl=client_side if tls else False)
        for number in range(3):
            place.note(await connection.fetchval("SELECT $1::int4 + 1", number))
        place.kernel.loop.call_later(0.001, place.proxy.disable)
        try:
            await connection.fetchval("SELECT $1::int4 + 1", 9)
        except (asyncpg.PostgresConnectionError, OSError) as error:
            place.note(type(error).__name__)
        place.proxy.enable()
        with suppress(Exception):
            await connection.close(timeout=1)
    server.close()


async def _connect_postgres(**options: Any) -> Any:
    return await asyncpg.connect(
        host="service", port=PORT, user="u", password="p", database="d", **options
    )


async def asyncpg_pool(place: Place) -> None:
    """Twenty queries over at most four connections; idle ones are closed after a minute."""
    server = await asyncio.start_server(PostgresWire().serve, "server", PORT)
    place.slow_down()
    async with asyncpg.create_pool(
        host="service",
        port=PORT,
        user="u",
        database="d",
        ssl=False,
        min_size=1,
        max_size=4,
        max_inactive_connection_lifetime=60,
    ) as pool:

        async def query(number: int) -> None:
            place.note(number, await pool.fetchval("SELECT $1::int4 + 1", number))

        await asyncio.gather(*map(query, range(20)))
        await asyncio.sleep(120)
        place.note("connections", place.proxy.connections)
        await query(99)
    server.close()


async def _broker(place: Place) -> RabbitMQ:
    broker = RabbitMQ(
        stream=place.kernel.streams.stream("server"), wall_clock=lambda: datetime.now(UTC)
    )
    await broker.start("server", PORT)
    return broker


URL = f"amqp://guest:guest@service:{PORT}/"


async def aio_pika_plain(place: Place) -> None:
    """Confirmed publishes, a consumer that acknowledges, many channels closed at once."""
    broker = await _broker(place)
    place.slow_down()
    connection = await aio_pika.connect(URL)
    async with connection:
        channels = [await connection.channel() for _ in range(4)]
        queue = await channels[0].declare_queue("jobs", durable=True)
        await asyncio.gather(*(_publish(channel, n) for n, channel in enumerate(channels)))
        async with queue.iterator() as messages:
            for _ in range(4):
                message = await anext(messages)
                place.note(message.body)
                await message.ack()
    await broker.stop()


async def aio_pika_robust(place: Place) -> None:
    """An outage in the middle of consuming: connection, channel, queue and consumer come back."""
    broker = await _broker(place)
    place.slow_down()
    connection = await aio_pika.connect_robust(URL, reconnect_interval=0.7)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("jobs", durable=True)
        got: asyncio.Queue[bytes] = asyncio.Queue()

        async def consume(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            async with message.process():
                place.note(message.body, message.redelivered)
                await got.put(message.body)

        await queue.consume(consume)
        await _publish(channel, 1)
        await got.get()
        await place.outage(1.0)
        await asyncio.sleep(3)
        await _publish(channel, 2)
        await got.get()
    await broker.stop()


async def aio_pika_heartbeats(place: Place) -> None:
    """Heartbeats keep an idle connection; in a partition their absence ends it."""
    broker = await _broker(place)
    place.slow_down()
    connection = await aio_pika.connect(URL + "?heartbeat=2")
    closed = asyncio.Event()
    connection.close_callbacks.add(lambda *_: closed.set())
    await asyncio.sleep(30)
    place.note("idle", closed.is_set())
    place.proxy.add_toxic("timeout", {"timeout": 0}, name="silence")
    await closed.wait()
    place.note("closed")
    with suppress(Exception):
        await connection.close()
    place.proxy.remove_toxic("silence")
    await broker.stop()


async def _publish(channel: aio_pika.abc.AbstractChannel, number: int) -> None:
    message = aio_pika.Message(str(number).encode(), delivery_mode=2)
    await channel.default_exchange.publish(message, routing_key="jobs")


async def nats_py(place: Place) -> None:
    """Requests with replies, and a reconnection."""
    server = await asyncio.start_server(NatsWire().serve, "server", PORT)
    place.slow_down()
    client = await nats.connect(
        f"nats://service:{PORT}", reconnect_time_wait=0.5, max_reconnect_attempts=20
    )

    async def answer(message: Any) -> None:
        await message.respond(b"re: " + message.data)

    await client.subscribe("ask", cb=answer)
    for number in range(3):
        place.note((await client.request("ask", str(number).encode(), timeout=5)).data)
    await place.outage(1.0)
    await asyncio.sleep(3)
    place.note((await client.request("ask", b"again", timeout=5)).data)
    await client.close()
    server.close()


async def _web_server() -> web.AppRunner:
    async def hello(request: web.Request) -> web.Response:
        return web.json_response({"hello": request.match_info["name"]})

    app = web.Application()
    app.router.add_get("/{name}", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "server", PORT).start()
    return runner


async def httpx_client(place: Place) -> None:
    """Connections are kept and reused; one that was cut while idle is noticed."""
    runner = await _web_server()
    place.slow_down()
    async with httpx.AsyncClient(base_url=f"http://service:{PORT}", timeout=3) as client:
        names = [f"caller-{number}" for number in range(5)]
        for answer in await asyncio.gather(*(client.get(f"/{name}") for name in names)):
            place.note(answer.json())
        kept = place.proxy.connections
        await client.get("/again")
        assert place.proxy.connections == kept
        await place.outage(1.0)
        place.note((await client.get("/after")).json())
    await runner.cleanup()


async def aiohttp_client(place: Place) -> None:
    """Client and server of aiohttp; a timeout, then a fast answer."""
    runner = await _web_server()
    place.slow_down()
    timeout = aiohttp.ClientTimeout(total=1)
    async with aiohttp.ClientSession(f"http://service:{PORT}", timeout=timeout) as session:

        async def call(name: str) -> None:
            async with session.get(f"/{name}") as answer:
                place.note(await answer.json())

        await asyncio.gather(*(call(f"caller-{number}") for number in range(5)))
        place.proxy.add_toxic("latency", {"latency": 5000}, name="stuck")
        try:
            await call("late")
        except TimeoutError:
            place.note("timed out")
        place.proxy.remove_toxic("stuck")
        await call("on-time")
    await runner.cleanup()


STORIES: dict[str, Callable[[Place], Awaitable[None]]] = {
    story.__name__: story
    for story in (
        redis_py,
        asyncpg_plain,
        asyncpg_tls,
        asyncpg_pool,
        aio_pika_plain,
        aio_pika_robust,
        aio_pika_heartbeats,
        nats_py,
        httpx_client,
        aiohttp_client,
    )
}


def tell(name: str, seed: int = 7) -> Log:
    """Run a story; its log, the fingerprint last."""
    certificates()
    with Kernel(seed=seed) as kernel:
        place = Place(kernel)
        kernel.run(STORIES[name](place))
    return [*place.log, kernel.tape.hexdigest()]


def tell_all() -> Iterator[tuple[str, Log]]:
    """Every story with its log."""
    for name in STORIES:
        yield name, tell(name)


if __name__ == "__main__":
    json.dump(dict(tell_all()), sys.stdout)
