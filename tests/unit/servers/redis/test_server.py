"""The server in virtual time: when things happen, what a restart keeps, who is turned away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ResponseError
from redis.exceptions import ConnectionError as ClientConnectionError

from umt_sim.distributions import Constant
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.capacity import Capacity, Instant, Station
from umt_sim.servers.redis import Persistence, Redis

Body = Callable[["Setting"], Awaitable[None]]


class Setting:
    """A server in a simulation, and clients for it."""

    def __init__(self, kernel: Kernel, capacity: Capacity, **settings: Any) -> None:
        self.loop = kernel.loop
        settings.setdefault("clock", time.time)
        self.server = Redis(capacity=capacity, stream=Random(1), **settings)
        self._clients: list[Any] = []

    @property
    def now(self) -> float:
        return self.loop.time()

    def client(self) -> Any:
        """
        One connection, RESP2, no retries: the first command takes no greeting.

        Typed as ``Any``: redis-py's annotations do not tell its two kinds of client apart.
        """
        client = Client(
            host="127.0.0.1",
            port=self.server.port,
            single_connection_client=True,
            protocol=2,
            driver_info=None,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            socket_timeout=None,
        )
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        await self.server.stop()


def simulate(body: Body, *, seconds: float | None = None, **settings: Any) -> None:
    """Run *body* with a server whose one worker takes *seconds* for each command."""
    with Kernel(seed=1) as kernel:
        Network(kernel)
        capacity: Capacity = Instant()
        if seconds is not None:
            capacity = Station(
                kernel.env,
                name="redis",
                workers=1,
                default=Constant(seconds),
                stream=Random(1),
                recorder=Recorder(kernel.loop.time),
            )

        async def main() -> None:
            setting = Setting(kernel, capacity, **settings)
            await setting.server.start("127.0.0.1", 0)
            try:
                await body(setting)
            finally:
                await setting.close()

        kernel.run(main())


def test_each_command_takes_its_service_time() -> None:
    """One worker, 10 ms each: three commands of a pipeline are answered after 30 ms."""

    async def body(at: Setting) -> None:
        redis = at.client()
        await redis.set("a", 1)
        assert 0.01 == at.now
        await redis.pipeline(transaction=False).incr("a").incr("a").get("a").execute()
        assert 0.04 == at.now

    simulate(body, seconds=0.01)


def test_clients_queue_for_the_worker() -> None:
    """Two clients at once: the second waits for the first."""

    async def body(at: Setting) -> None:
        async def timed(client: Any) -> float:
            await client.get("a")
            return at.now

        assert [0.01, 0.02] == await asyncio.gather(*(timed(at.client()) for _ in range(2)))

    simulate(body, seconds=0.01)


def test_the_effect_happens_when_the_service_is_over() -> None:
    """Another client's SET is invisible until its time has passed."""

    async def body(at: Setting) -> None:
        writer = asyncio.create_task(at.client().set("a", 1))
        await asyncio.sleep(0.005)
        assert not writer.done()
        assert b"1" == await at.client().get("a")
        assert 0.02 == at.now
        await writer

    simulate(body, seconds=0.01)


def test_keys_expire_in_virtual_time() -> None:
    """An hour passes in no time, and the key with it, to the millisecond."""

    async def body(at: Setting) -> None:
        redis = at.client()
        await redis.execute_command("SETEX", "a", 3600, 1)
        await asyncio.sleep(3599.999)
        assert b"1" == await redis.get("a")
        await asyncio.sleep(0.002)
        assert None is await redis.get("a")

    simulate(body)


def test_a_blocking_pop_waits_in_virtual_time() -> None:
    """It gives up exactly when its time is up, and answers exactly when there is something."""

    async def body(at: Setting) -> None:
        one, other = at.client(), at.client()
        assert None is await one.blpop(["a"], 60)
        assert 60.0 == at.now
        waiting = asyncio.create_task(one.blpop(["a"], 0))
        await asyncio.sleep(1000)
        await other.rpush("a", 1)
        assert (b"a", b"1") == await waiting
        assert 1060.0 == at.now

    simulate(body)


def test_a_client_that_leaves_while_it_waits_takes_nothing() -> None:
    """Its BLPOP ends with the connection."""

    async def body(at: Setting) -> None:
        one, other = at.client(), at.client()
        waiting = asyncio.create_task(one.blpop(["a"], 0))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.wait([waiting])
        await one.aclose()
        await asyncio.sleep(1)
        await other.rpush("a", 1)
        assert 1 == await other.llen("a")

    simulate(body)


