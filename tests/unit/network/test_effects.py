"""What each action does to connections, what it counts, and that it can be undone."""

from __future__ import annotations

import asyncio
from errno import ETIMEDOUT

import pytest

from tests.unit.network.conftest import Echo, exchange
from umt_sim.faults import toxics
from umt_sim.faults.actions import (
    AddToxic,
    ClockSkew,
    ConnectHang,
    ConnectRefused,
    Crash,
    Down,
    HalfOpen,
    Hold,
    Kill,
    Partition,
    Pause,
    RetransmissionDelay,
    ServerRestart,
    Stream,
    TimedOut,
)
from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.proxy import Proxy

PROXY = ("proxy", 70)


@pytest.fixture
def proxy(network: Network, echo: Echo) -> Proxy:
    return network.proxy("proxy", listen=PROXY, upstream=echo.address)


async def took(kernel: Kernel, client: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> float:
    """Seconds that an exchange takes."""
    started = kernel.loop.time()
    await exchange(client, b"12345")
    return round(kernel.loop.time() - started, 9)


def test_a_toxic_on_both_streams_counts_each_connection_once(
    kernel: Kernel, network: Network, echo: Echo, proxy: Proxy
) -> None:
    """Two toxics delay both ways; the bytes of both ways count, the connection once."""
    action = AddToxic(target="proxy", toxic=toxics.Latency(latency_ms=100), stream=Stream.BOTH)

    async def main() -> None:
        await echo.start()
        async with echo.client(PROXY) as client, echo.client(PROXY):
            network.begin("slow", action)
            assert await took(kernel, client) == 0.2
            touched = network.end("slow")
            assert (touched.bytes, touched.connections) == (10, 1)
            assert await took(kernel, client) == 0.0
            assert proxy.toxics == []

    kernel.run(main())


def test_a_toxic_that_spares_every_connection_touches_nothing(
    kernel: Kernel, network: Network, echo: Echo, proxy: Proxy
) -> None:
    """With toxicity 0 bytes pass through and none is counted."""
    action = AddToxic(target="proxy", toxic=toxics.Latency(latency_ms=100), toxicity=0.0)

    async def main() -> None:
        await echo.start()
        async with echo.client(PROXY) as client:
            network.begin("spared", action)
            assert await took(kernel, client) == 0.0
            touched = network.end("spared")
            assert (touched.bytes, touched.connections) == (0, 0)

    kernel.run(main())


def test_down_counts_ended_connections_and_refused_attempts(
    kernel: Kernel, network: Network, echo: Echo, proxy: Proxy
) -> None:
    """Two live connections and one attempt: three. Afterwards the proxy serves again."""

    async def main() -> None:
        await echo.start()
        async with echo.client(PROXY) as client, echo.client(PROXY):
            network.begin("outage", Down(target="proxy"))
            assert await client[0].read(1) == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*PROXY)
        assert network.end("outage").connections == 3
        async with echo.client(PROXY) as client:
            assert await took(kernel, client) == 0.0

    kernel.run(main())


@pytest.mark.parametrize(
    ("length", "arrives_after"), [(0.1, 0.2), (0.3, 0.6), (1.0, 1.4), (60.0, 102.2)]
)
def test_after_a_partition_data_arrives_with_the_next_retry(
    kernel: Kernel, network: Network, echo: Echo, length: float, arrives_after: float
) -> None:
    """Retransmissions come 0.2, 0.6, 1.4, 3.0 ... s after the loss: the first after the repair."""

    async def main() -> None:
        await echo.start()
        async with echo.client() as client:
            network.begin("split", Partition(left="harness", right="server"))
            kernel.loop.call_later(length, lambda: ended.append(network.end("split")))
            assert await took(kernel, client) == arrives_after
            assert (ended[0].bytes, ended[0].connections) == (5, 1)

    ended: list[object] = []
    kernel.run(main())


