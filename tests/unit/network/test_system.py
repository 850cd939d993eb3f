"""Where drivers reach past asyncio for a socket."""

from __future__ import annotations

import select
import socket

import pytest

from umt_sim.kernel.kernel import Kernel
from umt_sim.network.network import Network

real_poll = select.poll


def test_an_idle_connection_is_not_readable_until_it_ends(kernel: Kernel, network: Network) -> None:
    """``select.poll`` tells httpcore whether the server has closed a kept connection."""
    network.host("server")

    async def main() -> list[list[int]]:
        listener = network.listen("server", 80)
        client = await network.connect("server", 80)
        server, _ = listener.accept()
        poll = select.poll()
        poll.register(client.fileno(), select.POLLIN)
        answers = [poll.poll(0)]
        server.send(b"data")
        answers.append(poll.poll(0))
        client.recv(10)
        answers.append(poll.poll(0))
        server.close()
        answers.append(poll.poll(0))
        return [[events for _, events in answer] for answer in answers]

    assert [[], [select.POLLIN], [], [select.POLLIN]] == kernel.run(main())


def test_a_closed_descriptor_is_invalid(kernel: Kernel, network: Network) -> None:
    """As from the operating system: POLLNVAL."""
    network.host("server")

    async def main() -> list[tuple[int, int]]:
        network.listen("server", 80)
        client = await network.connect("server", 80)
        fd = client.fileno()
        client.close()
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return poll.poll(0)

    ((_, events),) = kernel.run(main())
    assert events == select.POLLNVAL


def test_real_descriptors_are_polled_as_ever() -> None:
    """The private channel of a real server goes on working beside simulated sockets."""
    left, right = socket.socketpair()
    with left, right, Kernel(seed=1) as kernel:
        Network(kernel)
        poll = select.poll()
        poll.register(left, select.POLLIN)
        assert poll.poll(0) == []
        right.send(b"!")
        assert poll.poll(0) == [(left.fileno(), select.POLLIN)]
        poll.unregister(left)
        assert poll.poll(0) == []


def test_leaving_the_kernel_restores_the_real_poll() -> None:
    """Nothing stays replaced."""
    with Kernel(seed=1) as kernel:
        Network(kernel)
        assert select.poll is not real_poll
    assert select.poll is real_poll


def test_one_simulation_has_one_network(kernel: Kernel, network: Network) -> None:
    """A second one is refused."""
    with pytest.raises(RuntimeError, match="one simulation, one network"):
        Network(kernel)
