"""
What both directions of a connection do to each other, and what a proxy's life does to both.

The tests are numbered as the cross-direction checks of the toxics' specification.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from statistics import median
from typing import Any

import pytest

from tests.conformance.toxics import servers
from tests.conformance.toxics.arms import Arm, Control, RealArm, VirtualArm
from umt_sim.worlds.live.programs.base import free_port

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


# What passes through real sockets takes real time and must not run beside other tests.
OURS = pytest.param("ours", marks=pytest.mark.live)
REAL = pytest.param("real", marks=pytest.mark.live)


@pytest.fixture(params=["virtual", OURS, REAL])
def arm(request: pytest.FixtureRequest) -> Arm:
    """A place to run the test: the simulated network, our stand-in, Toxiproxy."""
    if request.param == "virtual":
        return VirtualArm()
    return RealArm(request.getfixturevalue(f"{request.param}_url"))


class Stage:
    """A server and a proxy, and the connections made through it; times count from ``begin``."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self.accepted: asyncio.Queue[Ends] = asyncio.Queue()
        self.proxy: Control
        self._started = 0.0
        self._open: list[asyncio.StreamWriter] = []

    def begin(self) -> None:
        self._started = asyncio.get_running_loop().time()

    @property
    def now(self) -> float:
        """Seconds since ``begin``."""
        return asyncio.get_running_loop().time() - self._started

    async def until(self, moment: float) -> None:
        await asyncio.sleep(moment - self.now)

    def is_now(self, expected: float) -> None:
        """Now is when it should be."""
        actual = self.now
        assert self.arm.same(expected, actual), f"at {actual:.4f} s, expected at {expected} s"

    async def connect(self) -> tuple[Ends, Ends]:
        """A client's end and the server's."""
        client = await self.client()
        server = await self.accepted.get()
        self._open.append(server[1])
        return client, server

    async def client(self) -> Ends:
        client = await asyncio.open_connection(*self.proxy.address)
        self._open.append(client[1])
        return client

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.accepted.put((reader, writer))

    async def close(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        await asyncio.sleep(0)


Body = Callable[[Stage], Coroutine[Any, Any, None]]


def play(arm: Arm, body: Body) -> None:
    """Run *body* with a server and a proxy before it."""

    async def main() -> None:
        stage = Stage(arm)
        server = await arm.serve(stage.accept)
        stage.proxy = await arm.proxy()
        stage.begin()
        try:
            await body(stage)
        finally:
            await stage.close()
            server.close()

    arm.run(main)


def test_x1_latency_does_not_delay_connecting(arm: Arm) -> None:
    """With 500 ms each way, connect() returns at once."""

    async def body(stage: Stage) -> None:
        await stage.proxy.add("latency", "upstream", latency=500)
        await stage.proxy.add("latency", "downstream", latency=500)
        stage.begin()
        await stage.connect()
        stage.is_now(0)

    play(arm, body)


def test_x2_a_toxic_acts_on_one_direction(arm: Arm) -> None:
    """Upstream latency 100 delays the request, not what the server says at 50."""

    async def body(stage: Stage) -> None:
        await stage.proxy.add("latency", "upstream", latency=100)
        client, server = await stage.connect()
        stage.begin()
        client[1].write(b"request")
        await stage.until(0.05)
        server[1].write(b"early")
        assert await client[0].read(100) == b"early"
        stage.is_now(0.05)
        assert await server[0].read(100) == b"request"
        stage.is_now(0.1)

    play(arm, body)


def test_x3_a_request_outlives_its_client(arm: Arm) -> None:
    """The client closes at 50; its delayed request still arrives at 200, then the end."""

    async def body(stage: Stage) -> None:
        await stage.proxy.add("latency", "upstream", latency=200)
        client, server = await stage.connect()
        stage.begin()
        client[1].write(b"request")
        await stage.until(0.05)
        client[1].close()
        assert await server[0].read(100) == b"request"
        stage.is_now(0.2)
        assert await server[0].read(100) == b""
        stage.is_now(0.2)

    play(arm, body)


def test_x4_down_ends_everything_under_way(arm: Arm) -> None:
    """Chunks under way are lost, both peers see the end at 50, newcomers are refused."""

    async def body(stage: Stage) -> None:
        await stage.proxy.add("latency", "downstream", latency=200)
        client, server = await stage.connect()
        stage.begin()
        server[1].write(b"nine byte")
        await stage.until(0.05)
        await stage.proxy.enable(enabled=False)
        assert await client[0].read(100) == b""
        assert await server[0].read(100) == b""
        stage.is_now(0.05)
        with pytest.raises(ConnectionRefusedError):
            await stage.client()

    play(arm, body)


def test_x5_up_again_keeps_address_and_toxics(arm: Arm) -> None:
    """After down and up, the same address accepts and the toxic still delays by 200."""

    async def body(stage: Stage) -> None:
        await stage.proxy.add("latency", "downstream", latency=200)
        await stage.proxy.enable(enabled=False)
        await stage.proxy.enable(enabled=True)
        client, server = await stage.connect()
        stage.begin()
        server[1].write(b"again")
        assert await client[0].read(100) == b"again"
        stage.is_now(0.2)

    play(arm, body)


def test_x6_a_dead_server_shows_as_a_connection_that_ends(arm: Arm) -> None:
    """Nothing listens upstream; the client connects, then sees the end."""
    nobodys_port = free_port()

    async def main() -> None:
        stage = Stage(arm)
        stage.proxy = await arm.proxy(nobodys_port)
        stage.begin()
        client = await stage.client()
        assert await client[0].read(100) == b""
        stage.is_now(0)
        await stage.close()

    arm.run(main)


def test_x7_a_half_closed_connection_is_closed(arm: Arm) -> None:
    """The client finishes sending; it sees the end at once, and answers go nowhere."""

    async def body(stage: Stage) -> None:
        client, server = await stage.connect()
        stage.begin()
        client[1].write(b"ask")
        client[1].write_eof()
        assert await server[0].read() == b"ask"
        assert await client[0].read() == b""
        stage.is_now(0)
        await stage.until(0.1)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await _answer_until_refused(server[1])

    play(arm, body)


async def _answer_until_refused(writer: asyncio.StreamWriter) -> None:
    for _ in range(10):
        writer.write(b"answer")
        await asyncio.sleep(0.01)
        await writer.drain()


@pytest.mark.parametrize("operation", ["update", "add behind", "remove behind", "other stream"])
def test_x8_toxicity_is_drawn_anew_where_a_stage_restarts(arm: Arm, operation: str) -> None:
    """Draws hold over requests and changes of the other stream; restarts redraw them all."""
    connections = 24

    async def body(stage: Stage) -> None:
        await stage.proxy.add("latency", "upstream", toxicity=0.5, latency=150)
        if operation == "remove behind":
            await stage.proxy.add("slow_close", "upstream", delay=0)
        ends = [await stage.connect() for _ in range(connections)]
        before = await _slow(stage, ends)
        assert 0 < sum(before) < connections
        assert before == await _slow(stage, ends)
        match operation:
            case "update":
                await stage.proxy.update("latency_upstream")
            case "add behind":
                await stage.proxy.add("slow_close", "upstream", delay=0)
            case "remove behind":
                await stage.proxy.remove("slow_close_upstream")
            case _:
                await stage.proxy.add("slow_close", "downstream", delay=0)
        after = await _slow(stage, ends)
        assert (before == after) == (operation == "other stream")

    play(arm, body)


async def _slow(stage: Stage, ends: list[tuple[Ends, Ends]]) -> list[bool]:
    """For each connection whether its requests are delayed."""

    async def is_slow(client: Ends, server: Ends) -> bool:
        sent = stage.now
        client[1].write(b"?")
        await server[0].readexactly(1)
        return stage.now - sent > 0.1

    return list(await asyncio.gather(*(is_slow(client, server) for client, server in ends)))


def test_x9_a_reset_that_counts_down_holds_up_its_removal(arm: Arm) -> None:
    """Reset_peer 1500 pending since 100; asked to go at 200, it is gone at 1600."""

    async def body(stage: Stage) -> None:
        await stage.proxy.add("reset_peer", "upstream", timeout=1500)
        client, server = await stage.connect()
        stage.begin()
        await stage.until(0.1)
        client[1].write(b"!")
        await stage.until(0.2)
        await stage.proxy.remove("reset_peer_upstream")
        stage.is_now(1.6)
        with suppress(ConnectionResetError):
            assert await server[0].read() == b""

    play(arm, body)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("virtual", 1),
        pytest.param("ours", 1, marks=pytest.mark.live),
        pytest.param("real", 3, marks=pytest.mark.live),
    ],
)
def test_x10_a_seed_repeats_the_draws_of_ours_only(place: str, expected: int) -> None:
    """Three servers with one seed and toxicity 0.5: one sequence of ours, three of Toxiproxy's."""
    assert expected == len({_draws(place) for _ in range(3)})


