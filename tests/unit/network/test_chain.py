"""Changes of a proxy's chain while a stage cannot be interrupted."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.network.conftest import Echo, exchange
from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.toxic import Direction

PROXY = ("proxy", 70)


def test_everything_waits_for_a_reset_that_counts_down(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """Newcomers connect, but a thousand of them are served only when the change is over."""
    proxy = network.proxy("proxy", listen=PROXY, upstream=echo.address)
    proxy.add_toxic("reset_peer", {"timeout": 5000}, direction=Direction.UPSTREAM, name="reset")

    async def main() -> None:
        await echo.start()
        async with echo.client(PROXY) as doomed:
            doomed[1].write(b"!")
            await asyncio.sleep(1)
            proxy.remove_toxic("reset")
            newcomers = [await network.connect(*PROXY) for _ in range(1000)]
            for newcomer in newcomers:
                newcomer.send(b"?")
            await asyncio.sleep(3.999)
            with pytest.raises(BlockingIOError):
                newcomers[0].recv(1)
            await asyncio.sleep(0.002)
            assert {newcomer.recv(1) for newcomer in newcomers} == {b"?"}
            for newcomer in newcomers:
                newcomer.close()

    kernel.run(main())


def test_names_are_unique_and_known(network: Network, echo: Echo) -> None:
    """A second toxic of one name, and an unknown one, are refused with the names there are."""
    proxy = network.proxy("proxy", listen=PROXY, upstream=echo.address)
    proxy.add_toxic("latency", {"latency": 5})
    with pytest.raises(ValueError, match="has a toxic 'latency_downstream' already"):
        proxy.add_toxic("latency", {"latency": 6})
    with pytest.raises(KeyError, match="no toxic 'x'; it has latency_downstream"):
        proxy.remove_toxic("x")
    with pytest.raises(ValueError, match="unknown toxic 'lag'; allowed are latency, bandwidth"):
        proxy.add_toxic("lag", {})
    with pytest.raises(ValueError, match="latency has no attribute 'delay'; allowed are latency"):
        proxy.add_toxic("latency", {"delay": 6}, name="other")
    assert [toxic.name for toxic in proxy.toxics] == ["latency_downstream"]


def test_an_update_that_names_nothing_known_changes_nothing(network: Network, echo: Echo) -> None:
    """All attributes are checked before one is set."""
    proxy = network.proxy("proxy", listen=PROXY, upstream=echo.address)
    toxic = proxy.add_toxic("latency", {"latency": 5})
    with pytest.raises(ValueError, match="no attribute 'x'"):
        proxy.update_toxic("latency_downstream", {"latency": 6, "x": 1})
    assert toxic.pipe.attributes() == {"latency": 5, "jitter": 0}


def test_reset_takes_toxics_away_and_enables(kernel: Kernel, network: Network, echo: Echo) -> None:
    """Connections survive it, if no timeout toxic had them."""
    proxy = network.proxy("proxy", listen=PROXY, upstream=echo.address)

    async def main() -> float:
        await echo.start()
        async with echo.client(PROXY) as client:
            proxy.add_toxic("latency", {"latency": 500})
            await exchange(client, b"slow")
            network.reset()
            await exchange(client, b"fast")
        proxy.disable()
        network.reset()
        async with echo.client(PROXY) as client:
            await exchange(client, b"again")
        return kernel.loop.time()

    assert kernel.run(main()) == 0.5
    assert proxy.toxics == []


def test_back_pressure_reaches_the_sender_through_a_proxy(kernel: Kernel) -> None:
    """A slow toxic takes what the window and three stages hold; the sender waits for the rest."""
    network = Network(kernel, window=100_000)
    network.host("server")
    proxy = network.proxy("proxy", listen=PROXY, upstream=("server", 7))
    proxy.add_toxic("bandwidth", {"rate": 1}, direction=Direction.UPSTREAM)

    async def main() -> int:
        network.listen("server", 7)
        client = await network.connect(*PROXY)
        sent = 0
        try:
            while True:
                sent += client.send(b"x" * 10_000)
        except BlockingIOError:
            return sent

    # One chunk each in the reader, the noop and the toxic: of the 10 000 bytes first read,
    # then of what was merged meanwhile; the rest fills the window.
    assert kernel.run(main()) == 130_000


def test_slices_make_up_for_a_late_clock(
    kernel: Kernel, network: Network, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen pieces on a clock that always rings 2 ms late are 2 ms late in all."""
    ring_at = network.ring_at
    monkeypatch.setattr(network, "ring_at", lambda when, wake: ring_at(when + 0.002, wake))
    proxy = network.proxy("proxy", listen=PROXY, upstream=echo.address)
    proxy.add_toxic("slicer", {"average_size": 10, "delay": 5000})

    async def main() -> None:
        await echo.start()
        async with echo.client(PROXY) as client:
            await exchange(client, b"x" * 160)
            assert kernel.loop.time() == 15 * 0.005 + 0.002

    kernel.run(main())


