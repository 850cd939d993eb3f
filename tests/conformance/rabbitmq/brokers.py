"""One test body for every broker: ours on a real loop, ours in virtual time, and RabbitMQ."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from random import Random
from typing import Any, Protocol

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractRobustConnection
from pamqp import base

from tests.conformance import real_time
from tests.conformance.line import Line
from tests.conformance.rabbitmq.raw_client import RawClient
from umt_sim.kernel import Kernel
from umt_sim.network.network import Network
from umt_sim.servers.rabbitmq import RABBITMQ_3_13, RabbitMQ
from umt_sim.worlds.live.programs.instance import Instance
from umt_sim.worlds.live.programs.rabbitmq import RabbitMQ as RealRabbitMQ

__all__ = ["Broker", "on_every_broker"]

_PATIENCE = 20.0  # seconds of the loop's own time that a case may take


class _Server(Protocol):
    """What a case may do to the broker itself."""

    @property
    def port(self) -> int: ...

    async def restart(self) -> None: ...

    async def set_alarm(self) -> None: ...

    async def clear_alarm(self) -> None: ...


class _Ours:
    def __init__(self, broker: RabbitMQ) -> None:
        self._broker = broker

    @property
    def port(self) -> int:
        return self._broker.port

    async def restart(self) -> None:
        await self._broker.restart()

    async def set_alarm(self) -> None:
        self._broker.set_alarm("memory")

    async def clear_alarm(self) -> None:
        self._broker.clear_alarm("memory")


class _Real:
    def __init__(self, broker: Instance) -> None:
        self._broker = broker
        self.port = broker.port

    async def restart(self) -> None:
        await asyncio.to_thread(self._broker.stop)
        await asyncio.to_thread(self._broker.start)

    async def set_alarm(self) -> None:
        await self._watermark("0.0000001")

    async def clear_alarm(self) -> None:
        await self._watermark("absolute", "512MB")

    async def _watermark(self, *value: str) -> None:
        program = self._broker.program
        assert isinstance(program, RealRabbitMQ)
        await asyncio.to_thread(program.control, "set_vm_memory_high_watermark", *value)


class Broker:
    """
    A broker under test, with clients that are closed at the end of the case.

    Args:
        server: The broker.
        case: Name of the test, so that names of one case meet none of another.
        clients: Closes them.
    """

    def __init__(self, server: _Server, case: str, clients: AsyncExitStack) -> None:
        self.server = server
        self._case = case
        self._clients = clients

    def name(self, short: str = "q") -> str:
        """A name for a queue or exchange that no other case uses."""
        return f"{self._case}.{short}"

    async def connect(self, **options: Any) -> AbstractConnection:
        """An aio-pika connection."""
        url = f"amqp://guest:guest@127.0.0.1:{self.server.port}/"
        connection = await aio_pika.connect(url, **options)
        self._clients.push_async_callback(connection.close)
        return connection

    def line(self) -> Line:
        """A way to the broker that can be cut."""
        line = Line("127.0.0.1", self.server.port)
        self._clients.callback(line.cut)
        return line

    async def robust(self, line: Line) -> AbstractRobustConnection:
        """A connection through *line* that comes back by itself, after a fifth of a second."""
        url = f"amqp://guest:guest@{line.host}:{line.port}/"
        connection = await aio_pika.connect_robust(url, reconnect_interval=0.2)
        self._clients.push_async_callback(connection.close)
        return connection

    async def channel(self, *, confirms: bool = True) -> AbstractChannel:
        """A channel of a connection of its own."""
        connection = await self.connect()
        return await connection.channel(publisher_confirms=confirms)

    def client(self) -> RawClient:
        """A raw client, not connected yet."""
        client = RawClient("127.0.0.1", self.server.port)
        self._clients.push_async_callback(client.close)
        return client

    async def raw(self, *channels: int, **options: Any) -> RawClient:
        """A raw client with *channels* open."""
        return await self.client().open(*channels, **options)

    async def refusal(self, *methods: base.Frame) -> tuple[int, str, int, int]:
        """
        What a channel is closed with when the last of *methods* is sent.

        Returns:
            Code, text, class and method.
        """
        client = await self.raw(1)
        for method in methods[:-1]:
            client.send(1, method)
            received = await client.receive()
            assert received is not None
        client.send(1, methods[-1])
        return await client.closed_channel()


Body = Callable[[Broker], Awaitable[None]]


async def _with_ours(case: str, body: Body) -> None:
    ours = RabbitMQ(rules=RABBITMQ_3_13, stream=Random(case), wall_clock=lambda: datetime.now(UTC))
    await ours.start("127.0.0.1", 0)
    try:
        async with asyncio.timeout(_PATIENCE), AsyncExitStack() as clients:
            await body(Broker(_Ours(ours), case, clients))
    finally:
        await ours.stop()


async def _with_real(real: Instance, case: str, body: Body) -> None:
    async with asyncio.timeout(3 * _PATIENCE), AsyncExitStack() as clients:
        await body(Broker(_Real(real), case, clients))


def _in_virtual_time(coroutine: Coroutine[Any, Any, None]) -> None:
    with Kernel(seed=7) as kernel:
        Network(kernel)
        kernel.run(coroutine)


def on_every_broker(body: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make *body* a test that runs against each broker; it may have parameters of its own."""
    name = body.__name__.removeprefix("test_")

    def test(where: str, request: pytest.FixtureRequest, **parameters: Any) -> None:
        def run(broker: Broker) -> Awaitable[None]:
            return body(broker, **parameters)

        match where:
            case "ours":
                real_time.run(_with_ours(name, run))
            case "sim":
                _in_virtual_time(_with_ours(name, run))
            case "real":
                real_time.run(_with_real(request.getfixturevalue("real_broker"), name, run))

    test.__name__, test.__doc__, test.__module__ = body.__name__, body.__doc__, body.__module__
    own = list(inspect.signature(test).parameters.values())[:2]
    its = list(inspect.signature(body).parameters.values())[1:]
    test.__signature__ = inspect.Signature([*own, *its])  # type: ignore[attr-defined]
    return pytest.mark.parametrize(
        "where", ["ours", "sim", pytest.param("real", marks=pytest.mark.live)]
    )(test)
