"""Conversations that go wrong, held with a server in virtual time."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.fuzz.damage import in_pieces, spoilt
from tests.fuzz.recording import HOST, recorded
from umt_sim.journal.recorder import Recorder
from umt_sim.kernel import Kernel
from umt_sim.measures.flow import balances
from umt_sim.network.network import Network

__all__ = ["Dialect", "Tally", "bombard"]

PATIENCE = 600.0  # virtual seconds until a conversation counts as hanging
MOMENT = 0.001  # virtual seconds between two messages: the server has reacted to the first


class Dialect(ABC):
    """
    A protocol, as far as one must know it to speak it badly.

    Attributes:
        resume: Said after a spoilt message, so that the server listens again.
        recorder: What the server wrote, if it keeps books; they must balance in the end.
    """

    resume = b""
    recorder: Recorder | None = None

    @abstractmethod
    def server(self, kernel: Kernel) -> Any:
        """A new server, not started."""

    @abstractmethod
    async def drive(self, port: int) -> None:
        """Use the server through a real driver."""

    @abstractmethod
    def messages(self, words: bytes) -> list[bytes]:
        """What one connection said, message by message."""

    @abstractmethod
    def conversation(self, draw: Random) -> list[bytes]:
        """A proper conversation from its greeting on, of whatever the protocol has."""

    @abstractmethod
    def garbage(self, draw: Random) -> bytes:
        """A message that is wrong in a way random damage would hardly hit on."""

    @abstractmethod
    def complaints(self, said: bytes) -> int:
        """How often the server spoke of an error, in the protocol's own words."""

    @abstractmethod
    def left_behind(self, server: Any) -> list[Any]:
        """What the server keeps of clients: nothing, once all are gone."""

    def over(self, said: bytes) -> bool:
        """Whether the server has said that it listens no more."""
        return False


@dataclass
class Tally:
    """
    What was done to a server and how it took it.

    Attributes:
        malformed: Messages that were wrong and reached a server that listened.
        conversations: Connections they were spread over.
        complaints: Errors it told of.
        hung_up: Conversations that the server ended.
    """

    malformed: int = 0
    conversations: int = 0
    complaints: int = 0
    hung_up: int = 0


def bombard(dialect: Dialect, malformed: int, seed: str) -> Tally:
    """
    Speak badly to a fresh server until it has got so many malformed messages.

    Each conversation must end; an exception in the server ends the kernel's run, and a
    server that waits for ever is found as stalled. At last a driver must get on with it.
    """
    draw, tally = Random(seed), Tally()
    with Kernel(seed=1) as kernel:
        Network(kernel)

        async def main() -> None:
            server = dialect.server(kernel)
            await server.start(HOST, 0)
            texts = await recorded(server.port, dialect.drive)
            recordings = [dialect.messages(words) for words in texts]
            while tally.malformed < malformed:
                proper = dialect.conversation(draw)
                if draw.random() < 0.5:
                    proper = draw.choice(recordings)
                await _Conversation(dialect, draw, tally).hold(server.port, proper)
            await asyncio.sleep(PATIENCE)
            assert [] == dialect.left_behind(server)
            await dialect.drive(server.port)
            await server.stop()

        kernel.run(main())
    if dialect.recorder is not None:
        books = balances(dialect.recorder.close({}))
        assert [] == [str(balance) for balance in books if not balance.holds]
    return tally


class _Conversation:
    """One connection: proper messages up to a point, then more and more wrong ones."""

    def __init__(self, dialect: Dialect, draw: Random, tally: Tally) -> None:
        self._dialect = dialect
        self._draw = draw
        self._tally = tally
        self._heard = bytearray()
        self._writer: asyncio.StreamWriter

    async def hold(self, port: int, proper: list[bytes]) -> None:
        """Say everything, then nothing more, and hear the server out."""
        self._tally.conversations += 1
        reader, self._writer = await asyncio.open_connection(HOST, port)
        listening = asyncio.create_task(self._listen(reader))
        from_here = self._draw.randrange(len(proper))
        for number, message in enumerate(proper):
            if listening.done() or self._dialect.over(bytes(self._heard)):
                break
            if number < from_here:
                await self._say(message)
            else:
                await self._say(*self._spoil(message))
        self._tally.hung_up += listening.done()
        with suppress(OSError):
            self._writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await listening
        self._writer.close()
        self._tally.complaints += self._dialect.complaints(bytes(self._heard))

    def _spoil(self, message: bytes) -> tuple[bytes, ...]:
        """What to say in place of *message*."""
        chance = self._draw.random()
        if chance < 0.3:
            return (message,)
        self._tally.malformed += 1
        if chance < 0.55:
            return self._dialect.garbage(self._draw), self._dialect.resume
        return spoilt(self._draw, message), self._dialect.resume

    async def _say(self, *messages: bytes) -> None:
        for message in messages:
            for piece in in_pieces(self._draw, message):
                self._writer.write(piece)
                await asyncio.sleep(MOMENT)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Until the server closes its end, or breaks the connection."""
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                self._heard += data