def _draws(place: str) -> tuple[bool, ...]:
    """Which of 24 connections are slow, through a server started anew."""
    drawn: list[bool] = []

    async def body(stage: Stage) -> None:
        await stage.proxy.add("latency", "upstream", toxicity=0.5, latency=150)
        drawn.extend(await _slow(stage, [await stage.connect() for _ in range(24)]))

    if place == "virtual":
        play(VirtualArm(), body)
    else:
        program = servers.StandIn() if place == "ours" else servers.real()
        with servers.running(program) as url:
            play(RealArm(url), body)
    return tuple(drawn)


def test_x11_jitter_spreads_the_delay_evenly(arm: Arm) -> None:
    """Latency 20 with jitter 15, 300 calls: the fastest takes 5, half of them 20 at most."""
    delays: list[float] = []

    async def call(stage: Stage, client: Ends, server: Ends) -> None:
        for _ in range(30):
            sent = stage.now
            client[1].write(b"?")
            await server[0].readexactly(1)
            delays.append(round(stage.now - sent, 9))

    async def body(stage: Stage) -> None:
        await stage.proxy.add("latency", "upstream", latency=20, jitter=15)
        ends = [await stage.connect() for _ in range(10)]
        await asyncio.gather(*(call(stage, client, server) for client, server in ends))

    play(arm, body)
    assert len(delays) == 300
    assert 0.005 <= min(delays) < 0.01
    assert 0.018 <= median(delays) < 0.025