def test_a_client_that_gives_up_may_still_have_done_it() -> None:
    """The command had arrived when the client closed: it takes effect."""

    async def body(at: Setting) -> None:
        one = at.client()
        await one.ping()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await one.set("a", 1)
        await one.aclose()
        await asyncio.sleep(0.1)
        assert b"1" == await at.client().get("a")

    simulate(body, seconds=0.01)


@pytest.mark.parametrize(
    ("persistence", "kept"),
    [
        (Persistence.ALWAYS, [b"1", b"2"]),
        (Persistence.SNAPSHOT, [b"1", None]),
        (Persistence.NONE, [None, None]),
    ],
)
@pytest.mark.parametrize("dies", [False, True], ids=["restart", "crash"])
def test_a_restart_keeps_what_persistence_says(
    persistence: Persistence, kept: list[bytes | None], dies: bool
) -> None:
    """Everything, what was saved, or nothing; and the same where the server is not asked."""

    async def body(at: Setting) -> None:
        redis = at.client()
        await redis.set("saved", 1)
        await redis.save()
        await redis.set("later", 2)
        if dies:
            port = at.server.port
            at.server.crash()
            with pytest.raises(ClientConnectionError):
                await redis.get("saved")
            await at.server.start("127.0.0.1", port)
        else:
            await at.server.restart()
        assert kept == await at.client().mget("saved", "later")

    simulate(body, persistence=persistence)


@pytest.mark.parametrize(
    ("dies", "kept"), [(True, [b"1", None]), (False, [b"1", b"2"])], ids=["crash", "restart"]
)
def test_snapshots_are_taken_every_so_often(dies: bool, kept: list[bytes | None]) -> None:
    """What was written before the last one survives; a server that is stopped takes one more."""

    async def body(at: Setting) -> None:
        redis = at.client()
        await redis.set("before", 1)
        await asyncio.sleep(61)
        await redis.set("after", 2)
        if dies:
            port = at.server.port
            at.server.crash()
            await at.server.start("127.0.0.1", port)
        else:
            await at.server.restart()
        assert kept == await at.client().mget("before", "after")

    simulate(body, persistence=Persistence.SNAPSHOT, snapshot_every=60)


def test_what_is_kept_is_not_changed_from_outside() -> None:
    """A snapshot does not follow the data that it was taken of."""

    async def body(at: Setting) -> None:
        redis = at.client()
        await redis.rpush("list", 1)
        await redis.save()
        await redis.rpush("list", 2)
        for _ in range(2):
            await at.server.restart()
            redis = at.client()
            assert [b"1"] == await redis.lrange("list", 0, -1)
            await redis.rpush("list", 3)

    simulate(body, persistence=Persistence.SNAPSHOT)


def test_times_to_live_run_on_while_the_server_is_down() -> None:
    """A key whose time passes meanwhile is not there afterwards."""

    async def body(at: Setting) -> None:
        redis = at.client()
        await redis.set("short", 1, ex=10)
        await redis.set("long", 2, ex=100)
        await at.server.restart(down_for=50)
        redis = at.client()
        assert (1, 50) == (await redis.dbsize(), await redis.ttl("long"))

    simulate(body)


def test_a_restart_breaks_what_was_under_way() -> None:
    """The command has no effect and its client loses the connection; the port is the same."""

    async def body(at: Setting) -> None:
        port = at.server.port
        writing = asyncio.create_task(at.client().set("a", 1))
        await asyncio.sleep(0.005)
        restart = asyncio.create_task(at.server.restart(down_for=1.0))
        with pytest.raises(ClientConnectionError):
            await writing
        with pytest.raises(RuntimeError, match="not started"):
            _ = at.server.port
        await restart
        assert port == at.server.port
        assert None is await at.client().get("a")

    simulate(body, seconds=0.01)


def test_nobody_is_let_in_beyond_maxclients() -> None:
    """The next client is told why; when one leaves there is room."""

    async def body(at: Setting) -> None:
        one, two = at.client(), at.client()
        await one.ping()
        with pytest.raises(ClientConnectionError, match="max number of clients reached"):
            await two.ping()
        await one.aclose()
        await asyncio.sleep(0)
        assert await at.client().ping()

    simulate(body, config={"maxclients": "1"})


def test_a_password_may_be_set_from_the_start() -> None:
    """``requirepass`` of the configuration holds for the first client too."""

    async def body(at: Setting) -> None:
        redis = at.client()
        with pytest.raises(AuthenticationError, match="Authentication required"):
            await redis.get("a")
        await redis.execute_command("AUTH", "secret")
        assert None is await redis.get("a")

    simulate(body, config={"requirepass": "secret"})