def test_a_proxy_counts_what_it_has_carried(kernel: Kernel, network: Network, echo: Echo) -> None:
    """Connections and bytes of each direction, of ended connections too."""
    proxy = network.proxy("proxy", listen=PROXY, upstream=echo.address)

    async def main() -> None:
        await echo.start()
        for size in (3, 4):
            async with echo.client(PROXY) as client:
                await exchange(client, b"x" * size)
        async with echo.client(PROXY) as client:
            proxy.add_toxic("limit_data", {"bytes": 2})
            client[1].write(b"12345")
            assert await client[0].read() == b"12"
        assert (3, 0) == (proxy.accepted, proxy.connections)
        carried = [proxy.carried(direction) for direction in Direction]
        assert carried == [12, 12]

    kernel.run(main())


def test_a_stage_before_one_that_closed_can_be_changed(
    kernel: Kernel, network: Network, echo: Echo
) -> None:
    """What it sends on is lost, so it never waits, and the proxy goes on serving newcomers."""
    proxy = network.proxy("proxy", listen=PROXY, upstream=echo.address)
    proxy.add_toxic("slow_close", {"delay": 10})
    proxy.add_toxic("limit_data", {"bytes": 5})
    proxy.add_toxic("latency", {"latency": 200})

    async def main() -> None:
        await echo.start()
        async with echo.client(PROXY) as cut:
            cut[1].write(b"0123456789")
            await asyncio.sleep(0.05)
            cut[1].write(b"too late")  # the echo of it comes to slow_close, behind it is the end
            await asyncio.sleep(0.05)
            updated = asyncio.Event()
            proxy.update_toxic("slow_close_downstream", done=updated.set)
            await updated.wait()
            assert kernel.loop.time() == 0.1
            assert await cut[0].read() == b"01234"
            assert kernel.loop.time() == 0.2
        proxy.reset()
        async with echo.client(PROXY) as newcomer:
            assert await exchange(newcomer, b"hello") == b"hello"

    kernel.run(main())


def test_a_change_ends_when_the_destination_dies(kernel: Kernel) -> None:
    """A stage told to stop while the writer waits for room is free once the writer has ended."""
    network = Network(kernel, window=1000)
    network.host("server")
    proxy = network.proxy("proxy", listen=PROXY, upstream=("server", 7))
    proxy.add_toxic("slicer", {"average_size": 500}, direction=Direction.UPSTREAM)

    async def main() -> None:
        listener = network.listen("server", 7)
        client = await network.connect(*PROXY)
        await asyncio.sleep(0.1)
        server, _ = listener.accept()
        for _ in range(4):
            client.send(b"x" * 1000)
            await asyncio.sleep(0.1)
        updated = asyncio.Event()
        proxy.update_toxic("slicer_upstream", done=updated.set)
        await asyncio.sleep(0.1)
        assert not updated.is_set()
        server.close()  # with unread data: a reset
        async with asyncio.timeout(1):
            await updated.wait()
        client.close()

    kernel.run(main())
