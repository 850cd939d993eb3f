from __future__ import annotations

import asyncio
import socket
from errno import EADDRINUSE, ECONNREFUSED, EPIPE

import pytest

from tests.unit.network.conftest import Echo, exchange
from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network


def test_nothing_takes_time_unless_told(kernel: Kernel, network: Network, echo: Echo) -> None:
    """Connecting and exchanging bytes cost no virtual time on a plain network."""

    async def main() -> float:
        await echo.start()
        async with echo.client() as client:
            assert await exchange(client, b"hello") == b"hello"
        return kernel.loop.time()

    assert kernel.run(main()) == 0.0


def test_latency_counts_for_the_handshake_and_each_way(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """With 10 ms one way, a connection is open after 20 ms and an answer takes 20 more."""
    network.latency("harness", "server", 0.010)

    async def main() -> list[float]:
        await echo.start()
        async with echo.client() as client:
            connected = kernel.loop.time()
            await exchange(client, b"hello")
            return [connected, kernel.loop.time()]

    assert kernel.run(main()) == [0.020, 0.040]


def test_messages_in_flight_overlap_and_keep_their_order(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """Sent 1 ms apart over 10 ms of latency, they come back 1 ms apart."""
    network.latency("harness", "server", 0.010)
    arrivals = []

    async def main() -> None:
        await echo.start()
        async with echo.client() as (reader, writer):
            started = kernel.loop.time()
            for letter in b"abc":
                writer.write(bytes([letter]))
                await asyncio.sleep(0.001)
            for _ in range(3):
                data = await reader.read(1)
                arrivals.append((data, round(kernel.loop.time() - started, 9)))

    kernel.run(main())
    assert arrivals == [(b"a", 0.020), (b"b", 0.021), (b"c", 0.022)]


def test_a_rate_makes_big_messages_slow(kernel: Kernel, network: Network, echo: Echo) -> None:
    """100 kB at 1 MB/s take 0.1 s each way; the echo starts when the first part has come."""
    network.latency("harness", "server", 0.0, bytes_per_second=1e6)

    async def main() -> float:
        await echo.start()
        async with echo.client() as client:
            await exchange(client, b"x" * 100_000)
            return kernel.loop.time()

    assert kernel.run(main()) == 0.2


def test_a_full_window_blocks_the_sender(kernel: Kernel) -> None:
    """A reader that does not read stops the writer after window and asyncio's own buffers."""
    network = Network(kernel, window=10_000)
    network.host("server")

    async def main() -> int:
        held = asyncio.Event()

        async def idle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await held.wait()
            writer.close()

        server = await asyncio.start_server(idle, "server", 7, limit=1000)
        _, writer = await asyncio.open_connection("server", 7)
        sent = 0
        try:
            async with asyncio.timeout(1):
                while True:
                    writer.write(b"x" * 1000)
                    sent += 1000
                    await writer.drain()
        except TimeoutError:
            pass
        held.set()
        writer.transport.abort()
        server.close()
        return sent

    sent = kernel.run(main())
    assert 10_000 < sent < 200_000


def test_nobody_listening_refuses(kernel: Kernel, network: Network) -> None:
    """ECONNREFUSED, as from a machine that is on."""
    network.host("server")

    async def main() -> None:
        with pytest.raises(ConnectionRefusedError) as caught:
            await asyncio.open_connection("server", 9)
        assert caught.value.errno == ECONNREFUSED

    kernel.run(main())


def test_an_unknown_name_is_not_resolved(kernel: Kernel, network: Network) -> None:
    """gaierror, naming the hosts there are."""

    async def main() -> None:
        with pytest.raises(socket.gaierror, match=r"'servr'.*there are.*client"):
            await asyncio.open_connection("servr", 9)

    kernel.run(main())


def test_half_close_lets_the_answer_through(kernel: Kernel, network: Network, echo: Echo) -> None:
    """Without a proxy between, a client that finished sending still reads."""

    async def main() -> bytes:
        await echo.start()
        async with echo.client() as (reader, writer):
            writer.write(b"last words")
            writer.write_eof()
            return await reader.read()

    assert kernel.run(main()) == b"last words"


def test_closing_with_unread_data_resets(kernel: Kernel, network: Network) -> None:
    """The peer of a socket closed with data in its buffer sees ECONNRESET, not the end."""
    network.host("server")

    async def main() -> None:
        listener = network.listen("server", 7)
        client = await network.connect("server", 7)
        server, _ = listener.accept()
        client.send(b"never read")
        server.close()
        with pytest.raises(ConnectionResetError):
            client.recv(100)

    kernel.run(main())


def test_received_data_can_be_read_after_a_reset(kernel: Kernel, network: Network) -> None:
    """What came before the reset is delivered first, then the error, once, then the end."""
    network.host("server")

    async def main() -> None:
        listener = network.listen("server", 7)
        client = await network.connect("server", 7)
        server, _ = listener.accept()
        server.send(b"data")
        server.reset_on_close()
        server.close()
        assert client.recv(100) == b"data"
        with pytest.raises(ConnectionResetError):
            client.recv(100)
        assert client.recv(100) == b""

    kernel.run(main())


def test_sending_to_a_closed_peer_breaks_the_pipe(kernel: Kernel, network: Network) -> None:
    """The first send is accepted and answered by a reset; the next one raises EPIPE."""
    network.host("server")

    async def main() -> None:
        listener = network.listen("server", 7)
        client = await network.connect("server", 7)
        server, _ = listener.accept()
        server.close()
        assert client.recv(100) == b""
        assert client.send(b"first") == 5
        with pytest.raises(BrokenPipeError) as caught:
            client.send(b"second")
        assert caught.value.errno == EPIPE

    kernel.run(main())


def test_the_error_of_a_socket_is_told_once(kernel: Kernel, network: Network) -> None:
    """SO_ERROR gives the pending error and clears it."""
    network.host("server")

    async def main() -> list[int]:
        listener = network.listen("server", 7)
        client = await network.connect("server", 7)
        server, _ = listener.accept()
        server.reset_on_close()
        server.close()
        option = (socket.SOL_SOCKET, socket.SO_ERROR)
        return [client.getsockopt(*option), client.getsockopt(*option)]

    assert kernel.run(main()) == [104, 0]


def test_addresses_are_told_as_numbers(kernel: Kernel, network: Network) -> None:
    """Each host has an address, in order of creation; the client's port is ephemeral."""
    network.host("server")

    async def main() -> None:
        listener = network.listen("server", 7)
        client = await network.connect("server", 7)
        server, peer = listener.accept()
        assert client.getpeername() == server.getsockname() == ("10.0.0.3", 7)
        assert client.getsockname() == peer == ("10.0.0.1", 32768)

    kernel.run(main())


def test_two_listeners_cannot_share_a_port(kernel: Kernel, network: Network) -> None:
    """EADDRINUSE on the same host; on another one the port is free."""
    network.host("server")
    network.listen("server", 7)
    network.listen("client", 7)
    with pytest.raises(OSError, match="already in use") as caught:
        network.listen("server", 7)
    assert caught.value.errno == EADDRINUSE


def test_port_zero_picks_a_free_one(network: Network) -> None:
    """Two such listeners get different ports."""
    first, second = network.listen("client", 0), network.listen("client", 0)
    assert first.address[1] != second.address[1]


def test_loopback_is_for_the_own_host(kernel: Kernel, network: Network) -> None:
    """Who listens on 127.0.0.1 is reached from its own host only, whatever the name used."""
    host = network.host("server")

    async def on_server() -> bytes:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 7)
        reader, writer = await asyncio.open_connection("localhost", 7)
        data = await reader.read()
        writer.close()
        del server
        return data

    async def main() -> None:
        assert await host.run(on_server()) == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("server", 7)

    kernel.run(main())


def test_a_host_listens_only_on_its_own_addresses(kernel: Kernel, network: Network) -> None:
    """A program on one host cannot bind another's address; the harness can."""
    network.host("server")

    async def bind() -> None:
        network.listen("server", 7)

    async def main() -> None:
        with pytest.raises(OSError, match="server is not an address of client"):
            await network.host("client").run(bind())
        network.listen("server", 7).close()

    kernel.run(main())


def test_a_client_that_gives_up_is_never_heard_of(kernel: Kernel, network: Network) -> None:
    """Cancelled after 1.5 of the 2 s that connecting takes, it leaves nothing to accept."""
    network.host("server")
    network.latency("harness", "server", 1.0)

    async def main() -> None:
        listener = network.listen("server", 7)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await network.connect("server", 7)
        await asyncio.sleep(5)
        with pytest.raises(BlockingIOError):
            listener.accept()

    kernel.run(main())


def test_a_server_accepts_when_the_third_packet_has_come(kernel: Kernel, network: Network) -> None:
    """Connected after two of three latencies, the client is accepted after the third."""
    network.host("server")
    network.latency("harness", "server", 1.0)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        times.append(kernel.loop.time())
        writer.close()

    async def main() -> None:
        await asyncio.start_server(serve, "server", 7)
        reader, writer = await asyncio.open_connection("server", 7)
        times.append(kernel.loop.time())
        await reader.read()
        times.append(kernel.loop.time())
        writer.close()

    times: list[float] = []
    kernel.run(main())
    assert times == [2.0, 3.0, 4.0]


def test_a_full_backlog_makes_newcomers_wait(kernel: Kernel, network: Network) -> None:
    """Requests go unanswered; the client's system repeats them after 1, 3, 7 ... seconds."""
    network.host("server")

    async def main() -> float:
        listener = network.listen("server", 7, backlog=1)
        for _ in range(2):
            await network.connect("server", 7)
        waiting = asyncio.create_task(network.connect("server", 7))
        await asyncio.sleep(2)
        listener.accept()
        await waiting
        return kernel.loop.time()

    assert kernel.run(main()) == 3.0


def test_datagrams_arrive_or_are_lost(kernel: Kernel, network: Network) -> None:
    """With latency they take their time; to nobody they are lost."""
    network.host("server")
    network.latency("harness", "server", 0.5)

    class Receiver(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.got: list[tuple[bytes, float]] = []

        def datagram_received(self, data: bytes, addr: object) -> None:
            self.got.append((data, kernel.loop.time()))

    async def serve() -> tuple[asyncio.DatagramTransport, Receiver]:
        loop = asyncio.get_running_loop()
        return await loop.create_datagram_endpoint(Receiver, local_addr=("0.0.0.0", 53))

    async def main() -> None:
        bound, receiver = await network.host("server").run(serve())
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=("server", 53)
        )
        transport.sendto(b"question")
        nobody, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=("server", 54)
        )
        nobody.sendto(b"lost")
        await asyncio.sleep(1)
        assert receiver.got == [(b"question", 0.5)]
        for endpoint in (bound, transport, nobody):
            endpoint.close()

    kernel.run(main())
