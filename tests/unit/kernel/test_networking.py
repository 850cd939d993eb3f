"""asyncio's transports, streams and TLS on sockets that a network supplies."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from tests.unit.kernel.loopback import Loopback
from umt_sim.kernel import Kernel


@pytest.fixture
def kernel():
    with Kernel(seed=1) as kernel:
        yield kernel


@pytest.fixture
def network(kernel):
    return Loopback(kernel.loop)


async def echo(reader, writer):
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.write(b"<end>")
    writer.close()
    await writer.wait_closed()


async def talk(host="server", port=80, **options):
    """Say something to an echo server, half-close, and read to the end."""
    reader, writer = await asyncio.open_connection(host, port, **options)
    writer.writelines([b"hello ", b"world"])
    assert await reader.readexactly(11) == b"hello world"
    if writer.can_write_eof():
        writer.write_eof()
        assert await reader.read() == b"<end>"
    writer.close()
    await writer.wait_closed()
    return asyncio.get_running_loop().time()


@pytest.mark.usefixtures("network")
def test_streams_and_half_close(kernel):
    """``start_server`` and ``open_connection`` work, end of stream included, in virtual time."""

    async def main():
        async with await asyncio.start_server(echo, "server", 80):
            return await talk()

    assert kernel.run(main()) == 1.0


@pytest.mark.usefixtures("network")
def test_a_refused_connection_is_an_error_of_the_system(kernel):
    """Connecting where nobody listens raises what a real system raises."""

    async def main():
        with pytest.raises(ConnectionRefusedError, match="nobody listens on server:80"):
            await asyncio.open_connection("server", 80)

    kernel.run(main())


@pytest.mark.usefixtures("network")
def test_a_server_on_several_addresses(kernel):
    """One server listens on each address given, and closes them all."""

    async def main():
        server = await asyncio.start_server(echo, ["one", "two"], 80)
        async with server:
            assert [sock.getsockname() for sock in server.sockets] == [("one", 80), ("two", 80)]
            await talk("one")
            await talk("two")

    kernel.run(main())


@pytest.mark.usefixtures("network")
def test_a_free_port_is_chosen(kernel):
    """Port 0 asks the network for a free one."""

    async def main():
        async with await asyncio.start_server(echo, None, 0) as server:
            host, port = server.sockets[0].getsockname()
            await talk(host, port)

    kernel.run(main())


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def contexts(authority):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("server").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@pytest.mark.usefixtures("network")
def test_tls(kernel, contexts):
    """TLS runs through asyncio's own code; the certificate is checked against the name."""
    server, client = contexts

    async def main():
        # Certificates are valid from today on: the virtual clock of OpenSSL is the real one.
        async with await asyncio.start_server(echo, "server", 443, ssl=server):
            return await talk("server", 443, ssl=client)

    assert kernel.run(main()) == 1.0


@pytest.mark.usefixtures("network")
def test_start_tls(kernel, contexts):
    """A connection can be upgraded, as PostgreSQL and SMTP clients do."""
    server, client = contexts

    async def upgrade(reader, writer):
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go\n")
        await writer.start_tls(server)
        await echo(reader, writer)

    async def main():
        async with await asyncio.start_server(upgrade, "server", 25):
            reader, writer = await asyncio.open_connection("server", 25)
            writer.write(b"STARTTLS\n")
            assert await reader.readline() == b"go\n"
            await writer.start_tls(client, server_hostname="server")
            writer.write(b"secret")
            assert await reader.readexactly(6) == b"secret"
            writer.close()

    kernel.run(main())


@pytest.mark.usefixtures("network")
def test_datagrams(kernel):
    """Datagram endpoints exchange messages, with a fixed peer and without."""
    received = []

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, address):
            self.transport.sendto(data.upper(), address)

    class Client(asyncio.DatagramProtocol):
        def datagram_received(self, data, address):
            received.append((data, address))

    async def main():
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_datagram_endpoint(Server, local_addr=("server", 53))
        fixed, _ = await loop.create_datagram_endpoint(Client, remote_addr=("server", 53))
        free, _ = await loop.create_datagram_endpoint(Client, local_addr=("client", 1))
        fixed.sendto(b"fixed")
        await asyncio.sleep(1)
        free.sendto(b"free", ("server", 53))
        await asyncio.sleep(1)
        for transport in (server, fixed, free):
            transport.close()

    kernel.run(main())
    assert received == [(b"FIXED", ("server", 53)), (b"FREE", ("server", 53))]


def test_socket_methods_of_the_loop(kernel, network):
    """``sock_sendall`` and its kin work on the network's sockets."""

    async def main():
        loop = asyncio.get_running_loop()
        async with await asyncio.start_server(echo, "server", 80):
            client = await network.connect("server", 80, local=None)
            await loop.sock_sendall(client, b"hello")
            data = await loop.sock_recv(client, 100)
            client.close()
            await asyncio.sleep(0)
            return data

    assert kernel.run(main()) == b"hello"


@pytest.mark.usefixtures("network")
def test_names_are_resolved_by_the_network(kernel):
    """``getaddrinfo`` and ``getnameinfo`` of the loop ask no real resolver."""

    async def main():
        loop = asyncio.get_running_loop()
        rows = await loop.getaddrinfo("server", 80)
        return rows[0][4], await loop.getnameinfo(("server", 80))

    assert kernel.run(main()) == (("server", 80), ("server", "80"))


def test_without_a_network_there_is_no_connection(kernel):
    """A loop without a network says what is missing."""

    async def main():
        with pytest.raises(OSError, match="no network is attached"):
            await asyncio.open_connection("server", 80)

    kernel.run(main())


def test_a_second_network_is_refused(kernel, network):
    """One simulation has one network."""
    with pytest.raises(RuntimeError, match="network already"):
        Loopback(kernel.loop)


def test_a_real_descriptor_is_refused(kernel):
    """Descriptors of the operating system cannot be watched in virtual time."""

    async def main():
        with pytest.raises(ValueError, match="no socket of the simulated network"):
            asyncio.get_running_loop().add_reader(0, print)

    kernel.run(main())


@pytest.mark.usefixtures("network")
def test_connections_of_a_server_are_aborted_in_order(kernel):
    """``abort_clients`` (3.13) goes through the connections in the order they were made."""
    lost = []

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport):
            self.peer = transport.get_extra_info("peername")

        def connection_lost(self, error):
            lost.append(self.peer[1])

    async def main():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Protocol, "server", 80)
        if not hasattr(server, "abort_clients"):
            pytest.skip("Python 3.13 and later")
        writers = [(await asyncio.open_connection("server", 80))[1] for _ in range(20)]
        await asyncio.sleep(1)
        server.abort_clients()
        server.close()
        await asyncio.sleep(1)
        for writer in writers:
            writer.close()
        await asyncio.sleep(1)

    kernel.run(main())
    assert lost == list(range(40_001, 40_021))
