"""Where the random numbers of a proxy come from."""

from __future__ import annotations

import asyncio

from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.network.toxic import Direction

CONNECTIONS = 40


def delays(seed: int, *, other_toxic: bool = False, toxicity: float = 1.0) -> list[float]:
    """How late the first bytes of each connection are, under latency 100 with jitter 50."""

    async def main(network: Network) -> list[float]:
        loop = asyncio.get_running_loop()
        listener = network.listen("server", 7)
        proxy = network.proxy("proxy", listen=("proxy", 7), upstream=("server", 7))
        if other_toxic:
            attributes = {"average_size": 3, "size_variation": 2}
            proxy.add_toxic("slicer", attributes, direction=Direction.UPSTREAM, name="other")
        proxy.add_toxic(
            "latency",
            {"latency": 100, "jitter": 50},
            direction=Direction.UPSTREAM,
            toxicity=toxicity,
        )
        found = []
        for _ in range(CONNECTIONS):
            client = await network.connect("proxy", 7)
            server, _ = listener.accept()
            started = loop.time()
            client.send(b"x")
            while True:
                try:
                    server.recv(1)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.001)
            found.append(round(loop.time() - started, 3))
        return found

    with Kernel(seed=seed) as kernel:
        network = Network(kernel)
        network.host("server")
        return kernel.run(main(network))


def test_jitter_is_whole_milliseconds_around_the_latency() -> None:
    """50 to 149 ms, and not all alike."""
    found = delays(seed=1)
    assert all(0.050 <= delay <= 0.149 for delay in found)
    assert len(set(found)) > CONNECTIONS // 4


def test_the_seed_names_the_draws() -> None:
    """The same seed draws the same, another one differently."""
    assert delays(seed=1) == delays(seed=1)
    assert delays(seed=1) != delays(seed=2)


def test_another_toxic_shifts_no_draw() -> None:
    """Each toxic has a stream of its own on each connection."""
    assert delays(seed=1) == delays(seed=1, other_toxic=True)


def test_toxicity_is_a_share_of_the_connections() -> None:
    """Of forty connections about half are spared at 0.5; those are not delayed at all."""
    spared = delays(seed=1, toxicity=0.5).count(0.0)
    assert 10 <= spared <= 30