def test_a_partition_meets_bytes_already_under_way(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """Sent before the cut, due after it: lost, and retransmitted 0.2 s after they were due."""
    network.latency("harness", "server", 0.1)

    async def main() -> None:
        await echo.start()
        async with echo.client() as client:
            client[1].write(b"12345")
            network.begin("split", Partition(left="harness", right="server"))
            await asyncio.sleep(0.15)
            network.end("split")
            await client[0].readexactly(5)
            return kernel.loop.time() - 0.2  # without the handshake

    assert round(kernel.run(main()), 9) == 0.4


def test_a_partition_that_lasts_times_connections_out(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """After 924.6 s of retransmissions the sender sees ETIMEDOUT."""

    async def main() -> float:
        await echo.start()
        reader, writer = await asyncio.open_connection(*echo.address)
        network.begin("split", Partition(left="harness", right="server"))
        writer.write(b"12345")
        with pytest.raises(TimeoutError) as caught:
            await reader.read(1)
        assert caught.value.errno == ETIMEDOUT
        writer.close()
        return kernel.loop.time()

    assert kernel.run(main()) == 924.6


def test_a_one_way_partition_loses_the_answers_only(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """The request is served at once; its answer comes after the repair."""

    async def main() -> None:
        await echo.start()
        async with echo.client() as client:
            network.begin("split", Partition(left="server", right="harness", one_way=True))
            kernel.loop.call_later(0.1, network.end, "split")
            assert await took(kernel, client) == 0.2

    kernel.run(main())


def test_connecting_through_a_partition_is_tried_again(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """Repaired after 2 s, a connection comes about with the attempt after 3."""

    async def main() -> float:
        await echo.start()
        network.begin("split", Partition(left="harness", right="server"))
        kernel.loop.call_later(2, network.end, "split")
        async with echo.client():
            return kernel.loop.time()

    assert kernel.run(main()) == 3.0


def test_held_packets_arrive_at_the_release(kernel: Kernel, network: Network, echo: Echo) -> None:
    """Nothing is lost, so nothing waits for a retry."""

    async def main() -> None:
        await echo.start()
        async with echo.client() as client:
            network.begin("hold", Hold(left="harness", right="server"))
            kernel.loop.call_later(0.123, lambda: ended.append(network.end("hold")))
            assert await took(kernel, client) == 0.123
            assert (ended[0].bytes, ended[0].connections) == (5, 1)

    ended: list[object] = []
    kernel.run(main())


def test_lost_packets_show_as_delay_in_steps(kernel: Kernel, network: Network, echo: Echo) -> None:
    """Each loss costs 200 ms, the next one 400: exchanges take sums of such steps."""
    action = RetransmissionDelay(left="harness", right="server", loss=0.3)

    async def main() -> None:
        await echo.start()
        async with echo.client() as client:
            network.begin("lossy", action)
            times = [await took(kernel, client) for _ in range(200)]
            touched = network.end("lossy")
            assert await took(kernel, client) == 0.0
        steps = [round(time / 0.2, 6) for time in times]
        assert all(step == int(step) for step in steps)
        delayed = sum(1 for time in times if time)
        assert 0.35 < delayed / 200 < 0.67  # 1 - 0.7² = 0.51 of the exchanges
        assert touched.connections == 1
        assert touched.bytes >= 5 * delayed

    kernel.run(main())


@pytest.mark.parametrize("target", ["proxy", "server"])
def test_refusing_spares_live_connections(
    kernel: Kernel, network: Network, echo: Echo, proxy: Proxy, target: str
) -> None:
    """A named proxy or host refuses newcomers and serves those it has."""

    async def main() -> None:
        await echo.start()
        address = PROXY if target == "proxy" else echo.address
        async with echo.client(address) as client:
            network.begin("refuse", ConnectRefused(target=target))
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*address)
            assert await took(kernel, client) == 0.0
            assert network.end("refuse").connections == 1
        async with echo.client(address) as client:
            assert await took(kernel, client) == 0.0

    kernel.run(main())


def test_hanging_connects_go_through_later_or_time_out(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """Ended after 5 s, the attempt after 7 succeeds; never ended, ETIMEDOUT after 127 s."""

    async def main() -> list[float]:
        await echo.start()
        network.begin("hang", ConnectHang(target="server"))
        kernel.loop.call_later(5, network.end, "hang")
        async with echo.client():
            connected = kernel.loop.time()
        network.begin("hang", ConnectHang(target="server"))
        with pytest.raises(TimeoutError) as caught:
            await asyncio.open_connection(*echo.address)
        assert caught.value.errno == ETIMEDOUT
        return [connected, kernel.loop.time() - connected]

    assert kernel.run(main()) == [7.0, 127.0]


def test_a_half_open_connection_is_noticed_when_sending(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """The server has forgotten it; the idle client knows nothing until it is reset."""

    async def main() -> None:
        await echo.start()
        reader, writer = await asyncio.open_connection(*echo.address)
        network.begin("forget", HalfOpen(target="server"))
        assert network.end("forget").connections == 1
        await asyncio.sleep(3600)
        assert not reader.at_eof()
        writer.write(b"anyone?")
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()

    kernel.run(main())


def test_timed_out_breaks_both_ends(kernel: Kernel, network: Network, echo: Echo) -> None:
    """The client sees ETIMEDOUT at once."""

    async def main() -> None:
        await echo.start()
        reader, writer = await asyncio.open_connection(*echo.address)
        network.begin("dead", TimedOut(target="server"))
        with pytest.raises(TimeoutError):
            await reader.read(1)
        writer.close()

    kernel.run(main())


def test_a_crashed_host_is_silent_then_resets(kernel: Kernel, network: Network, echo: Echo) -> None:
    """What is sent meanwhile is retransmitted; the restarted host does not know the connection."""

    async def main() -> float:
        await echo.start()
        reader, writer = await asyncio.open_connection(*echo.address)
        network.begin("power", Crash(host="server"))
        writer.write(b"hello?")
        kernel.loop.call_later(1, lambda: ended.append(network.end("power")))
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        assert ended[0].connections >= 1
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*echo.address)
        await echo.start()
        async with echo.client() as client:
            await exchange(client, b"again")
        return kernel.loop.time()

    ended: list[object] = []
    assert kernel.run(main()) == 1.4  # the retry after 0.2, 0.6, 1.4


def test_a_crash_takes_the_clients_of_a_host_too(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """The server of a crashed client sees nothing at all, not even the end."""

    async def client() -> None:
        async with echo.client() as ends:
            await exchange(ends, b"hi")
            await asyncio.sleep(60)

    async def main() -> int:
        await echo.start()
        network.host("client").run(client())
        await asyncio.sleep(1)
        network.begin("power", Crash(host="client"))
        await asyncio.sleep(3600)
        return len(network.site("server").connections)

    assert kernel.run(main()) == 1


def test_killed_programs_reset_their_connections_at_once(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """The host's system lives: peers are told, newcomers refused, until the programs are back."""

    async def main() -> float:
        await echo.start()
        reader, writer = await asyncio.open_connection(*echo.address)
        network.begin("kill", Kill(host="server"))
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*echo.address)
        network.end("kill")
        await echo.start()
        async with echo.client() as client:
            await exchange(client, b"again")
        return kernel.loop.time()

    assert kernel.run(main()) == 0.0


def test_a_paused_host_answers_later(kernel: Kernel, network: Network, echo: Echo) -> None:
    """Connections can even be opened: the system queues them. Answers come with the resumption."""

    async def main() -> None:
        await echo.start()
        async with echo.client() as client:
            network.begin("freeze", Pause(host="server"))
            kernel.loop.call_later(2, lambda: ended.append(network.end("freeze")))
            async with echo.client() as second:
                assert kernel.loop.time() == 0.0
                assert await took(kernel, second) == 2.0
            assert await took(kernel, client) == 0.0
            assert (ended[0].bytes, ended[0].connections) == (5, 2)

    ended: list[object] = []
    kernel.run(main())


def test_a_skewed_clock_is_set_right_again(kernel: Kernel, network: Network) -> None:
    """The host's wall clock is off while the fault lasts."""
    host = network.host("client")
    network.begin("skew", ClockSkew(host="client", offset_s=-30))
    assert host.clock_skew == -30
    network.end("skew")
    assert host.clock_skew == 0


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (Down(target="prxy"), "no proxy 'prxy'; it has proxy"),
        (HalfOpen(target="x"), "no host 'x'; it has harness, client, server, proxy"),
        (Partition(left="client", right="x"), "no host 'x'"),
        (Crash(host="x"), "no host 'x'"),
    ],
)
def test_unknown_targets_are_refused(
    network: Network, proxy: Proxy, action: Down, message: str
) -> None:
    """The error lists what there is."""
    with pytest.raises(ValueError, match=message):
        network.begin("fault", action)


def test_a_fault_cannot_begin_twice(network: Network, proxy: Proxy) -> None:
    """Names of active faults are unique."""
    network.begin("fault", Down(target="proxy"))
    with pytest.raises(ValueError, match="active already"):
        network.begin("fault", Down(target="proxy"))


def test_restarting_a_server_is_its_owners_business(
    kernel: Kernel, network: Network, echo: Echo, proxy: Proxy
) -> None:
    """The network counts the server's connections at the beginning and at the end."""

    async def main() -> None:
        server = await echo.start()
        async with echo.client(PROXY):
            network.begin("restart", ServerRestart(service="proxy"))
            server.close()
        async with echo.client(PROXY) as refused:
            assert await refused[0].read(1) == b""
        await echo.start()
        async with echo.client(PROXY):
            assert network.end("restart").connections == 2

    kernel.run(main())


def test_what_cannot_be_is_refused_with_what_there_is(network: Network, proxy: Proxy) -> None:
    """Unknown targets and faults, and impossible routes, are named beside what exists."""
    slow = AddToxic(target="prxy", toxic=toxics.Latency(latency_ms=1))
    with pytest.raises(ValueError, match="no proxy 'prxy'; it has proxy"):
        network.begin("slow", slow)
    with pytest.raises(ValueError, match="no host 'mars'; it has"):
        network.begin("crash", Crash(host="mars"))
    with pytest.raises(ValueError, match="no fault 'slow' is active; active: none"):
        network.end("slow")
    with pytest.raises(ValueError, match=r"client to proxy: a latency of -0\.1 s cannot be"):
        network.latency("client", "proxy", -0.1)
    with pytest.raises(ValueError, match="client to proxy: a rate of 0 bytes/s cannot be"):
        network.latency("client", "proxy", 0.1, bytes_per_second=0)