def test_unknown_configuration_is_refused() -> None:
    """A ValueError names it before anything starts."""
    with pytest.raises(ValueError, match="nonsense"):
        Redis(capacity=Instant(), clock=time.time, stream=Random(1), config={"nonsense": "1"})


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru"])
def test_the_least_recently_used_key_is_evicted(policy: str) -> None:
    """Three keys fit. Looking at the oldest saves it when a fourth comes."""

    async def body(at: Setting) -> None:
        redis = at.client()
        for name in "abc":
            await redis.set(name, b"x" * 937, ex=1000)
        await redis.get("a")
        await redis.set("d", b"x" * 937, ex=1000)
        assert [b"a", b"c", b"d"] == sorted(await redis.keys())
        assert 1 == (await redis.info("stats"))["evicted_keys"]

    simulate(body, config={"maxmemory": "3000", "maxmemory-policy": policy})


def test_the_key_that_expires_first_is_evicted() -> None:
    """volatile-ttl; a key without a time to live stays."""

    async def body(at: Setting) -> None:
        redis = at.client()
        await redis.set("for ever", b"x" * 930)
        await redis.set("late", b"x" * 930, ex=1000)
        await redis.set("soon", b"x" * 930, ex=10)
        await redis.set("new", b"x" * 930)
        assert [b"for ever", b"late", b"new"] == sorted(await redis.keys())

    simulate(body, config={"maxmemory": "3000", "maxmemory-policy": "volatile-ttl"})


def test_without_candidates_a_write_is_refused() -> None:
    """A volatile policy evicts no key that should live for ever."""

    async def body(at: Setting) -> None:
        redis = at.client()
        for name in "abc":
            await redis.set(name, b"x" * 937)
        await redis.set("d", b"x" * 937)
        with pytest.raises(ResponseError, match="maxmemory"):
            await redis.set("e", 1)
        await redis.delete("a", "b")
        assert await redis.set("e", 1)

    simulate(body, config={"maxmemory": "3000", "maxmemory-policy": "volatile-random"})


def test_random_evictions_follow_the_stream() -> None:
    """The same stream evicts the same keys."""
    survivors: list[list[bytes]] = []

    async def body(at: Setting) -> None:
        redis = at.client()
        for number in range(40):
            await redis.set(f"key:{number:02}", b"x" * 930)
        survivors.append(sorted(await redis.keys()))

    for _ in range(2):
        simulate(body, config={"maxmemory": "10000", "maxmemory-policy": "allkeys-random"})
    assert survivors[0] == survivors[1]
    assert 11 >= len(survivors[0]) >= 9


def test_policies_that_are_not_modelled_are_refused() -> None:
    """LFU is not pretended."""
    with pytest.raises(ValueError, match="maxmemory-policy"):
        Redis(
            capacity=Instant(),
            clock=time.time,
            stream=Random(1),
            config={"maxmemory-policy": "allkeys-lfu"},
        )


def test_keyspace_events_are_published_when_asked_for() -> None:
    """By default there are none, as in Redis."""

    async def body(at: Setting) -> None:
        redis = at.client()
        channel = at.client().pubsub()
        await channel.psubscribe("__key*__:*")
        await channel.get_message(timeout=1)
        await redis.set("a", 1)
        assert None is await channel.get_message(timeout=1)
        await redis.config_set("notify-keyspace-events", "KEA")
        await redis.set("a", 2)
        message = await channel.get_message(timeout=1)
        assert (b"__keyspace@0__:a", b"set") == (message["channel"], message["data"])
        await channel.aclose()

    simulate(body)


def test_two_runs_of_one_seed_are_the_same() -> None:
    """Subscribers, blocked clients and sets come in the same order: the tapes agree."""

    def fingerprint() -> str:
        with Kernel(seed=3) as kernel:
            Network(kernel)

            async def main() -> None:
                setting = Setting(kernel, Instant())
                await setting.server.start("127.0.0.1", 0)
                clients = [setting.client() for _ in range(6)]
                channels = [client.pubsub() for client in clients[:4]]
                for channel in channels:
                    await channel.subscribe("news")
                waiting = [asyncio.create_task(client.blpop(["a"], 5)) for client in clients[4:]]
                other = setting.client()
                await other.sadd("set", *(str(number) for number in range(50)))
                await other.publish("news", "hello")
                await other.rpush("a", 1, 2)
                await asyncio.gather(*waiting)
                await other.smembers("set")
                await other.spop("set", 20)
                for channel in channels:
                    await channel.aclose()
                await setting.close()

            kernel.run(main())
            return kernel.tape.hexdigest()

    assert fingerprint() == fingerprint()
