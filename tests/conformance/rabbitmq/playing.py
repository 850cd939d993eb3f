"""Plays drawn programs on a broker and writes down all that it says, step by step."""

from __future__ import annotations

import asyncio
from typing import Any

from pamqp import base
from pamqp.commands import Basic, Channel, Confirm, Connection, Exchange, Queue

from tests.conformance.rabbitmq.drawn import CLIENTS, EXCHANGES, QUEUES, UNKNOWN, Step
from tests.conformance.rabbitmq.raw_client import RawClient, content, shown

__all__ = ["play"]

QUIET = 2  # rounds without news, after which all has happened
PAUSE = 0.01  # seconds before each round, for processes of a busy broker that have not had a turn
QUESTION = Exchange.Declare(exchange="amq.direct", passive=True)
UNLIKE = ("x-delivery-count", "x-last-death-exchange", "x-last-death-queue", "x-last-death-reason")
"""Headers of 3.10 that are not those of our rules."""

Said = list[str]


async def play(port: int, steps: list[Step]) -> list[tuple[list[Said], Said]]:
    """What each client heard and what each queue held, after every step."""
    clients = [await Client(port).open() for _ in range(CLIENTS)]
    observer = await Client(port).open()
    try:
        told = []
        for number, step in enumerate(steps):
            await clients[step.client].say(step, b"m%d" % number)
            told.append(await _outcome(clients, observer))
        return told
    finally:
        for client in clients:
            await client.close()
        await observer.sweep()
        await observer.close()


async def _outcome(clients: list[Client], observer: Client) -> tuple[list[Said], Said]:
    """RabbitMQ's processes work side by side: ask all of them until nothing comes any more."""
    heard: list[Said] = [[] for _ in clients]
    before: Said = []
    quiet = 0
    while quiet < QUIET:
        await asyncio.sleep(PAUSE)
        news = [await client.news() for client in clients]
        held = [await observer.ask(Queue.Declare(queue=name, passive=True)) for name in QUEUES]
        for said, new in zip(heard, news, strict=True):
            said += new
        quiet = 0 if any(news) or held != before else quiet + 1
        before = held
    # There is an order among deliveries and one among confirms, and none between the two.
    return [sorted(said, key=lambda line: line.split()[0]) for said in heard], before


class Client:
    """
    A connection with one channel; what the broker closes is opened again.

    Args:
        port: Of the broker.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._wire: RawClient

    async def open(self) -> Client:
        """Connect."""
        self._wire = await RawClient("127.0.0.1", self._port).open()
        await self._open_channel()
        return self

    async def _open_channel(self) -> None:
        self._wire.send(1, Channel.Open())
        await self._wire.expect(Channel.OpenOk)
        self._held: list[int] = []
        self._consumes = False
        self._keeps = {Basic.Deliver: True, Basic.GetOk: True}  # or they need no acknowledgement
        self._unconfirmed: list[int] | None = None
        self._published = 0

    async def close(self) -> None:
        """Hang up."""
        await self._wire.close()

    async def say(self, step: Step, body: bytes) -> None:
        """Send what the step has."""
        method = self._meant(step.method)
        if method is None:
            return
        self._wire.send(1, method)
        if isinstance(method, Basic.Publish):
            self._wire.write(content(1, body, **step.properties or {}))
        elif isinstance(method, Channel.Close):
            while not isinstance((await self._receive())[0], Channel.CloseOk):
                continue  # deliveries go back
            await self._open_channel()

    def _meant(self, method: Any) -> base.Frame | None:
        """What to send, and what to remember of it."""
        match method:
            case Basic.Ack() | Basic.Nack() | Basic.Reject() if method.delivery_tag != UNKNOWN:
                return self._of_what_is_held(method)
            case Basic.Consume() if self._consumes:
                return None
            case Basic.Consume():
                self._consumes, self._keeps[Basic.Deliver] = True, not method.no_ack
            case Basic.Cancel():
                self._consumes = False
            case Basic.Get():
                self._keeps[Basic.GetOk] = not method.no_ack
            case Basic.Recover():
                self._held.clear()
            case Confirm.Select() if self._unconfirmed is None:
                self._unconfirmed = []
            case Basic.Publish() if self._unconfirmed is not None:
                self._published += 1
                self._unconfirmed.append(self._published)
        return method  # type: ignore[no-any-return]

    def _of_what_is_held(self, method: Any) -> base.Frame | None:
        if not self._held:
            return None
        nth = min(method.delivery_tag, len(self._held))
        tag = self._held[nth - 1]
        del self._held[0 if getattr(method, "multiple", False) else nth - 1 : nth]
        return type(method)(**{**dict(method), "delivery_tag": tag})  # type: ignore[no-any-return]

    async def news(self) -> Said:
        """All that comes until the broker answers a question."""
        self._wire.send(1, QUESTION)
        found: Said = []
        while not isinstance((heard := await self._receive())[0], Exchange.DeclareOk):
            found += self._told(*heard)
            if await self._opened_again(heard[0]):
                self._wire.send(1, QUESTION)
        return found

    async def ask(self, method: base.Frame) -> str:
        """The answer to a method."""
        self._wire.send(1, method)
        answer, _ = await self._receive()
        await self._opened_again(answer)
        return shown(answer)

    async def sweep(self) -> None:
        """Delete all that programs declare."""
        for exchange in EXCHANGES:
            await self.ask(Exchange.Delete(exchange=exchange))
        for queue in QUEUES:
            await self.ask(Queue.Delete(queue=queue))

    async def _receive(self) -> tuple[Any, str]:
        """The next method and its content; ``None`` if the broker hangs up."""
        received = await self._wire.receive()
        method = received[1] if received else None
        if not isinstance(method, Basic.Deliver | Basic.GetOk | Basic.Return):
            return method, ""
        head, body = await self._wire.expect_content()
        return method, f"{body!r} {_properties(dict(head.properties))}"

    def _told(self, method: Any, carried: str) -> Said:
        if isinstance(method, Basic.Ack | Basic.Nack):
            return self._confirmed(method)
        if isinstance(method, Basic.Cancel):
            self._consumes = False
        if self._keeps.get(type(method), False):
            self._held.append(method.delivery_tag)
        return [f"{shown(method)} {carried}"]

    def _confirmed(self, method: Any) -> Said:
        """One at a time, for how many are confirmed at once is left to chance."""
        assert self._unconfirmed is not None
        tag, several = method.delivery_tag, method.multiple
        which = [each for each in self._unconfirmed if each == tag or (several and each < tag)]
        self._unconfirmed = [each for each in self._unconfirmed if each not in which]
        return [f"{type(method).__name__} {each}" for each in which]

    async def _opened_again(self, method: base.Frame | None) -> bool:
        match method:
            case Channel.Close():
                self._wire.send(1, Channel.CloseOk())
                await self._open_channel()
            case Connection.Close() | None:
                await self._wire.close()
                await self.open()
            case _:
                return False
        return True


def _properties(properties: dict[str, Any]) -> dict[str, Any]:
    """Those that are set, in the order of their names, but for times and what is ``UNLIKE``."""
    found = {name: value for name, value in properties.items() if value}
    headers = {
        name: value
        for name, value in sorted(found.pop("headers", {}).items())
        if name not in UNLIKE
    }
    if "x-death" in headers:
        headers["x-death"] = [
            sorted((name, value) for name, value in death.items() if name != "time")
            for death in headers["x-death"]
        ]
    return found | ({"headers": headers} if headers else {})
